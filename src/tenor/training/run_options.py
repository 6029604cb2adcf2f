"""Options of a command and a run file -> the configuration of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tenor._core.records import JsonMapping
from tenor.config import settings
from tenor.config.run_config import RunConfig
from tenor.inference import bundle
from tenor.models import registry


def configure_run(
    options: JsonMapping,
    auto_settings: Mapping[str, object] | None = None,
    assignments: Sequence[str] = (),
    source: str = "options",
) -> RunConfig:
    """Build the configuration of a run.

    Args:
        options: Attributes of `RunConfig` by name. Without `family`, an encoder in `init` chooses its own.
        auto_settings: Settings of the family `auto`, such as `budget`; they choose this family.
        assignments: Settings as `key=value`; they override those of `options`, by whichever name these have.
        source: Where the options come from, for errors.

    Raises:
        SettingsError: An option is unknown or cannot work, or two of them contradict each other.
        BundleError: The folder in `init` is not an encoder.
    """
    values = dict(options)
    if values.get("init") is not None and "family" not in values and not auto_settings:
        values["family"] = bundle.load_encoder(Path(values["init"])).family.name
    run = RunConfig.from_options(values, auto_settings, source)
    if not assignments:
        return run
    family = registry.find(run.family)
    before = family.current_settings(run.settings or {})
    assigned = family.current_settings(settings.parse_assignments(list(assignments)))
    return replace(run, settings=before | assigned)
