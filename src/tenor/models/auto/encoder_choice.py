"""Which pretrained encoders a search may use: those on this machine, or one from a hub where that is allowed."""

from collections.abc import Sequence

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.errors import TenorError
from tenor.models.auto import budget, cost
from tenor.models.auto.config import Config
from tenor.models.base import Examples
from tenor.models.pretrained import catalogue
from tenor.models.pretrained.catalogue import Encoder


def usable(examples: Examples, config: Config, callback: Callback) -> Sequence[Encoder]:
    """The encoders that can read the texts and can be used, the best first.

    If there is none on this machine, one is downloaded if `config.download` allows it. Otherwise a message says what a
    download would bring.

    Args:
        examples: The texts.
        config: The settings of `auto`.
        callback: Hears of a download.
    """
    from tenor.models.pretrained import choosing, hub  # which a prediction does not load

    script = choosing.main_script(texts := cost.sample(examples))
    if _choose(examples, config, list(catalogue.for_script(script))) is None:
        return []  # there is no time for any, or a package is missing
    if here := list(choosing.find_here(texts)):
        return here
    others = [encoder for encoder in catalogue.for_script(script) if hub.find_here(encoder) is None]
    encoder = _choose(examples, config, others)
    if encoder is None:
        return []
    if not config.download:
        callback.on_message(
            tr(
                "no encoder on this machine reads these texts; the setting download=true gets {summary}.",
                summary=encoder.summary,
            )
        )
        return []
    callback.on_message(tr("downloading {summary}.", summary=encoder.summary))
    try:
        can_read = choosing.can_read(hub.locate(encoder.name), texts)
    except TenorError as error:
        callback.on_message(tr("no encoder is tried: {error}", error=error))
        return []
    return [encoder] if can_read else []


def _choose(examples: Examples, config: Config, encoders: Sequence[Encoder]) -> Encoder | None:
    """The first encoder that there is time for, tuned or frozen."""
    tuned = budget.tuned_encoder(config.budget, examples, encoders)
    return tuned or budget.frozen_encoder(config.budget, examples, encoders)
