"""What the Tab key completes, after `tenor --install-completion`: families, settings, columns, models, topics.

Each function returns the completions of what is typed so far. None of them loads Keras or TensorFlow, and none fails: a
file that cannot be read has no completions. Without completions, the shell completes names of files.
"""

import re
from importlib import resources
from pathlib import Path

import typer

# Other characters could mean something to a shell, and names of columns come from files of anybody.
_SAFE = re.compile(r"[\w.][\w.-]{0,99}")
_TASKS = ("binary", "multiclass", "multilabel", "regression")
_DEFAULT_FAMILIES = {"tune": "ngram", "pretrain": "transformer"}


def families(incomplete: str) -> list[str]:
    """Names of families. Each is a file of its own, so that none has to be imported."""
    files = (each.name for each in resources.files("tenor.models.families").iterdir())
    names = (name.removesuffix(".py").replace("_", "-") for name in files if name.endswith(".py") and name[0] != "_")
    return _matching(sorted(names), incomplete)


def settings(context: typer.Context, incomplete: str) -> list[str]:
    """Settings of the family that is chosen, as `epochs=`."""
    from tenor.config import settings as family_settings
    from tenor.models import registry

    name = context.params.get("family") or _DEFAULT_FAMILIES.get(context.info_name or "", "auto")
    family = registry.FAMILIES.get(name)
    keys = family_settings.as_dict(family.config()) if family else {}
    return _matching([f"{key}=" for key in keys], incomplete)


def columns(context: typer.Context, incomplete: str) -> list[str]:
    """Columns of the file that the command reads; only names that need no quotes."""
    from tenor.data.io import table
    from tenor.errors import TenorError

    # After an option without its value, the parser leaves the arguments in `args`.
    given = [context.params.get("data"), context.params.get("source"), *context.args]
    files = [path for path in (Path(str(each)) for each in given if each) if path.is_file()]
    if not files:
        return []
    try:
        names = table.open_table(files[0]).columns
    except (TenorError, OSError):
        return []
    return _matching([name for name in names if _SAFE.fullmatch(name)], incomplete)


def models(incomplete: str) -> list[str]:
    """Models below `runs`, the folder of models that are not named."""
    folders = sorted(path.parent.as_posix() for path in Path("runs").glob("*/tenor.json"))
    return _matching([folder for folder in folders if _SAFE.fullmatch(folder.replace("/", ""))], incomplete)


def datasets(incomplete: str) -> list[str]:
    """Built-in datasets, once a part of the name is typed; before that, files are more likely."""
    from tenor.data.builtin import BUILTINS

    return _matching(list(BUILTINS), incomplete) if incomplete else []


def tasks(incomplete: str) -> list[str]:
    """The tasks."""
    return _matching(list(_TASKS), incomplete)


def topics(incomplete: str) -> list[str]:
    """The topics of `tenor help`."""
    from tenor.help.topics import PAGES

    return _matching(list(PAGES), incomplete)


def _matching(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
