"""Model families: features -> logits."""

from tenor.errors import SettingsError
from tenor.models import cnn, lstm, ngram
from tenor.models.family import Family
from tenor.settings import nearest

FAMILIES: dict[str, Family] = {family.name: family for family in (ngram.FAMILY, cnn.FAMILY, lstm.FAMILY)}


def find(name: str) -> Family:
    """The family of that name. Raises SettingsError that suggests the nearest one."""
    if name not in FAMILIES:
        raise SettingsError(f"there is no model family {name!r}.", nearest(name, list(FAMILIES)))
    return FAMILIES[name]
