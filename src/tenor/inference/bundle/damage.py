"""Damaged folders: the errors that report them, and the check of a model's logits."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from tenor._core.language import tr
from tenor.errors import BundleError, SettingsError
from tenor.inference.bundle.format import WEIGHTS
from tenor.models.onnx.protobuf import GraphError
from tenor.tasks import Floats, Task

_LARGEST_LOGIT = 1e30  # float32 cannot hold the double of much larger ones, nor their square
_LONGEST_PROBLEM = 300  # characters


def damaged(folder: Path, problem: str) -> BundleError:
    """The error for a folder with this problem."""
    return BundleError(
        tr("{place}: {problem}.", place=folder, problem=problem), tr("Do not use this model; copy or train it again.")
    )


def first_line(problem: str) -> str:
    """The first line of a problem, shortened, since a file can make it as long as it likes."""
    line = problem.strip().partition("\n")[0].rstrip(".。")
    return line if len(line) <= _LONGEST_PROBLEM else line[:_LONGEST_PROBLEM] + "..."


@contextlib.contextmanager
def reporting_damage(folder: Path) -> Iterator[None]:
    """Turn errors about the folder's contents into a BundleError.

    Readers check field by field and raise a ValueError for a wrong value. Other errors, such as a TypeError, are bugs
    of Tenor and pass through, except for too little memory.
    """
    try:
        yield
    except GraphError as error:
        raise damaged(folder, str(error)) from error
    except BundleError as error:
        if str(folder) in error.problem:
            raise
        raise damaged(
            folder, tr("its contents do not fit together: {first_line}", first_line=first_line(error.problem))
        ) from error
    except SettingsError as error:
        raise damaged(
            folder, tr("its contents do not fit together: {first_line}", first_line=first_line(error.problem))
        ) from error
    except (ValueError, SafetensorError) as error:
        raise damaged(
            folder, tr("its contents do not fit together: {first_line}", first_line=first_line(str(error)))
        ) from error
    except MemoryError as error:
        raise damaged(folder, tr("it takes more memory than there is")) from error


def check_logits(logits: Floats, texts: int, task: Task) -> None:
    """Refuse logits that are not finite, or have another shape than (texts, outputs).

    Finite weights can give infinite logits if they are very large.

    Args:
        logits: What the model gave.
        texts: Number of texts.
        task: The task.

    Raises:
        BundleError: The logits are not usable.
    """
    if logits.shape != (texts, task.n_outputs):
        problem = tr(
            "the model says {shape} of {texts:,} texts, and its task has {n_outputs:,} outputs",
            shape=logits.shape,
            texts=texts,
            n_outputs=task.n_outputs,
        )
    elif not (np.abs(logits) < _LARGEST_LOGIT).all() or (
        not task.has_labels and not np.isfinite(task.scores(logits)).all()
    ):
        problem = tr("{weights}: a logit of a text is not finite", weights=WEIGHTS)
    else:
        return
    raise BundleError(tr("{problem}.", problem=problem), tr("Do not use this model; copy or train it again."))
