"""ONNX graphs: export, strict reader, int8, runtimes, comparison on other machines."""
