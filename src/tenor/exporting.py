"""A model -> the same with graphs of ONNX: in float32, proven equal, and in int8 where that is about as good."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tenor import measurement
from tenor.data.dataset import Dataset
from tenor.errors import DataError, SettingsError, TenorError
from tenor.models.exported import Exported
from tenor.models.family import Model
from tenor.predictor import Predictor
from tenor.tasks import LabelSet, Value

LARGEST_LOSS = 0.003
"""How much worse int8 may be: 0.3 points of accuracy, of micro-F1, or of R2."""


@dataclass(frozen=True)
class Compared:
    """Two graphs of one model on the same labelled texts.

    Attributes:
        figure: `accuracy`, of several labels a text `micro_f1`, of numbers `r2`.
        float32: That of the float32 graph.
        int8: That of the int8 graph.
        rows: On how many texts.
    """

    figure: str
    float32: float
    int8: float
    rows: int


def in_float32(predictor: Predictor, texts: Sequence[str] = ()) -> Predictor:
    """The model with a new float32 graph, and none in int8.

    Args:
        predictor: The model.
        texts: Texts on which graph and network are compared; none compares on rows of tokens drawn at random.

    Raises:
        SettingsError: The family is no network.
        TenorError: The graph says something else than the network, or a package is missing; see `models.export`.
    """
    model = predictor.bundle.model
    if predictor.bundle.family.build is None:
        raise SettingsError(
            f"the family {predictor.bundle.family.name!r} is no network.",
            "There is nothing to export: n-grams need NumPy alone, and networks in a blend have their graphs already.",
        )
    from tenor.models import export, network

    keras = model.network if isinstance(model, Exported) else model
    assert isinstance(keras, network.Network)
    rows = keras.encode(texts) if texts else export.any_rows(keras)
    return _with(predictor, export.export(keras, rows))


def in_int8(predictor: Predictor, data: Dataset) -> tuple[Predictor, Compared]:
    """The model with a graph in int8 beside that in float32, and how good both are.

    Args:
        predictor: What `in_float32` gives.
        data: Labelled texts that the model has not learned from.

    Raises:
        DataError: There is nothing to measure on, or a label that the model does not know.
        TenorError: The graph is worse than `LARGEST_LOSS` allows.
    """
    model = predictor.bundle.model
    assert isinstance(model, Exported)
    from tenor.models import export

    task = predictor.bundle.task
    figure = "r2" if isinstance(task, Value) else "micro_f1" if isinstance(task, LabelSet) else "accuracy"
    small = _with(predictor, export.quantised(model.network, model))
    plain_figure, small_figure = (measurement.evaluate(each, data)[figure] for each in (predictor, small))
    if plain_figure is None or small_figure is None:
        raise DataError(
            f"{data.name}: int8 cannot be compared with float32 on these texts.", "Give more of them, of all labels."
        )
    compared = Compared(figure, plain_figure, small_figure, len(data))
    if not compared.float32 - compared.int8 <= LARGEST_LOSS:
        raise TenorError(
            f"int8 is worse on {compared.rows:,} texts: {figure.replace('_', ' ')} {compared.int8:.4f} in place of "
            f"{compared.float32:.4f}, and {LARGEST_LOSS} less is allowed, so it is not kept.",
            "The float32 graph predicts, as before.",
        )
    return small, compared


def _with(predictor: Predictor, model: Model) -> Predictor:
    return Predictor(replace(predictor.bundle, model=model))
