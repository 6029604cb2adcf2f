"""Configuration of a training run and of a pretraining run; a run file (TOML) has the same keys."""

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Literal

from tenor._core.language import Language, mark, tr
from tenor._core.printable import printable_json, without_passwords
from tenor._core.records import JsonMapping, JsonObject
from tenor.config import settings
from tenor.errors import SettingsError
from tenor.tasks import Kind, UnknownLabels

Log = Literal["tensorboard", "mlflow"]

_ONE_OF_TWO = mark("Give one of the two.")
_NOT_OF_THE_MODEL = ("out", "overwrite", "resume", "log")


@dataclass(frozen=True)
class RunConfig:
    """How to train a model; the keys of a run file (TOML). All but `data` are given by keyword.

    Where a string is a path, a `pathlib.Path` works too.

    Attributes:
        data: Labelled texts: a file, a folder, a pattern of several files, `-` for standard input, or the name of a
            built-in dataset.
        also: Further labelled texts, such as corrections or a filled review file. Where a text stands in several
            sources, the last label counts.
        test: Labelled texts for the evaluation; None: `test_size` of `data` is held out.
        text: Column of the texts, or the columns of several text fields, such as a title and a body; None: detected
            automatically.
        features: Columns of numbers, categories and dates to read beside the text, such as `price`, or
            `store:category` with its kind; `all`: all other columns; None: none.
        pair: Whether the relation of two text fields is the label, as with duplicate questions; None: by the usual
            names of such columns.
        label: Column of the labels, or several columns of 0 and 1, which are sets of labels; None: detected
            automatically.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random, from 0 to 2^32 - 1.
        test_size: Fraction of `data` held out if there is no `test`, from 0 to below 1; 0: no evaluation.
        validation: Validation data for model selection and calibration: a fraction of the training texts, or labelled
            texts like `data`; None: the default of the family.
        out: Folder of the model; None: a new one under `runs`.
        overwrite: Replace a model in that folder.
        resume: Continue an interrupted run.
        drop_unlabelled: Leave out rows without a label.
        drop_empty: Leave out rows with an empty text.
        missing_labels: Labels that stand for a missing one, such as `?`. Rows with them are left out, and rows without
            a label.
        unknown_labels: Test rows whose label is not in `data`: `error`; `wrong`, they count as wrong predictions; or
            `drop`, they are left out.
        init: Folder of a pretrained encoder to start from.
        task: `binary`, `multiclass`, `multilabel` or `regression`; None: inferred from the labels.
        label_separator: Separator for multi-label cells, such as `;`; None: lists, or one label for each text.
        class_weight: `balanced`, or a weight for each class by its name; None: every text counts the same.
        group: Group column: rows with equal values, such as an author, stay in the same split.
        time: Time column: the latest rows are held out instead of random ones.
        folds: Number of folds of a cross-validation, 2 or more; the saved model is trained on all rows. None: hold-out.
        on_disk: Keep the texts and their features on disk; None: if there are many rows.
        lang: Language of messages, the report and the model card: `en` or `zh`; None: that of the locale.
        unlabelled: Texts without labels to train on too: a file or a built-in dataset (family `auto`); None: none.
        fold_chinese: Read traditional Chinese characters as simplified ones, so that the model reads both scripts;
            None: where the texts are Chinese and validation shows no loss.
        report: Write a report and a model card if the packages for them are installed.
        quantise: Quantise networks to int8, and keep that if it is about as good on the texts held out.
        log: Where metrics are logged while training: `tensorboard`, `mlflow`.
        decimal: The decimal mark of numbers in the labels, `.` or `,`; None: recognised where the numbers show it.
        encoding: The encoding of text files, such as `cp1252`; None: recognised.
        quoting: What quotes in delimited files are: `minimal` (around fields) or `none` (characters); None: recognised.
        header: Whether the first line of delimited files and sheets names the columns; None: recognised.
        sheet: The sheet of a workbook; None: the first one with rows.
        query: The SQL query that reads `data`, if that is the URL of a database.
    """

    data: str
    _: KW_ONLY
    also: tuple[str, ...] = ()
    test: str | None = None
    text: str | Sequence[str] | None = None
    features: str | Sequence[str] | None = None
    pair: bool | None = None
    label: str | Sequence[str] | None = None
    family: str = "auto"
    settings: JsonObject | None = None
    seed: int = 0
    test_size: float = 0.2
    validation: float | str | None = None
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    drop_unlabelled: bool = False
    drop_empty: bool = False
    missing_labels: tuple[str, ...] = ()
    unknown_labels: UnknownLabels = "error"
    init: str | None = None
    task: Kind | None = None
    label_separator: str | None = None
    class_weight: JsonObject | str | None = None
    group: str | None = None
    time: str | None = None
    folds: int | None = None
    on_disk: bool | None = None
    lang: Language | None = None
    fold_chinese: bool | None = None
    report: bool = True
    unlabelled: str | None = None
    quantise: bool = False
    log: tuple[Log, ...] = ()
    decimal: str | None = None
    encoding: str | None = None
    quoting: Literal["minimal", "none"] | None = None
    header: bool | None = None
    sheet: str | None = None
    query: str | None = None

    def __post_init__(self) -> None:
        settings.check_types(self)
        check_cells(self.decimal, self.label_separator)
        settings.require(0 <= self.test_size < 1, "test_size", tr("must be at least 0 and below 1"))
        if isinstance(self.validation, float):
            settings.require(0 < self.validation < 1, "validation", tr("must be between 0 and 1, or a file"))
        if self.validation is not None and "validation" in (self.settings or {}):
            raise SettingsError(
                tr("`validation=...` and the setting 'validation' contradict each other."), tr(_ONE_OF_TWO)
            )
        settings.require(self.folds is None or self.folds >= 2, "folds", tr("must be 2 or more"))
        settings.require(self.folds is None or self.time is None, "folds", tr("does not go with time"), tr(_ONE_OF_TWO))
        settings.require(self.time is None or self.test_size > 0, "time", tr("holds out rows, and test_size is 0"))
        settings.require(self.test is None or self.time is None, "time", tr("does not go with a test"), tr(_ONE_OF_TWO))
        settings.require(0 <= self.seed < 2**32, "seed", tr("must be between 0 and 2^32 - 1"))

    @classmethod
    def from_options(
        cls, options: JsonMapping, auto_settings: JsonMapping | None = None, source: str = "options"
    ) -> "RunConfig":
        """Build a configuration from options that may contradict each other.

        Args:
            options: Attributes by name, as a run file or a command gives them.
            auto_settings: Settings of the family `auto`, such as `budget`; they choose this family.
            source: Where the options come from, for errors.

        Raises:
            SettingsError: An option is unknown or cannot work, or two of them contradict each other.
        """
        values = dict(options)
        for other in ("test", "folds"):
            if "test_size" in values and other in values:
                raise SettingsError(
                    tr(
                        "`test_size=...` holds out a part of the data, and `{other}=...` evaluates in another way.",
                        other=other,
                    ),
                    tr(_ONE_OF_TWO),
                )
        if auto_settings:
            if values.setdefault("family", "auto") != "auto":
                raise SettingsError(
                    tr(
                        "`{option}=...` chooses the best model, and `family=...` is {family!r}.",
                        option=next(iter(auto_settings)),
                        family=values["family"],
                    ),
                    tr(_ONE_OF_TWO),
                )
            values["settings"] = values.get("settings", {}) | dict(auto_settings)
        return settings.make(cls, values, source)


