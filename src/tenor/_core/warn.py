"""Warnings in the name of the caller: the line outside Tenor that called it."""

import sys
import warnings

_PACKAGE = __name__.split(".")[0]


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called Tenor, however deep inside Tenor the reason is.

    Args:
        message: What may be a mistake, and where.
        category: The kind of the warning.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and _is_inside(str(frame.f_globals.get("__name__"))):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inside(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")
