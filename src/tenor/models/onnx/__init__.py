"""Networks as ONNX graphs: written, read strictly, proven, and run."""
