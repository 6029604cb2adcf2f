"""The model families by name. A new family is its own file in `families`, and one line here."""

from tenor.config.settings import nearest
from tenor.errors import SettingsError
from tenor.models.base import Family
from tenor.models.families import auto, bag, cnn, lstm, ngram, pretrained, transformer

_ALL = (
    auto.FAMILY,
    ngram.FAMILY,
    bag.FAMILY,
    cnn.FAMILY,
    lstm.FAMILY,
    transformer.FAMILY,
    pretrained.FAMILY,
)

FAMILIES: dict[str, Family] = {family.name: family for family in _ALL}


def find(name: str) -> Family:
    """The family of that name. Raises SettingsError that suggests the nearest one."""
    if name not in FAMILIES:
        raise SettingsError(f"there is no model family {name!r}.", nearest(name, list(FAMILIES)))
    return FAMILIES[name]
