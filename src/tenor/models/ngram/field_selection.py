"""The choice of the settings of `ngram` for rows of several fields, by the same validation as its other settings."""

from dataclasses import replace

from tenor._core.language import tr
from tenor.config.settings import require
from tenor.data.fields import Fields
from tenor.models.ngram.config import Config
from tenor.models.ngram.trial import Trial
from tenor.text.field_buckets import FieldBuckets

_FIRST_SCALE, _OTHER_SCALES = 0.3, (0.1, 1.0)


def first_settings(config: Config, fields: Fields) -> Config:
    """The settings to begin with: those that `config` leaves open have usual values.

    Raises:
        SettingsError: A setting does not fit the fields.
    """
    n_texts, has_features = len(fields.texts), bool(fields.features) or fields.is_pair
    require(config.field_buckets is None or n_texts > 1, "field_buckets", tr("needs several text fields"))
    require(config.field_buckets != "overlap" or fields.is_pair, "field_buckets", tr("must be overlap only for a pair"))
    require(config.feature_scale is None or has_features, "feature_scale", tr("needs features or a pair of texts"))
    usual: FieldBuckets = "overlap" if fields.is_pair else "shared"
    return replace(
        config,
        field_buckets=config.field_buckets or (usual if n_texts > 1 else None),
        feature_scale=config.feature_scale or (_FIRST_SCALE if has_features else None),
    )


def choose(trial: Trial, best: Config, requested: Config) -> Config:
    """The best settings of fields, where `requested` leaves them open.

    Args:
        trial: Compares settings.
        best: The best settings so far.
        requested: The settings as they were set.
    """
    candidates = [best]
    if best.feature_scale is not None and requested.feature_scale is None:
        candidates += [replace(best, feature_scale=scale) for scale in _OTHER_SCALES]
        best = min(candidates, key=trial.loss)
    if best.field_buckets is not None and requested.field_buckets is None:
        others: tuple[FieldBuckets, ...] = ("own", "both") if best.field_buckets == "shared" else ("shared", "both")
        best = min([best, *(replace(best, field_buckets=other) for other in others)], key=trial.loss)
    return best
