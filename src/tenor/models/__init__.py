"""Model families: features -> logits."""

from tenor.errors import SettingsError
from tenor.models import auto, bag, cnn, lstm, ngram, pretrained, transformer
from tenor.models.family import Family
from tenor.settings import nearest

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
