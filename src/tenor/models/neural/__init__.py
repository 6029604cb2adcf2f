"""Networks in Keras: layers, losses, optimizers, precision, backends."""
