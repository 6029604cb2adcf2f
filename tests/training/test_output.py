from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tenor.errors import BundleError
from tenor.models import registry
from tenor.training import output


def saved(run_settings: dict[str, Any]) -> Any:
    metadata = {"run": {"family": "ngram", "settings": run_settings, "seed": 1}}
    return SimpleNamespace(family=registry.find("ngram"), metadata=metadata, metrics=SimpleNamespace(is_final=True))


def test_a_run_of_former_names_is_the_run_of_todays_names() -> None:
    run = {"family": "ngram", "settings": {"word_ngrams": [1], "C": 2.0}, "seed": 1}
    assert output.is_complete(Path("model"), saved({"orders": [1], "strength": 2.0}), run)
    with pytest.raises(BundleError, match=r"of another run \(C is 2.0, was 3.0\)"):
        output.is_complete(Path("model"), saved({"orders": [1], "strength": 3.0}), run)
