"""What JAX compiles is kept, and run again, only where nobody else can put it."""

import os
from pathlib import Path

import pytest

from tenor.models.neural import backend


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no users")
def test_a_cache_that_others_can_write_to_is_not_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    assert backend._is_private(tmp_path)
    for mode in (0o720, 0o702):
        tmp_path.chmod(mode)
        assert not backend._is_private(tmp_path)
    tmp_path.chmod(0o700)
    owner = tmp_path.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert not backend._is_private(tmp_path)
