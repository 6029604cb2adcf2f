"""What a check tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tenor.data.dataset import Dataset

if TYPE_CHECKING:
    from tenor.checks.repair import Repaired

Part = Literal["data", "test"]
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """Something in a dataset that a person should know.

    Attributes:
        name: A word for machines, such as `leaked`.
        severity: `error`: training would refuse the data, or its measurement be wrong; `warning`: most likely a fault;
            `note`: good to know.
        problem: What was found and how often, as a sentence.
        remedy: What to do, as a sentence.
        count: How many rows, or labels, or columns, it concerns.
        rows: Numbers of the rows, as in the file.
        details: For each row what belongs to it, such as the row that it repeats; or empty.
        part: The part of the data that the rows are of: that to learn from, or the test.
        training_message: A sentence for the start of training; empty where it does not matter there.
    """

    name: str
    severity: Severity
    problem: str
    remedy: str
    count: int
    rows: Sequence[int] = ()
    details: Sequence[str] = ()
    part: Part = "data"
    training_message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values, ready for JSON, with all rows."""
        rows: list[Any] = list(self.rows)
        if self.details:
            rows = [{"row": row, "beside": beside} for row, beside in zip(self.rows, self.details, strict=True)]
        return {
            "name": self.name,
            "severity": self.severity,
            "problem": self.problem,
            "remedy": self.remedy,
            "count": self.count,
            "part": self.part,
            "rows": rows,
        }


def finding_of_rows(
    data: Dataset,
    name: str,
    severity: Severity,
    problem: str,
    remedy: str,
    rows: Sequence[int],
    beside: Sequence[str] = (),
    brief: str = "",
    part: Part = "data",
) -> Finding:
    """A finding that concerns rows of `data`, given by their positions; `part` tells which part `data` is."""
    numbers = [data.row_number(row) for row in rows]
    return Finding(name, severity, problem, remedy, len(numbers), numbers, beside, part, brief)


@dataclass(frozen=True)
class CheckReport:
    """All that was found.

    Attributes:
        summary: Rows, classes, tokens, scripts.
        findings: The findings, the most severe first.
        repaired: What was done to write the cleaned table; None: no table was asked for.
    """

    summary: dict[str, Any]
    findings: list[Finding] = field(default_factory=list)
    repaired: "Repaired | None" = None

    def worst(self) -> Severity | None:
        """The gravest severity, or None where nothing was found."""
        return self.findings[0].severity if self.findings else None
