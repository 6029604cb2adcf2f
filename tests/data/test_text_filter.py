"""A filter knows the share of texts that were trained on, and no single text."""

import json

import numpy as np
import pytest

from tenor.data.text_filter import TextFilter

TEXTS = [f"a text with the number {number}" for number in range(3_000)]
NEW = [f"another text with the number {number}" for number in range(3_000)]


@pytest.mark.parametrize("n_texts", [8, 100, 3_000])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.8, 1.0])
def test_the_share_of_texts_that_were_trained_on(n_texts: int, share: float) -> None:
    known = round(share * n_texts)
    estimate = TextFilter.of(TEXTS).share_of([f" {text}\n" for text in TEXTS[:known]] + NEW[: n_texts - known])
    assert estimate == pytest.approx(share, abs=0.02 if n_texts == 3_000 else 0.15) or (n_texts == 8 and 0 < share < 1)


def test_a_large_dataset_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenor.data.text_filter._MAX_TEXTS", 500)
    trained_on = TextFilter.of(TEXTS)
    assert trained_on.halvings == 3 and len(trained_on.bits) < 2_000
    assert trained_on.share_of(TEXTS[:1_500]) == 1
    assert trained_on.share_of([*TEXTS[:1_500], *NEW[:1_500]]) == pytest.approx(0.5, abs=0.1)
    assert trained_on.share_of(NEW) == 0


def test_one_text_proves_nothing_and_equal_texts_count_once() -> None:
    trained_on = TextFilter.of(TEXTS)
    assert trained_on.bits.mean() == pytest.approx(0.25, abs=0.02)
    assert trained_on.share_of([TEXTS[0]] * 1_000) == 0
    assert TextFilter.of([]).share_of(NEW) == TextFilter.of(TEXTS).share_of([]) == 0


def test_a_filter_survives_json_and_anything_else_is_none() -> None:
    trained_on = TextFilter.of(TEXTS)
    saved = json.loads(json.dumps(trained_on.to_dict()))
    assert len(saved["bits"]) < 1_800
    restored = TextFilter.from_dict(saved)
    assert restored is not None and np.array_equal(restored.bits, trained_on.bits)
    for wrong in ({}, {"bits": 3, "halvings": 0}, {"bits": "?", "halvings": 0}, {"bits": "", "halvings": 0}):
        assert TextFilter.from_dict(wrong) is None
    for halvings in (True, -1, 64, 1.5, None):
        assert TextFilter.from_dict({"bits": saved["bits"], "halvings": halvings}) is None
