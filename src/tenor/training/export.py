"""Exporting a model: graphs in float32 that give the same logits, and graphs in int8 if they are about as good."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tenor._core.language import tr
from tenor.data.dataset import Dataset
from tenor.errors import DataError, SettingsError, TenorError, counted
from tenor.evaluation import evaluate
from tenor.evaluation.evaluate import Evaluation
from tenor.inference.predictor import Predictor
from tenor.models.auto.blend import Blend
from tenor.models.base import Model
from tenor.models.neural import backend
from tenor.models.neural.neural_model import NeuralModel
from tenor.models.onnx.onnx_network import OnnxNetwork

MAX_LOSS = 0.003
"""How much worse int8 may be: 0.3 points of accuracy, of micro-F1, or of R2."""


@dataclass(frozen=True)
class Int8Comparison:
    """A model in float32 and in int8 on the same labelled texts.

    Attributes:
        metric: Name of the metric: `accuracy`, with several labels per text `micro_f1`, for numbers `r2`.
        float32: Its value in float32.
        int8: Its value in int8.
        rows: Number of texts measured on.
    """

    metric: str
    float32: float
    int8: float
    rows: int

    def as_dict(self) -> dict[str, str | float]:
        """The comparison as `metrics.json` stores it, which calls the metric `figure`."""
        return {"figure": self.metric, "float32": self.float32, "int8": self.int8, "rows": self.rows}


def export_float32(predictor: Predictor, texts: Sequence[str] = ()) -> Predictor:
    """The model with new float32 graphs, and none in int8.

    Args:
        predictor: The model: a network, or a blend with networks in it.
        texts: Texts on which graph and network are compared; empty: rows of random tokens.

    Raises:
        SettingsError: The model has no network.
        TenorError: A graph gives other logits than its network, or a package is missing; see `models.onnx.export`.
    """

    def export_network(model: NeuralModel) -> OnnxNetwork:
        backend.load(tr("writing ONNX"))  # before anything else imports it: this keeps the backend quiet
        from tenor.models.neural import network, neural_model
        from tenor.models.onnx import export

        keras = model.network if isinstance(model, OnnxNetwork) else model
        assert isinstance(keras, network.Network)
        return export.export(keras, keras.encode(texts) if texts else neural_model.random_rows(keras))

    return _with_networks(predictor, export_network)


def export_int8(
    predictor: Predictor, data: Dataset, plain: Evaluation | None = None
) -> tuple[Predictor, Int8Comparison, Evaluation]:
    """The model with int8 graphs besides the float32 graphs, and how good both are.

    Args:
        predictor: A model whose networks have float32 graphs, and none in int8.
        data: Held-out labelled texts.
        plain: The evaluation of `predictor` on these texts; None: it is computed.

    Returns:
        The model, the metric in both precisions, and the evaluation of the model in int8.

    Raises:
        DataError: There is nothing to measure on, or the model does not know a label.
        SettingsError: The model has no network.
        TenorError: int8 loses more than `MAX_LOSS`, or a network has no graph.
    """

    def quantise(model: NeuralModel) -> OnnxNetwork:
        if not isinstance(model, OnnxNetwork):
            raise TenorError(
                tr("there is no ONNX graph, so there is none in int8."), tr("Make it with: tenor export MODEL")
            )
        backend.load(tr("writing ONNX"))
        from tenor.models.onnx import export

        return export.quantised(model.network, model)

    task = predictor.bundle.task
    metric = task.primary_metric
    quantised = _with_networks(predictor, quantise)
    plain = plain or evaluate.run_evaluation(predictor, data)
    evaluation = evaluate.run_evaluation(quantised, data)
    before, after = plain.metrics[metric], evaluation.metrics[metric]
    if before is None or after is None:
        raise DataError(
            tr("{name}: int8 cannot be compared with float32 on these texts.", name=data.name),
            tr("Give more of them, of all labels."),
        )
    comparison = Int8Comparison(metric, before, after, len(data))
    if not before - after <= MAX_LOSS:
        raise TenorError(
            tr(
                "int8 is worse on {rows}: {metric} {after:.4f} instead of {before:.4f}, and {max_loss} "
                "less is allowed, so it is not kept.",
                rows=counted(comparison.rows, "text"),
                metric=metric.replace("_", " "),
                after=after,
                before=before,
                max_loss=MAX_LOSS,
            ),
            tr("The float32 graph predicts, as before."),
        )
    metrics = replace(quantised.bundle.metrics, int8=comparison.as_dict())
    return Predictor(replace(quantised.bundle, metrics=metrics)), comparison, evaluation


def require_network(predictor: Predictor) -> None:
    """Raise SettingsError if no part of a model is a network."""
    saved = predictor.bundle
    parts = [each.model for each in saved.model.members] if isinstance(saved.model, Blend) else [saved.model]
    if not any(isinstance(part, NeuralModel) for part in parts):
        raise SettingsError(
            tr("there is no network in this model of the family {name!r}.", name=saved.family.name),
            tr("There is nothing to export: n-grams need NumPy alone."),
        )


def _with_networks(predictor: Predictor, change: Callable[[NeuralModel], OnnxNetwork]) -> Predictor:
    """The model with each of its networks changed, and without metrics of int8."""
    require_network(predictor)
    saved = predictor.bundle

    def changed(part: Model) -> Model:
        return change(part) if isinstance(part, NeuralModel) else part

    if isinstance(saved.model, Blend):
        members = tuple(replace(each, model=changed(each.model)) for each in saved.model.members)
        model: Model = Blend(members)
    else:
        model = changed(saved.model)
    return Predictor(replace(saved, model=model, metrics=replace(saved.metrics, int8=None)))
