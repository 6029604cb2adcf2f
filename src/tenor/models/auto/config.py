"""The settings of `auto`."""

from dataclasses import dataclass

from tenor._core.language import tr
from tenor.config.settings import Seconds, require, setting
from tenor.models.auto import candidate
from tenor.models.auto.candidate import Limits

_DEFAULT_BUDGET = Seconds(180.0)


@dataclass(frozen=True)
class Config:
    """Settings of `auto`."""

    budget: Seconds | None = setting(
        _DEFAULT_BUDGET,
        "seconds for training, or a time such as `5m`; none: until nothing improves the blend",
    )
    members: tuple[str, ...] | None = setting(
        None,
        "models to train, whatever time they take: each a family and its settings; none: what fits into `budget`",
    )
    maximum_size: float | None = setting(None, "maximum size of the blend, in MiB of weights and graphs")
    maximum_latency: float | None = setting(
        None,
        "maximum time of the blend for one text, in milliseconds, on this machine",
    )
    distil: str | None = setting(
        None,
        "a model that learns the predictions of the blend and replaces it: a family and its settings; none: keep "
        "the blend",
    )
    download: bool = setting(
        False, "download an encoder for the language of the texts if none is on this machine: see `tenor models`"
    )

    def __post_init__(self) -> None:
        require(self.budget is None or self.budget > 0, "budget", tr("must be above 0, or none"))
        require(self.members is None or len(self.members) > 0, "members", tr("must name a model, or be none"))
        for member in self.members or ():
            candidate.parse(member)
        if self.distil is not None:
            candidate.parse(self.distil, "distil")
        for name in ("maximum_size", "maximum_latency"):
            limit = getattr(self, name)
            require(limit is None or limit > 0, name, tr("must be above 0, or none"))

    @property
    def limits(self) -> Limits:
        """The limits of the model."""
        return Limits(size_mib=self.maximum_size, latency_ms=self.maximum_latency)
