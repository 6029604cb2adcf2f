"""Which model `auto` kept, and why, in one sentence."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, cast, get_args

from tenor._core.language import join_names, mark, tr
from tenor._core.records import JsonObject, Record

BLEND = mark("the blend")
"""How a blend of several models is named as a baseline."""

Reason = Literal["better", "no-better", "only", "limits", "no-time", "too-few", "distilled"]


@dataclass(frozen=True)
class Selection:
    """The models that were kept, and why.

    Attributes:
        kept: The names of the models, the one that is best alone first.
        reason: `better` than the simplest model; `no-better`: none was better than it; the `only` model;
            `limits`: the only one within the limits of size and latency; `no-time` to compare models; `too-few` texts
            to compare them; `distilled` from the blend.
        n_texts: Held-out texts on which models were compared; 0: none were compared.
        loss: Mean loss of what was kept on these texts.
        baseline: The simplest model, with which the others were compared; empty: none.
        baseline_loss: Its mean loss on the same texts.
    """

    kept: tuple[str, ...]
    reason: Reason
    n_texts: int = 0
    loss: float | None = None
    baseline: str = ""
    baseline_loss: float | None = None

    def to_dict(self) -> JsonObject:
        """The selection with its sentence, for `metrics.json`."""
        return {**asdict(self), "kept": list(self.kept), "sentence": self.sentence}

    @classmethod
    def from_record(cls, record: Record) -> "Selection":
        """The selection that `to_dict` described. Raises RecordError for a value that is missing or wrong."""

        def number(name: str) -> float | None:
            return None if record.values.get(name) is None else record.number(name)

        return cls(
            kept=tuple(record.strings("kept")),
            reason=cast(Reason, record.choice("reason", get_args(Reason))),
            n_texts=record.integer("n_texts", 0, 1 << 40),
            loss=number("loss"),
            baseline=record.string("baseline"),
            baseline_loss=number("baseline_loss"),
        )

    @property
    def sentence(self) -> str:
        """The selection in one sentence."""
        return tr("Kept {named}{explanation}.", named=_named(self.kept), explanation=self._explanation())

    def _explanation(self) -> str:
        baseline = tr(self.baseline) if self.baseline == BLEND else self.baseline
        texts = tr("{n_texts:,} held-out texts", n_texts=self.n_texts)
        losses = (
            tr(
                "loss {loss:.3f}, {baseline} {baseline_loss:.3f}",
                loss=self.loss,
                baseline=baseline,
                baseline_loss=self.baseline_loss,
            )
            if self.n_texts
            else ""
        )
        match self.reason:
            case "better":
                alone = tr("{baseline} alone", baseline=baseline) if self.baseline in self.kept else baseline
                return tr(
                    ": it was better than {alone} beyond noise on {texts} ({losses})",
                    alone=alone,
                    texts=texts,
                    losses=losses,
                )
            case "no-better":
                return tr(": no other model was better beyond noise on {texts}", texts=texts)
            case "only":
                return tr(": there was no other model to compare it with")
            case "limits":
                return tr(": no other model is within the limits of size and latency")
            case "no-time":
                return tr(": the budget leaves no time to compare models")
            case "too-few":
                return tr(": there are too few texts to compare models")
            case "distilled":
                return tr(
                    ", which learned the predictions of {baseline} ({losses} on {texts})",
                    baseline=baseline,
                    losses=losses,
                    texts=texts,
                )


def _named(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return tr("a blend of {names} and {last}", names=join_names(names[:-1]), last=names[-1])
