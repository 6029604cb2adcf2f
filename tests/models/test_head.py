import numpy as np
import pytest

from tenor.models import head

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_head_is_a_logistic_regression_of_the_features(classes: int) -> None:
    targets = (np.arange(240) % classes).astype(np.int32)
    centres = RANDOM.normal(size=(classes, 6)) * 3
    features = (centres[targets] + RANDOM.normal(size=(240, 6)) + 10).astype(np.float32)
    kernel, bias, tried = head.fit(features, targets, 1 if classes == 2 else classes, 0)
    logits = features @ kernel + bias
    found = (logits[:, 0] > 0).astype(int) if classes == 2 else logits.argmax(axis=1)
    assert (found == targets).mean() > 0.97
    assert len(tried) == len(head._STRENGTHS)


def test_with_few_texts_nothing_is_chosen() -> None:
    features = np.eye(3, dtype=np.float32)
    kernel, _, tried = head.fit(features, np.array([0, 0, 1], np.int32), 1, 0)
    assert tried == []
    assert (features @ kernel).argmax() == 2


def test_a_class_with_few_texts_is_left_out_of_the_choice() -> None:
    targets = np.array([0, 1] * 150 + [2] * 2, np.int32)
    features = (np.eye(3)[targets] * 4 + RANDOM.normal(size=(302, 3))).astype(np.float32)
    kernel, bias, tried = head.fit(features, targets, 3, 0)
    assert len(tried) == len(head._STRENGTHS)
    assert kernel.shape == (3, 3) and np.isfinite(bias).all()
