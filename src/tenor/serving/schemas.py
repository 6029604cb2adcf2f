"""What is asked and answered over HTTP, as JSON and as the OpenAPI document describes it."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, TypeAdapter

from tenor.serving.limits import Limits

_ROWS = 16  # of a piece of an answer
_ANY: TypeAdapter[Any] = TypeAdapter(Any)


@dataclass(frozen=True)
class ServerOptions:
    """How a server is run.

    Attributes:
        limits: What one request may have.
        keys: Keys of which a client gives one; none: no key is needed.
        origins: Web pages that may ask (CORS); none: those of the server alone.
        hosts: Names of the server beside its addresses and local names.
        max_batch_size: Texts of a batch.
        batch_wait_s: How long the first request of a batch waits for others.
        queue_size: Texts that may wait for a model.
        reload_interval_s: Seconds between two looks at whether a model's folder has changed; 0: none.
        trial_timeout_s: Seconds of processor time in which a new version has to be loaded and to predict.
        log_texts: Write the texts into the log, too.
    """

    limits: Limits = field(default_factory=Limits)
    keys: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    max_batch_size: int = 256
    batch_wait_s: float = 0.0
    queue_size: int = 10_000
    reload_interval_s: float = 5.0
    trial_timeout_s: float = 120.0
    log_texts: bool = False


class PredictRequest(BaseModel):
    """What is asked."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: Annotated[StrictStr | list[StrictStr], Field(description="One text, or several.")]
    model: Annotated[
        str | None, Field(description="Name of the model; where there is one only it may be left out.")
    ] = None
    top_k: Annotated[
        int | None, Field(ge=1, description="So many labels, the most probable first; else those that the text gets.")
    ] = None
    coverage: Annotated[
        float | None, Field(gt=0, lt=1, description="Also give sets, or intervals, that hold the truth this often.")
    ] = None
    explain: Annotated[
        bool,
        Field(
            description="Also say which words speak for and against the labels: of "
            f"{Limits.max_explained_texts} texts with {Limits.max_explained_characters:,} characters in all, at most."
        ),
    ] = False


class ScoredLabel(BaseModel):
    """A label and its calibrated probability."""

    label: str
    score: float


class PredictResponse(BaseModel):
    """What is said: a list with an element for each text."""

    model: str
    predictions: Annotated[list[list[ScoredLabel]] | list[float], Field(description="Labels, or numbers.")]
    sets: list[list[str]] | None = None
    intervals: list[tuple[float | None, float | None]] | None = None
    explanations: list[dict[str, Any]] | None = None


class ModelInfo(BaseModel):
    """A model."""

    name: str
    version: Annotated[str, Field(description="Changes when another model is put into the folder.")]
    family: str
    task: str
    labels: list[str]
    coverage: Annotated[bool, Field(description="Whether it can give sets or intervals.")]
    corrections: Annotated[bool, Field(description="Whether the server keeps corrections.")]
    notes: Annotated[list[str], Field(description="What should be known of it, such as a version that was refused.")]
    trained: dict[str, Any]


def to_json(answer: PredictResponse) -> bytes:
    """The answer as JSON without what is None. A large one is made in pieces, between which other threads go on."""
    parts: list[bytes] = []
    for name, value in answer:
        if isinstance(value, list):
            pieces = (_ANY.dump_json(value[start : start + _ROWS])[1:-1] for start in range(0, len(value), _ROWS))
            parts.append(b'"%b":[%b]' % (name.encode(), b",".join(pieces)))
        elif value is not None:
            parts.append(b'"%b":%b' % (name.encode(), _ANY.dump_json(value)))
    return b"{%b}" % b",".join(parts)


class Readiness(BaseModel):
    """That the server takes requests."""

    status: str
    notes: Annotated[
        dict[str, list[str]], Field(description="By model, what should be known of it; only where there is something.")
    ] = {}
