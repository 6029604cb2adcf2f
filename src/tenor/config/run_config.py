"""What `train` and `pretrain` are asked for."""

import json
from dataclasses import dataclass, fields
from typing import Any, Literal

from tenor._core.printable import printable_json
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.tasks import Kind

Log = Literal["tensorboard", "mlflow"]

_ONE_OF_TWO = "Give one of the two."
_NOT_OF_THE_MODEL = ("out", "overwrite", "resume", "log")


@dataclass(frozen=True)
class RunConfig:
    """What `train` is asked for.

    Attributes:
        data: A path, a pattern of several, `-` for standard input, or the name of a built-in dataset.
        test: Labelled texts to measure on; None holds out `test_size` of `data`.
        text: Column of the texts; None finds it.
        label: Column of the labels; None finds it.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random.
        test_size: Share held out where there is no `test`; 0 measures nothing.
        validation: What chooses settings and epochs and calibrates, without being learned from: a share of the texts to
            learn from, or labelled texts of their own; None: as the family does.
        out: Folder of the model; None makes one under `runs`.
        overwrite: Replace a model that is there.
        resume: Go on with a run that was interrupted.
        drop_unlabelled: Leave out rows without a label.
        drop_empty: Leave out rows with an empty text.
        init: Folder of a pretrained encoder to start from.
        task: `binary`, `multiclass`, `multilabel` or `regression`; None tells it from the labels.
        label_separator: What stands between the labels of a text; None where they are lists, or one a text.
        class_weight: `balanced`, or a weight for each class by its name; None lets all texts count the same.
        group: Column whose equal values stay together: an author, a thread.
        time: Column by which the latest rows are held out, in place of drawn ones.
        folds: Number of folds to measure by; the model learns from all rows then. None holds out a part.
        on_disk: Keep the texts and what is made of them on disk; None: where there are many.
        lang: Language of the report and the model card: `en` or `zh`.
        unlabelled: Texts without labels to learn from too, a path or a built-in name (family `auto`); None: there are
            none.
        report: Make a report and a model card, where the packages for them are installed.
        quantise: Put the networks into int8, which predicts if it is about as good on the texts held out.
        log: Where figures go while it trains: `tensorboard`, `mlflow`.
    """

    data: str
    test: str | None = None
    text: str | None = None
    label: str | None = None
    family: str = "auto"
    settings: dict[str, Any] | None = None
    seed: int = 0
    test_size: float = 0.2
    validation: float | str | None = None
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    drop_unlabelled: bool = False
    drop_empty: bool = False
    init: str | None = None
    task: Kind | None = None
    label_separator: str | None = None
    class_weight: dict[str, Any] | str | None = None
    group: str | None = None
    time: str | None = None
    folds: int | None = None
    on_disk: bool | None = None
    lang: Literal["en", "zh"] = "en"
    report: bool = True
    unlabelled: str | None = None
    quantise: bool = False
    log: tuple[Log, ...] = ()

    def __post_init__(self) -> None:
        settings.require(self.label_separator != "", "label_separator", "must not be empty")
        settings.require(0 <= self.test_size < 1, "test_size", "must be at least 0 and below 1")
        if isinstance(self.validation, float):
            settings.require(0 < self.validation < 1, "validation", "must be between 0 and 1, or a file")
        if self.validation is not None and "validation" in (self.settings or {}):
            raise SettingsError("`validation=...` and the setting 'validation' contradict each other.", _ONE_OF_TWO)
        settings.require(self.folds is None or self.folds >= 2, "folds", "must be 2 or more")
        settings.require(self.folds is None or self.time is None, "folds", "does not go with time", _ONE_OF_TWO)
        settings.require(self.time is None or self.test_size > 0, "time", "holds out rows, and test_size is 0")
        settings.require(self.test is None or self.time is None, "time", "does not go with a test", _ONE_OF_TWO)
        settings.require(0 <= self.seed < 2**32, "seed", "must be between 0 and 2^32 - 1")


@dataclass(frozen=True)
class PretrainConfig:
    """What `pretrain` is asked for.

    Attributes:
        corpus: Texts, with or without labels: a path, or the name of a built-in dataset.
        text: Column of the texts; None finds it.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random.
        out: Folder of the encoder; None makes one under `runs`.
        overwrite: Replace an encoder that is there.
        resume: Go on with a run that was interrupted.
        init: Folder of an encoder to go on from.
        log: Where figures go while it trains: `tensorboard`, `mlflow`.
    """

    corpus: str
    text: str | None = None
    family: str = "transformer"
    settings: dict[str, Any] | None = None
    seed: int = 0
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    init: str | None = None
    log: tuple[Log, ...] = ()

    def __post_init__(self) -> None:
        settings.require(0 <= self.seed < 2**32, "seed", "must be between 0 and 2^32 - 1")


def to_toml(run: RunConfig) -> str:
    """The run file (TOML) that asks for the same model: its family and what differs from the defaults."""
    given = {
        each.name: getattr(run, each.name)
        for each in fields(run)
        if each.name == "family" or (each.name not in _NOT_OF_THE_MODEL and getattr(run, each.name) != each.default)
    }
    tables = {name: given.pop(name) for name in list(given) if isinstance(given[name], dict)}
    lines = [f"{name} = {_toml(value)}" for name, value in given.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value; a string of JSON is one of TOML but for control characters, and TOML has no null."""
    return printable_json(json.dumps("none" if value is None else value, ensure_ascii=False))
