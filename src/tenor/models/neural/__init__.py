"""Networks in Keras: layers, losses, optimizers, precision, and the backend."""