@dataclass(frozen=True)
class PretrainConfig:
    """How to pretrain an encoder on texts without labels. All but `corpus` are given by keyword.

    Attributes:
        corpus: Texts, with or without labels: a file, a folder, a pattern of several files, or the name of a built-in
            dataset.
        text: Column of the texts, or several columns, whose values are texts of their own; None: detected
            automatically.
        family: Name of the model family.
        settings: Settings of the family that differ from its defaults.
        seed: Seed of everything random, from 0 to 2^32 - 1.
        out: Folder of the encoder; None: a new one under `runs`.
        overwrite: Replace an encoder in that folder.
        resume: Continue an interrupted run.
        init: Folder of an encoder to start from.
        log: Where metrics are logged while training: `tensorboard`, `mlflow`.
        encoding: The encoding of text files, such as `cp1252`; None: recognised.
        quoting: What quotes in delimited files are: `minimal` (around fields) or `none` (characters); None: recognised.
        header: Whether the first line of delimited files and sheets names the columns; None: recognised.
    """

    corpus: str
    _: KW_ONLY
    text: str | Sequence[str] | None = None
    family: str = "transformer"
    settings: JsonObject | None = None
    seed: int = 0
    out: str | None = None
    overwrite: bool = False
    resume: bool = False
    init: str | None = None
    log: tuple[Log, ...] = ()
    encoding: str | None = None
    quoting: Literal["minimal", "none"] | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        settings.check_types(self)
        settings.require(0 <= self.seed < 2**32, "seed", tr("must be between 0 and 2^32 - 1"))


def check_cells(decimal: str | None, label_separator: str | None) -> None:
    """Refuse options on the cells of a table that cannot work. Raises SettingsError."""
    settings.require(decimal in (None, ".", ","), "decimal", tr("must be . or ,"))
    settings.require(label_separator != "", "label_separator", tr("must not be empty"))


def to_toml(run: RunConfig) -> str:
    """The run file (TOML) that asks for the same model: its family and what differs from the defaults.

    Passwords of URLs are left out.
    """
    given = {
        each.name: getattr(run, each.name)
        for each in fields(run)
        if each.name == "family" or (each.name not in _NOT_OF_THE_MODEL and getattr(run, each.name) != each.default)
    }
    given |= {name: without_passwords(value) for name, value in given.items() if isinstance(value, str)}
    tables = {name: given.pop(name) for name in list(given) if isinstance(given[name], dict)}
    lines = [f"{name} = {_toml(value)}" for name, value in given.items()]
    for name, table in tables.items():
        lines += ["", f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A value; a string of JSON is one of TOML but for control characters, and TOML has no null."""
    return printable_json(json.dumps("none" if value is None else value, ensure_ascii=False))
