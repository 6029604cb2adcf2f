"""Metrics of a server for Prometheus."""

from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tenor.serving.served_model import ServedModel

_BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]


class ServerMetrics:
    """Counts requests, batches and reloads, and reads the state of the models."""

    def __init__(self) -> None:
        """Start to count."""
        self.registry = CollectorRegistry()
        self._requests = Counter("tenor_requests", "Requests answered.", ["path", "status"], registry=self.registry)
        self._seconds = Histogram(
            "tenor_request_seconds", "Seconds until the response.", ["path"], registry=self.registry
        )
        self._batch_sizes = Histogram(
            "tenor_batch_texts", "Texts of a batch.", registry=self.registry, buckets=_BATCH_BUCKETS
        )
        self._reloads = Counter(
            "tenor_reloads", "New versions that were taken or refused.", ["model", "outcome"], registry=self.registry
        )

    def on_batch(self, texts: int) -> None:
        """Count a batch."""
        self._batch_sizes.observe(texts)

    def on_response(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(path, status).inc()
        self._seconds.labels(path).observe(seconds)

    def on_reload(self, model: str, outcome: str) -> None:
        """Count a new version."""
        self._reloads.labels(model, outcome).inc()

    def read_from(self, models: Iterable[ServedModel]) -> None:
        """Read the state of these models for every request for the metrics."""
        queued = Gauge("tenor_queued_texts", "Texts that wait.", ["model"], registry=self.registry)
        answers = Gauge("tenor_model_answers", "Whether the model answers: 1, or 0.", ["model"], registry=self.registry)
        notes = Gauge(
            "tenor_model_notes", "Number of notes on the model in GET /models.", ["model"], registry=self.registry
        )
        for model in models:
            queued.labels(model.name).set_function(partial(_queued, model))
            answers.labels(model.name).set_function(partial(_answers, model))
            notes.labels(model.name).set_function(partial(_notes, model))

    def text(self) -> bytes:
        """The metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


def _queued(model: ServedModel) -> int:
    return model.batcher.queued  # a reload may replace the batcher


def _answers(model: ServedModel) -> int:
    return model.fault() is None


def _notes(model: ServedModel) -> int:
    return len(model.notes())
