"""What there is to know of a trained model, as one page (`report.html`) and as a model card (`README.md`)."""
