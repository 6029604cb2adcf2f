"""What a cluster refuses before it is reached; Ray is not needed."""

from dataclasses import replace

import pytest

from tenor._core.callbacks import Callback
from tenor.config.run_config import RunConfig
from tenor.distributed import on_cluster
from tenor.errors import SettingsError
from tenor.models import registry
from tenor.models.families import ngram
from tenor.models.family import LinearFamily


def test_a_linear_family_without_a_trainer_for_clusters_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.FAMILIES, "other", replace(ngram.FAMILY, name="other"))
    with pytest.raises(SettingsError, match="the family 'other' cannot be trained on a cluster") as caught:
        on_cluster.train("ray://127.0.0.1:1", RunConfig("reviews.csv", family="other"), Callback(), None, 1)
    assert "Train on this machine" in str(caught.value)


def test_trainers_for_clusters_belong_to_linear_families() -> None:
    assert all(isinstance(registry.find(name), LinearFamily) for name in on_cluster.LINEAR_TRAINERS)
