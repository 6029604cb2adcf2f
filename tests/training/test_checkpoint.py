"""Checkpoints that cannot be written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tenor.errors import TenorError
from tenor.models.context import Checkpoints
from tenor.training import checkpoint
from tenor.training.checkpoint import Checkpoint, TrainingState

pytestmark = pytest.mark.slow


def test_a_first_checkpoint_without_room_leaves_nothing(tmp_path: Path, full_disk: Any) -> None:
    checkpoints = Checkpoints(tmp_path / "run", False, {})
    saved = Checkpoint(TrainingState(), [np.zeros(100, np.float32)], [])
    with full_disk(10), pytest.raises(TenorError, match="the checkpoint cannot be written: File too large") as caught:
        checkpoint.write(checkpoints, saved, {})
    assert "Free some space, or choose another folder" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
