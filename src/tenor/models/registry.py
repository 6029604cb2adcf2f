"""The model families by name. A new family is its own file in `families`, and here an import and an entry in `_ALL`."""

from tenor._core.language import join_names, tr
from tenor.config.settings import suggest
from tenor.errors import SettingsError
from tenor.models.families import auto, bag, cnn, lstm, ngram, pretrained, transformer
from tenor.models.family import Family, NetworkFamily

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
        raise SettingsError(tr("there is no model family {name!r}.", name=name), suggest(str(name), list(FAMILIES)))
    return FAMILIES[name]


def find_pretrainable(name: str) -> NetworkFamily:
    """The family of that name, which has an encoder to pretrain. Raises SettingsError where there is none."""
    family = find(name)
    if not isinstance(family, NetworkFamily) or not family.structure:
        able = [other.name for other in FAMILIES.values() if other.structure]
        raise SettingsError(
            tr("the family {name!r} has no encoder to pretrain.", name=name),
            tr("Known: {able}.", able=join_names(able)),
        )
    return family
