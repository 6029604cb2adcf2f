"""Requests and responses of the HTTP interface, as JSON and as the OpenAPI document describes them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, TypeAdapter

from tenor._core.records import JsonObject
from tenor.serving.limits import Limits

FieldValue = StrictStr | StrictBool | StrictInt | Annotated[float, Field(strict=True, allow_inf_nan=False)] | None
"""The value of one field of a text; none: it is empty."""
TextInput = StrictStr | dict[str, FieldValue]
"""A text: a string, or for a model of several fields their values by name."""
Label = StrictStr | list[StrictStr] | Annotated[float, Field(strict=True, allow_inf_nan=False)]
"""The right label of a text: one label, several, or a number."""

_CHUNK = 16  # elements of a list that are written to JSON in one step
_ANY: TypeAdapter[object] = TypeAdapter(object)
_MODEL_NAME = Field(description="Name of the model. Not needed if the server has only one.")


class PredictRequest(BaseModel):
    """Texts to predict."""

    model_config = ConfigDict(extra="forbid", strict=True)

    inputs: Annotated[
        TextInput | list[TextInput],
        Field(
            description="One text, or several. A text is a string; for a model of several fields it is an object, such "
            'as {"title": "...", "body": "..."}.'
        ),
    ]
    model: Annotated[str | None, _MODEL_NAME] = None
    top_k: Annotated[
        int | None,
        Field(ge=1, description="Number of labels, the most probable first. Default: the labels that are assigned."),
    ] = None
    coverage: Annotated[
        float | None,
        Field(gt=0, lt=1, description="Also return prediction sets, or intervals, with this probability of the truth."),
    ] = None
    explain: Annotated[
        bool,
        Field(
            description="Also return which words speak for and against the labels: for at most "
            f"{Limits.max_explained_texts} texts with {Limits.max_explained_characters:,} characters in all."
        ),
    ] = False


class ScoredLabel(BaseModel):
    """A label and its calibrated probability."""

    label: str
    score: float


class PredictResponse(BaseModel):
    """Predictions: each list has one element for each text."""

    model: str
    predictions: Annotated[list[list[ScoredLabel]] | list[float], Field(description="Labels, or numbers.")]
    sets: list[list[str]] | None = None
    intervals: list[tuple[float | None, float | None]] | None = None
    explanations: list[JsonObject] | None = None
    missing_fields: Annotated[
        dict[str, int] | None,
        Field(description="Fields that texts lack, with the number of these texts. A missing field is empty."),
    ] = None

    def to_json(self) -> bytes:
        """The response as JSON, without fields that are None. Other threads may run while a large one is written."""
        parts: list[bytes] = []
        for name, value in self:
            if isinstance(value, list):
                chunks = (_ANY.dump_json(value[start : start + _CHUNK])[1:-1] for start in range(0, len(value), _CHUNK))
                parts.append(b'"%b":[%b]' % (name.encode(), b",".join(chunks)))
            elif value is not None:
                parts.append(b'"%b":%b' % (name.encode(), _ANY.dump_json(value)))
        return b"{%b}" % b",".join(parts)


class FieldInfo(BaseModel):
    """A field of the texts of a model."""

    name: str
    kind: Annotated[str, Field(description="`text`, `number`, `category` or `date`.")]


class ModelInfo(BaseModel):
    """A model."""

    name: str
    version: Annotated[str, Field(description="Changes when another model is put into the folder.")]
    family: str
    task: str
    labels: list[str]
    fields: Annotated[
        list[FieldInfo], Field(description="The fields of a text, if it has several; empty: a text is a string.")
    ]
    coverage: Annotated[bool, Field(description="Whether it returns prediction sets or intervals.")]
    corrections: Annotated[bool, Field(description="Whether the server keeps corrections.")]
    notes: Annotated[list[str], Field(description="Notes for the operator, such as a new version that was refused.")]
    trained: JsonObject


class Readiness(BaseModel):
    """The server takes requests."""

    status: str
    notes: Annotated[dict[str, list[str]], Field(description="Notes for the operator by model, if there are any.")] = {}


class CorrectionRequest(BaseModel):
    """The right label of a text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[TextInput, Field(description="The text: a string, or an object of fields.")]
    label: Annotated[Label, Field(description="A label, a list of labels, or a number, as the model predicts them.")]
    model: Annotated[str | None, _MODEL_NAME] = None


class CorrectionResponse(BaseModel):
    """A correction that was kept, with its text."""

    model: str
    version: str
    predicted: Annotated[str | list[str] | float, Field(description="The prediction of the model.")]
    label: str | list[str] | float


class ErrorResponse(BaseModel):
    """Why a request is refused."""

    detail: Annotated[str, Field(description="What is wrong, and what to do.")]
