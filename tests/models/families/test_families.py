"""The contract that every family keeps."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tenor
from helpers.families import CHINESE, ENGLISH, LABELS, SMALL, THREE, check_values, check_words
from tenor import TextClassifier
from tenor.config import settings
from tenor.config.search_space import Choice, Range
from tenor.errors import SettingsError
from tenor.explanation import ReferenceTexts, explain, nearest_texts, page
from tenor.explanation.report import ExplainRequest, ExplanationReport, build_report
from tenor.models import registry
from tenor.models.base import Examples
from tenor.models.context import FitContext
from tenor.models.network_config import NetworkConfig
from tenor.tasks import SingleLabel
from tenor.training import fitting

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("family", list(registry.FAMILIES))]


# More or longer rows have more batches, so fewer epochs make as many steps.
FEWER_EPOCHS = SMALL | {"pretrained": SMALL["pretrained"] | {"epochs": 10}}


def classifier(family: str, small: dict[str, dict[str, Any]] = SMALL) -> TextClassifier:
    return TextClassifier(family, small[family], random_state=3)


@pytest.fixture
def fitted(family: str, trained: Callable[[str], TextClassifier]) -> TextClassifier:
    """The model of this family with its small settings; `trained` makes it once."""
    return trained(family)


def test_probabilities_have_a_column_a_class_and_sum_to_one(family: str, fitted: TextClassifier) -> None:
    probabilities = fitted.predict_proba(ENGLISH[:5])
    assert probabilities.shape == (5, 2)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_learns_a_few_rows(family: str, fitted: TextClassifier) -> None:
    assert fitted.score(ENGLISH, LABELS) == 1.0
    assert fitted.predict(["what a great film", "so dull a film"]).tolist() == ["positive", "negative"]


def test_what_words_add_sums_to_the_logit(family: str, fitted: TextClassifier) -> None:
    texts = ["so dull a film", "", "what a great film, 😀 " * 20, "zzzz", "a good film. It was good"]
    model = fitted
    together = model.explain(texts)
    logits = model.predictor_.bundle.calibration.slope * model.predictor_.raw_logits(texts)[:, 0]
    for text, explanation, logit in zip(texts, together, logits, strict=True):
        [evidence] = explanation.labels
        sign = 1 if evidence.label == "positive" else -1
        words = sum(span.weight for span in evidence.spans)
        assert evidence.base + words + evidence.gap == pytest.approx(sign * logit, abs=1e-4)
        assert abs(evidence.gap) <= 0.02 * max(abs(evidence.logit - evidence.base), 1)
        [alone] = model.explain([text])
        assert [span[:2] for span in alone.labels[0].spans] == [span[:2] for span in evidence.spans]
        assert [span.weight for span in alone.labels[0].spans] == pytest.approx(
            [span.weight for span in evidence.spans], abs=2e-3
        )
    is_network = issubclass(registry.find(family).config, NetworkConfig)
    assert bool(together[2].unread) == (is_network and family != "pretrained")  # the others read all of a text
    assert not any(explanation.unread for explanation in (*together[:2], *together[3:]))


def test_the_words_that_tell_the_label_are_the_strongest(family: str, fitted: TextClassifier) -> None:
    check_words(family, fitted)


def test_attention_is_told_where_there_is_any(family: str, fitted: TextClassifier) -> None:
    predictor, text = fitted.predictor_, "a dull film, 😀"
    if family not in ("transformer", "pretrained"):
        with pytest.raises(SettingsError, match=f"the family '{family}' has no attention"):
            build_report(predictor, Path("model"), [text], ExplainRequest(with_attention=True))
        return
    [told] = build_report(predictor, Path("model"), [text], ExplainRequest(with_attention=True)).texts
    assert len(told.attention) == 2
    for block in told.attention:
        assert {text[begin:end] for begin, end, _ in block} >= {"a", "dull", "film"}
        assert all(share >= 0 for _, _, share in block)
        assert sum(share for _, _, share in block) == pytest.approx(1, abs=1e-5) or family == "pretrained"
        assert sum(share for _, _, share in block) <= 1 + 1e-5
    assert "Where its attention goes" in page.render(ExplanationReport("model", family, (told,)))


def test_the_nearest_text_to_a_known_one_is_itself(family: str, fitted: TextClassifier) -> None:
    known = ReferenceTexts("known", ENGLISH, list(range(1, 43)), LABELS)
    [result] = nearest_texts(fitted.predictor_, [ENGLISH[30]], known, 2)
    assert result[0].similarity == pytest.approx(1, abs=1e-5)
    assert {each.label for each in result} == {"negative"}


def test_learns_three_classes_of_chinese_texts(family: str) -> None:
    model = classifier(family).fit(CHINESE, THREE)
    assert model.predict_proba(CHINESE[:2]).shape == (2, 3)
    assert model.predict(["很干净，很好", "一般，普通", "很脏，很差"]).tolist() == ["a", "b", "c"]


def test_learns_sets_of_labels(family: str) -> None:
    sets = [("even", "first") if label == "positive" else ("odd",) for label in LABELS]
    model = classifier(family).fit(ENGLISH, sets)
    assert model.predict(["what a great film", "so dull a film"]).tolist() == [("even", "first"), ("odd",)]


def test_learns_values(family: str) -> None:
    check_values(family, SMALL[family])


def test_a_text_scores_the_same_alone_in_a_batch_and_beside_longer_ones(family: str, fitted: TextClassifier) -> None:
    texts = ["good", "a dull film " * 10, "", "very poor indeed", "good"]
    together = fitted.predict_proba(texts)
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_empty_texts_and_no_texts(family: str, fitted: TextClassifier) -> None:
    assert np.isfinite(fitted.predict_proba(["", " ", "\n"])).all()
    assert fitted.predict_proba([]).shape == (0, 2)
    assert fitted.predict([]).tolist() == []


def test_same_seed_same_weights(family: str, fitted: TextClassifier) -> None:
    again = classifier(family).fit(ENGLISH, LABELS)
    one, other = fitted.predictor_.bundle.model.arrays(), again.predictor_.bundle.model.arrays()
    assert list(one) == list(other)
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_saved_model_predicts_the_same(family: str, fitted: TextClassifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    loaded = tenor.load(tmp_path / "model")
    assert loaded.predict(ENGLISH).tolist() == fitted.predict(ENGLISH).tolist()
    np.testing.assert_allclose(loaded.predict_proba(ENGLISH), fitted.predict_proba(ENGLISH), atol=1e-6)


def test_a_pickled_model_predicts_the_same(family: str, fitted: TextClassifier) -> None:
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again.predict_proba(ENGLISH), fitted.predict_proba(ENGLISH), atol=1e-6)


def test_settings_survive_json(family: str) -> None:
    config = settings.make(registry.FAMILIES[family].config, SMALL[family], "test")
    values = json.loads(json.dumps(settings.as_dict(config)))
    again = settings.make(registry.FAMILIES[family].config, values, "test")
    assert again == config


def test_probabilities_are_calibrated_on_held_out_texts(fitted: TextClassifier) -> None:
    bundle = fitted.predictor_.bundle
    assert bundle.calibration is not None
    assert bundle.conformal is not None


def test_weights_count_and_the_validation_texts_are_held_out(family: str) -> None:
    task = SingleLabel(("negative", "positive"))
    targets = task.encode(LABELS)
    even = np.ones(len(ENGLISH), np.float32)
    validation = Examples(ENGLISH, targets, task, even)
    both = np.concatenate([targets, 1 - targets])  # every text has both labels: the weights tell which one counts
    weights = np.concatenate([1.9 * even, 0.1 * even])
    examples = Examples([*ENGLISH, *ENGLISH], both, task, weights, validation=validation)
    config = settings.make(registry.find(family).config, FEWER_EPOCHS[family], "test")
    fitted = fitting.fit(registry.find(family), examples, config, FitContext(seed=3))
    assert fitted.held_out is not None
    np.testing.assert_array_equal(fitted.held_out.targets, targets)
    np.testing.assert_allclose(fitted.held_out.logits, fitted.model.logits(ENGLISH), atol=1e-4)
    margins = fitted.held_out.logits[:, 0] * (2.0 * targets - 1)
    assert margins.mean() > 0.2  # about 0 if weights are ignored; `bag`, the lowest, has 0.6


def test_a_search_knows_what_it_may_change(family: str, fitted: TextClassifier) -> None:
    record = registry.find(family)
    if not record.tunable:
        pytest.skip("its settings cannot be searched")
    bundle = fitted.predictor_.bundle
    space = record.config.space(bundle.task)
    assert space.keys() <= settings.as_dict(bundle.config).keys()
    assert all(isinstance(choices, Choice | Range) for choices in space.values())


def test_text_without_a_known_word_is_no_error(family: str, fitted: TextClassifier) -> None:
    assert fitted.predict_proba(["zzzz qqqq", "😀😀", "مرحبا"]).shape == (3, 2)


ROWS = [
    {"title": f"{text.split(',')[0]}", "body": text, "stars": str(index % 5), "country": "DE" if index % 3 else ""}
    for index, text in enumerate(ENGLISH)
]


def test_rows_of_several_fields(family: str, tmp_path: Path) -> None:
    model = (
        classifier(family, FEWER_EPOCHS)
        .set_params(text=["title", "body"], features=["stars", "country"])
        .fit(ROWS, LABELS)
    )
    assert model.score(ROWS, LABELS) >= 0.9
    unusual = [{}, {**ROWS[5], "title": "so " * 60}, {**ROWS[5], "country": "never seen", "stars": "1000000"}]
    named = [{field.name: row.get(field.name, "") for field in model.fields_.columns} for row in [*ROWS[:3], *unusual]]
    rows = [model.fields_.join(list(row.values())) for row in named]
    predictor = model.predictor_
    together = predictor.predict_proba(rows)
    alone = np.concatenate([predictor.predict_proba([row]) for row in rows])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    model.save(tmp_path / "model")
    np.testing.assert_allclose(tenor.load(tmp_path / "model").predict_proba(rows), together, atol=1e-6)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(model)).predictor_.predict_proba(rows), together, atol=1e-6)
    logits = predictor.bundle.calibration.slope * predictor.raw_logits(rows)[:, 0]
    for row, explanation, logit in zip(named, explain(predictor, rows), logits, strict=True):
        [evidence] = explanation.labels
        sign = 1 if evidence.label == "positive" else -1
        added = sum(span.weight for span in evidence.spans) + sum(each.weight for each in evidence.features)
        assert evidence.base + added + evidence.gap == pytest.approx(sign * logit, abs=1e-4)
        assert [each[:2] for each in evidence.features] == [(name, row[name]) for name in ("stars", "country")]
        described = explanation.as_dict()
        assert described["text"] == row
        for span in described["labels"][0]["spans"]:
            assert described["text"][span["field"]][span["begin"] : span["end"]].strip()


def test_pairs_of_texts(family: str, tmp_path: Path) -> None:
    words = ["good", "great", "fine", "dull", "poor", "weak"]
    pairs = [{"one": f"a {a} film", "two": f"{b} films"} for a in words for b in words] * 2
    labels = ["same" if pair["one"].split()[1] == pair["two"].split()[0] else "other" for pair in pairs]
    model = classifier(family, FEWER_EPOCHS).set_params(text=["one", "two"], pair=True).fit(pairs, labels)
    assert model.score(pairs, labels) >= 0.9
    probabilities = model.predict_proba(pairs[:5])
    model.save(tmp_path / "model")
    np.testing.assert_allclose(tenor.load(tmp_path / "model").predict_proba(pairs[:5]), probabilities, atol=1e-6)
    [explanation] = model.explain(pairs[:1])
    assert [each.name for each in explanation.labels[0].features] == ["similarity"]
