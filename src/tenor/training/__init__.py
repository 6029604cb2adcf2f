"""From labelled texts to a fitted, calibrated, saved model."""
