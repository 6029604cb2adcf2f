"""What is remembered of a graph is trusted only where this user wrote it, and of that graph."""

import json
import os
from pathlib import Path

import pytest

from tenor.models.onnx import verdicts

SUBJECT = {"model": "abc", "graph": "model.onnx"}


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a verdict on SUBJECT."""
    monkeypatch.setenv("TENOR_CACHE", str(tmp_path / "cache"))
    verdicts.remember(SUBJECT, verdicts.Verdict(0.5, 1.0, 7))
    [path] = (tmp_path / "cache" / "verdicts").iterdir()
    assert verdicts.recall(SUBJECT, 2.0) == verdicts.Verdict(0.5, 2.0, 7)
    return path


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"[" * 100_000, b'"\xff"'),
        b'{"difference": 0, "rows": 1}',  # of which subject?
        *(b'{KEPT, "difference": -1, "rows": 1}', b'{KEPT, "difference": "0", "rows": 1}'),
        *(b'{KEPT, "difference": 9%s, "rows": 1}' % (b"9" * 2_000), b'{KEPT, "difference": NaN, "rows": 1}'),
        *(b'{KEPT, "difference": 0, "rows": true}', b'{KEPT, "difference": 0}', b'{KEPT, "rows": 1}'),
        b'{KEPT, "difference": 0, "rows": 1}'.replace(b"KEPT", b'KEPT, "graph": "other.onnx"'),
        b'{KEPT, "difference": 0, "rows": 1}' + b" " * 4_096,
    ],
)
def test_a_verdict_that_is_not_as_it_should_be_is_ignored(kept: Path, content: bytes) -> None:
    whole = json.loads(kept.read_bytes())
    del whole["difference"], whole["rows"]
    kept.write_bytes(content.replace(b"KEPT", json.dumps(whole)[1:-1].encode()))
    assert verdicts.recall(SUBJECT, 2.0) is None


def test_a_verdict_of_another_subject_is_ignored(kept: Path) -> None:
    content = json.loads(kept.read_bytes())
    assert verdicts.recall(SUBJECT, 2.0) is not None
    for name in ("model", "graph", "processor", "tenor"):
        kept.write_text(json.dumps(content | {name: "another"}))
        assert verdicts.recall(SUBJECT, 2.0) is None


def test_only_a_file_of_this_user_holds_a_verdict(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        user = os.geteuid()
        patch.setattr(os, "geteuid", lambda: user + 1)
        assert verdicts.recall(SUBJECT, 2.0) is None
    other = kept.rename(tmp_path / "other")
    kept.symlink_to(other)
    assert verdicts.recall(SUBJECT, 2.0) is None
    kept.unlink()
    os.mkfifo(kept)  # which nobody writes to
    assert verdicts.recall(SUBJECT, 2.0) is None


def test_an_answer_that_is_no_number_is_remembered_as_infinite(kept: Path) -> None:
    verdicts.remember(SUBJECT, verdicts.Verdict(float("inf"), 1.0, 7))
    assert verdicts.recall(SUBJECT, 2.0) == verdicts.Verdict(float("inf"), 2.0, 7)
