"""The three kinds of model family: linear, network, ensemble. Each fits a model and restores a saved one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Protocol

from tenor._core.language import tr
from tenor._core.records import JsonObject
from tenor.config import settings
from tenor.models.base import Arrays, Examples, FamilyConfig, Fitted, Model
from tenor.models.context import FitContext
from tenor.models.linear_config import LinearConfig
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import backend
from tenor.models.neural.keras_types import KerasModel
from tenor.models.neural.shapes import Shapes
from tenor.models.tabular.row_encoder import RowEncoder
from tenor.tasks import Task
from tenor.text.encoded import TextEncoder


class SavedModel(NamedTuple):
    """The parts of a saved model.

    Attributes:
        config: The family's settings.
        encoder: What `Model.encoder` gave.
        arrays: What `Model.arrays` gave.
        task: What is predicted.
        graphs: What `Model.graphs` gave.
        find_family: Finds a family by its name, for a model with members of other families.
    """

    config: FamilyConfig
    encoder: JsonObject
    arrays: Arrays
    task: Task
    graphs: Mapping[str, bytes]
    find_family: "Callable[[str], Family]"

    def check_graphs(self, family: str, known: Set[str] = frozenset()) -> None:
        """Raise ValueError where there is a graph that a model of this family does not have."""
        if unknown := sorted(self.graphs.keys() - known):
            raise ValueError(
                tr(
                    "there is a graph {unknown}, which a model of the family {family!r} has none of",
                    unknown=unknown[0],
                    family=family,
                )
            )


class FitModel(Protocol):
    """Fits a model without calibration."""

    def __call__(self, examples: Examples, config: FamilyConfig, context: FitContext, /) -> Fitted:
        """Raises TenorError where a setting does not fit the task."""


@dataclass(frozen=True, kw_only=True)
class Family(ABC):
    """A kind of model.

    Attributes:
        name: Its name on the command line and in saved folders.
        summary: What it is, in one sentence.
        paper: Authors and year of the paper behind it.
        config: The settings class.
        structure: Settings that shape its encoder and are saved with it; empty: it has no encoder to pretrain.
        pretraining: Defaults for pretraining that differ from those of `config`.
        after_pretraining: Defaults that differ from those of `config` where training starts from an encoder that Tenor
            pretrained.
        uses_unlabelled: Whether it can train on texts without labels too.
        needs_keras: Whether it needs Keras and a backend.
        writes_checkpoints: Whether an interrupted run can resume from a checkpoint.
        has_graphs: Whether its models are ONNX graphs, or have members that are.
        tunable: Whether its settings can be searched, in `config.space`.
        unset: How the value None of a setting is shown.
        without_holdout: Settings that let a model train on all examples, for callers with a validation part.
        for_soft_targets: Settings for targets that are probabilities.
        timed_settings: Settings that record how far a fit with limited time came, so that it can be repeated.
    """

    name: str
    summary: str
    paper: str
    config: type[FamilyConfig]
    structure: tuple[str, ...] = ()
    pretraining: Mapping[str, object] = field(default_factory=dict)
    after_pretraining: Mapping[str, object] = field(default_factory=dict)
    uses_unlabelled: ClassVar[bool] = False
    needs_keras: ClassVar[bool] = False
    writes_checkpoints: ClassVar[bool] = False
    has_graphs: ClassVar[bool] = False
    tunable: ClassVar[bool] = True
    unset: str = "none"
    without_holdout: ClassVar[Mapping[str, object]] = {}
    for_soft_targets: ClassVar[Mapping[str, object]] = {}
    timed_settings: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fit(self, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
        """Fit a model, without calibration.

        Raises:
            TenorError: A setting does not fit the task, or the checkpoint to resume from cannot be used.
        """

    @abstractmethod
    def restore(self, saved: SavedModel) -> Model:
        """The saved model. Raises ValueError where its parts disagree."""

    def current_settings(self, values: JsonObject) -> JsonObject:
        """Settings by the names of today; warns of former names. Raises SettingsError for a name given twice."""
        return settings.current_names(self.config, values, self._settings_place)

    def make_config(self, values: JsonObject) -> FamilyConfig:
        """The settings as an object. Raises SettingsError where one is unknown or has a wrong value."""
        return settings.make(self.config, values, self._settings_place)

    @property
    def _settings_place(self) -> str:
        """Where settings stand, for messages."""
        return tr("settings of {name}", name=self.name)

    def require_installed(self) -> None:
        """Raise MissingExtraError where a package that this family needs is not installed."""
        if self.needs_keras:
            backend.require_installed(tr("the family {name!r}", name=self.name))


@dataclass(frozen=True, kw_only=True)
class LinearFamily(Family):
    """A family whose models are fitted in one go, without epochs and without Keras.

    Attributes:
        config: The settings class; `LinearConfig` says what it must have.
        fit_model: Fits a model; `fit` says what it owes.
        restore_model: Restores a model.
    """

    config: type[LinearConfig]
    fit_model: FitModel
    restore_model: Callable[[SavedModel], Model]
    without_holdout: ClassVar[Mapping[str, object]] = {"calibrated": False}

    def fit(self, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
        """Fit a model.

        What `fit_model` owes:

        - `Fitted.held_out`, from texts that the model was not fitted to. Without it there is no calibration and no
          coverage. `models/linear/held_out.py` makes it.
        - `examples.validation`, where given, chooses settings and is held out; the model is not fitted to it.
        - `examples.weights` weigh the texts, in every model that is fitted.
        - `examples.groups` stay together in every split and fold.
        - `examples.texts` and `examples.targets` may be on disk: read them in blocks, or once with
          `examples.in_memory()`. The model keeps none of them.
        - `examples.task` may have one label, several labels or a number per text. Targets may be probabilities, for
          distillation. Refuse what the model cannot learn with a `SettingsError`.
        - With `config.calibrated` False, all examples are fitted, and only `validation` is held out.
        - Random numbers come from `context.seed` alone, so that the same seed gives the same weights.

        Raises:
            TenorError: A setting does not fit the task.
        """
        return self.fit_model(examples, config, context)

    def restore(self, saved: SavedModel) -> Model:
        """The saved model. Raises ValueError where its parts disagree."""
        saved.check_graphs(self.name)
        return self.restore_model(saved)


@dataclass(frozen=True, kw_only=True)
class NetworkFamily(Family):
    """A family of Keras networks, which train by gradient descent and predict as ONNX graphs.

    Attributes:
        config: The settings class.
        build: (config, task) -> a Keras model from int32 ids (batch, time), 0 for padding on the right, to logits
            (batch, outputs).
        shapes: (config, outputs) -> name and shape of each weight that `build` makes, the table of tokens first.
        encode: (config, training texts) -> the config with open settings filled in, and the encoder of texts.
        initialise: (config, Keras model) -> None: loads pretrained weights into a new model; None: new models start
            from random weights.
        mark_second_text: (config, encoder of rows) -> both, changed if the network tells the tokens of the second
            text apart; None: it does not.
        learning_rate_scale: (config) -> path of a variable -> its share of the learning rate; None: all of it.
    """

    config: type[NetworkConfig]
    build: Callable[[FamilyConfig, Task], KerasModel]
    shapes: Callable[[FamilyConfig, int], Shapes]
    encode: Callable[[FamilyConfig, Sequence[str]], tuple[FamilyConfig, TextEncoder]]
    initialise: Callable[[FamilyConfig, KerasModel], None] | None = None
    mark_second_text: Callable[[FamilyConfig, RowEncoder], tuple[FamilyConfig, RowEncoder]] | None = None
    learning_rate_scale: Callable[[FamilyConfig], Callable[[str], float]] | None = None
    needs_keras: ClassVar[bool] = True
    writes_checkpoints: ClassVar[bool] = True
    has_graphs: ClassVar[bool] = True
    without_holdout: ClassVar[Mapping[str, object]] = {"validation": 0.0, "calibration": 0.0}
    for_soft_targets: ClassVar[Mapping[str, object]] = {"label_smoothing": 0.0}
    timed_settings: ClassVar[tuple[str, ...]] = ("epochs", "steps")

    def fit(self, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
        """Train a network by `context.fit_network`, which `training.fitting` sets."""
        assert context.fit_network is not None
        return context.fit_network(self, examples, config, context)

    def restore(self, saved: SavedModel) -> Model:
        """The saved ONNX graphs; where there are none, or no runtime for them, the network in Keras."""
        from tenor.models.neural import neural_model
        from tenor.models.onnx import onnx_network, runtimes
        from tenor.models.onnx.onnx_network import FLOAT32, INT8
        from tenor.models.onnx.probe import PROBE
        from tenor.models.tabular import row_encoder

        saved.check_graphs(self.name, {FLOAT32, INT8, PROBE})
        if INT8 in saved.graphs and FLOAT32 not in saved.graphs:
            raise ValueError(tr("there is {int8}, and no {float32}", int8=INT8, float32=FLOAT32))
        config, encoder, arrays, task, graphs, _ = saved
        if FLOAT32 in graphs and runtimes.is_installed():
            return onnx_network.restore(self, config, encoder, arrays, task, graphs)
        n_features = row_encoder.n_features(neural_model.restore_encoder(self, config, encoder))
        neural_model.check_weights(self, config, arrays, task, n_features)  # before Keras loads, which takes seconds
        backend.load(tr("the family {name!r}", name=self.name))
        from tenor.models.neural import network

        return network.restore(self, config, encoder, arrays, task)


@dataclass(frozen=True, kw_only=True)
class EnsembleFamily(Family):
    """A family that fits models of other families and combines them.

    Attributes:
        combine: Fits the members and combines them.
        restore_members: Restores a combined model.
    """

    combine: FitModel
    restore_members: Callable[[SavedModel], Model]
    uses_unlabelled: ClassVar[bool] = True
    has_graphs: ClassVar[bool] = True
    tunable: ClassVar[bool] = False

    def fit(self, examples: Examples, config: FamilyConfig, context: FitContext) -> Fitted:
        """Fit the members and combine them."""
        return self.combine(examples, config, context)

    def restore(self, saved: SavedModel) -> Model:
        """The saved model. Raises ValueError where its parts disagree."""
        return self.restore_members(saved)
