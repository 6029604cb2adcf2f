"""What is added in one place has its line in the documentation: formats, metrics, checks."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tenor.data.io.formats import FORMATS
from tenor.evaluation import metrics
from tenor.tasks import MultiLabel, Regression, SingleLabel, Task

ROOT = Path(__file__).parents[2]


def page(name: str, heading: str) -> str:
    """The section of a page under a heading, up to the next one of its level."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    [section] = re.findall(rf"^{heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return str(section)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_file_format_is_in_the_table_of_formats(ending: str) -> None:
    rows = [line for line in page("reference/data.md", "## Formats").splitlines() if line.startswith("| `")]
    assert any(f"`{ending}`" in row.split("|")[1] for row in rows)


LOGITS = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("task", "labels"),
    [
        (SingleLabel(("a", "b", "c")), list("abcabcab")),
        (MultiLabel(("a", "b", "c")), [("a",), ("b", "c"), (), ("a", "c")] * 2),
        (Regression(mean=1.0, std=2.0), [0.5, 1.0, 2.0, 4.0] * 2),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_every_metric_is_in_the_page_of_the_model_folder(task: Task, labels: list[object]) -> None:
    section = page("reference/model-folder.md", "## metrics.json")
    computed = metrics.compute_metrics(task.encode(labels), LOGITS[:, : task.n_outputs], task)
    assert [key for key in computed if f"`{key}`" not in section] == []


def findings() -> Iterator[str]:
    """The name of each `Finding` that a check makes."""
    for path in (ROOT / "src/tenor/checks").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "Finding":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                if isinstance(name := given.get("name"), ast.Constant):
                    yield str(name.value)


def test_every_finding_is_in_the_table_of_checks() -> None:
    names = set(findings())
    assert {"leaked", "short", "rare", "telling-column"} <= names
    section = page("reference/data.md", "## Check data")
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert sorted(name for name in names if not any(f"`{name}`" in row for row in rows)) == []
