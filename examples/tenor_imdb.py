"""Film reviews with Tenor: the network of `keras_imdb.py`, trained, measured and saved."""

import tenor

trained = tenor.train(tenor.RunConfig("imdb", family="lstm", out="runs/example-lstm", overwrite=True))
print(f"test accuracy: {trained.metrics['test']['accuracy']:.4f}")
print(trained.predictor.predict(["A wonderful film.", "Two hours that I will never get back."]))
