"""Peer: a plain FastAPI app around a scikit-learn pipeline: `python peer_serve.py PORT`."""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from imdb import read_part

texts, labels = read_part("train")
pipeline = make_pipeline(
    TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True), LogisticRegression(C=10, max_iter=200)
)
pipeline.fit(texts, labels)
app = FastAPI()


class Question(BaseModel):
    """One text."""

    inputs: str


@app.post("/predict")
def predict(question: Question) -> dict[str, float | str]:
    """Its label."""
    probabilities = pipeline.predict_proba([question.inputs])[0]
    best = int(probabilities.argmax())
    return {"label": str(pipeline.classes_[best]), "score": float(probabilities[best])}


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, log_level="warning")
