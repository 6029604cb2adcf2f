"""Texts of a request -> rows for the model: strings, or the joined values of several fields."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from fastapi import HTTPException

from tenor._core.language import tr
from tenor._core.records import Json
from tenor.data.fields import Fields
from tenor.errors import DataError
from tenor.inference import json_row


class Rows(NamedTuple):
    """Rows for the model.

    Attributes:
        texts: The rows.
        missing: Fields that texts lack, which are empty, with the number of these texts.
    """

    texts: list[str]
    missing: Counter[str]


def rows_of(
    inputs: str | Mapping[str, Json] | Sequence[str | Mapping[str, Json]], fields: Fields, key: str = "inputs"
) -> Rows:
    """The texts of a request as rows for a model with these fields; `key` names them in errors.

    Raises:
        HTTPException: 422 where a text is a string and the model reads fields, or the other way round, or where a
            field is unknown or has a value of another kind.
    """
    rows, missing = [], Counter[str]()
    texts = [inputs] if isinstance(inputs, (str, Mapping)) else inputs
    for number, each in enumerate(texts):
        place = key if texts is not inputs else f"{key}.{number}"
        if isinstance(each, str) and fields.is_single_text:
            rows.append(each)
        elif fields.is_single_text:
            raise HTTPException(422, tr("{place}: the model reads one text; give a string.", place=place))
        elif isinstance(each, str):
            raise HTTPException(
                422,
                tr(
                    "{place}: the model reads several fields; give {example}.",
                    place=place,
                    example=json_row.example(fields),
                ),
            )
        else:
            try:
                row, absent = json_row.to_row(each, fields)
            except DataError as error:
                raise HTTPException(422, f"{place}: {error.problem} {error.remedy}") from None
            rows.append(row)
            missing.update(absent)
    return Rows(rows, missing)
