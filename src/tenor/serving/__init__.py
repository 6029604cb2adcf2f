"""The HTTP server: app, batching, limits, reloading of models, corrections, web page."""
