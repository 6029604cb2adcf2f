"""Tests of the features beside the texts of a row."""

import json

import numpy as np
import pytest

from tenor._core.records import Record, RecordError
from tenor.data.fields import SINGLE_TEXT, Field, Fields
from tenor.models.tabular import encoder as tabular
from tenor.models.tabular.encoder import SIMILARITY

BOTH = Fields((Field("one"), Field("other"), Field("price", "number"), Field("country", "category")), is_pair=True)
ROWS = [
    BOTH.join([f"how do I learn {word}", f"how can I learn {word if n % 2 else 'cooking'}", str(n), "DE" * (n % 3 > 0)])
    for n, word in enumerate(["French", "chess", "to swim", "Go 2 Go"] * 5)
]


def test_texts_alone_have_no_features() -> None:
    assert tabular.fit(["a", "b"], SINGLE_TEXT) is None
    assert tabular.fit(["a\x1fb"], Fields((Field("one"), Field("other")))) is None


def test_rows_alone_are_as_among_others_and_after_saving() -> None:
    encoder = tabular.fit(ROWS, BOTH)
    assert encoder is not None
    matrix = encoder.encode(ROWS).toarray()
    assert matrix.shape == (len(ROWS), encoder.width) == (20, len(encoder.names)) and matrix.dtype == np.float32
    np.testing.assert_array_equal(np.concatenate([encoder.encode([row]).toarray() for row in ROWS]), matrix)
    assert encoder.encode([]).shape == (0, encoder.width)
    assert np.isfinite(encoder.encode(["", "\x1f", "only one\x1f\x1f\x1f"]).toarray()).all()
    described = json.loads(json.dumps(encoder.to_dict()))
    assert tabular.restore(Record(described, "encoder.json"), BOTH) == encoder
    assert [name for name, _ in encoder.groups] == ["price", "country", SIMILARITY]
    assert encoder.groups[-1][1].stop == encoder.width


def test_equal_texts_are_most_similar() -> None:
    pair = Fields((Field("one"), Field("other")), is_pair=True)
    encoder = tabular.fit([row.rsplit("\x1f", 2)[0] for row in ROWS], pair)
    assert encoder is not None and encoder.similarity is not None
    equal, near, far, reversed_near = encoder.similarity.encode(
        ["a red car", "a red car", "a red car", "a red bus", "a red car", "why", "a red bus", "a red car"]
    )
    for column in range(16):
        assert equal[column] >= near[column] >= far[column] or column in (5, 11)  # these two count what differs
    np.testing.assert_allclose(equal[[0, 1, 2, 3, 4]], 1, atol=1e-6)
    np.testing.assert_allclose(near[[2, 3, 4]], reversed_near[[2, 3, 4]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": []}, "columns': they are not those of the fields"),
        ({"similarities": []}, "similarities': there are 0"),
        ({"extra": 1}, "extra': the field is unknown"),
        ({"similarity": {"bits": 22, "frequencies": []}}, "frequencies': there are 0"),
        ({"similarity": {"bits": 21, "frequencies": []}}, "bits': it is 21"),
    ],
)
def test_a_damaged_encoder_is_refused(change: dict[str, object], message: str) -> None:
    encoder = tabular.fit(ROWS, BOTH)
    assert encoder is not None
    with pytest.raises(RecordError, match=message):
        tabular.restore(Record({**encoder.to_dict(), **change}, "encoder.json"), BOTH)
