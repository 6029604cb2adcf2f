import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor._core import disk_arrays
from tenor.data.blocks import BLOCK_ROWS, text_hash
from tenor.data.label_source import CodedLabels, NumberLabels
from tenor.data.text_source import DiskTexts


def on_disk(texts: list[str]) -> DiskTexts:
    data = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, data)])
    hashes = np.array([text_hash(text) for text in texts], np.uint64)
    return DiskTexts(
        disk_arrays.store([np.frombuffer(b"".join(data), np.uint8)], np.uint8),
        disk_arrays.store([ends], np.int64),
        disk_arrays.store([hashes], np.uint64),
    )


TEXTS = st.lists(st.text(max_size=5) | st.sampled_from(["好", "\ud800", ""]), max_size=30)


@given(TEXTS, st.integers(-40, 40), st.integers(-40, 40), st.sampled_from([None, 1, 2, -1]), st.randoms())
def test_texts_on_disk_are_as_those_in_a_list(
    texts: list[str],
    begin: int,
    end: int,
    step: int | None,
    random: object,
) -> None:
    result = on_disk(texts)
    assert (len(result), list(result), result[begin:end:step]) == (len(texts), texts, texts[begin:end:step])
    rows = list(range(0, len(texts), 2))[::-1]
    taken = result.take(np.array(rows, np.int64))
    assert list(taken) == [texts[row] for row in rows]
    assert list(taken.take(np.arange(len(rows) // 2))) == [texts[row] for row in rows[: len(rows) // 2]]
    if texts:
        assert result[-1] == texts[-1]
    with pytest.raises(IndexError, match="range"):
        result[len(texts)]


def test_texts_far_from_each_other_are_read() -> None:
    texts = [f"text {number}" for number in range(5 * BLOCK_ROWS)]
    rows = np.array([5 * BLOCK_ROWS - 1, 3, 0, 2 * BLOCK_ROWS])
    assert list(on_disk(texts).take(rows)) == [texts[row] for row in rows]


def test_labels_on_disk_are_as_those_in_a_list() -> None:
    coded = CodedLabels(disk_arrays.store([[1, 0, 1, 2]], np.int32), ["a", "b", "c", "never"])
    assert (list(coded), coded[0], coded[1:3]) == (["b", "a", "b", "c"], "b", ["a", "b"])
    assert coded.counts() == {"a": 1, "b": 2, "c": 1}
    assert list(coded.take(np.array([3, 0]))) == ["c", "b"]
    encoded = coded.encode(lambda labels: np.array([[ord(label), 0] for label in labels]))
    assert encoded.tolist() == [[98, 0], [97, 0], [98, 0], [99, 0]]
    assert NumberLabels(np.array([1.5, 2.5])).encode(lambda values: values * 2).tolist() == [3.0, 5.0]


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=60),
    st.floats(0, 0.99),
    st.integers(0, 3),
)
def test_equal_texts_on_disk_stand_on_one_side_and_no_class_is_held_out_whole(
    rows: list[tuple[str, int]], share: float, seed: int
) -> None:
    texts = [" " * (number % 2) + text for number, (text, _) in enumerate(rows)]
    classes = np.array([number for _, number in rows], np.int32)
    kept, held_out = (part.tolist() for part in on_disk(texts).hold_out(classes, share, seed))
    assert sorted(kept + held_out) == list(range(len(rows)))
    assert kept == sorted(kept) and held_out == sorted(held_out)
    assert not {texts[row].strip() for row in kept} & {texts[row].strip() for row in held_out}
    assert {classes[row] for row in kept} == set(classes)


def test_a_share_of_texts_on_disk_is_drawn_by_the_seed_and_anew_each_time() -> None:
    texts = on_disk([f"text {number}" for number in range(10_000)])
    strata = np.zeros(10_000, np.int32)
    kept, held_out = texts.hold_out(strata, 0.2, 1)
    assert len(held_out) == pytest.approx(2_000, abs=150)
    assert texts.hold_out(strata, 0.2, 1)[1].tolist() == held_out.tolist()
    assert texts.hold_out(strata, 0.2, 2)[1].tolist() != held_out.tolist()
    again = texts.take(kept).hold_out(strata[kept], 0.2, 1)[1]
    assert len(again) == pytest.approx(1_600, abs=150)
    assert texts.hold_out(np.zeros((10_000, 2), np.float32), 0.2, 1)[1].tolist() == held_out.tolist()


def test_of_many_texts_on_disk_a_smaller_share_is_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenor.data.split.MAX_HELD_OUT", 100)
    texts = on_disk([f"text {number}" for number in range(10_000)])
    assert len(texts.hold_out(np.zeros(10_000, np.int32), 0.2, 1)[1]) == pytest.approx(100, abs=40)
