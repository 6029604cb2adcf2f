"""Findings of checks, and the report of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tenor._core.records import Json, JsonObject
from tenor.data.dataset import Dataset

if TYPE_CHECKING:
    from tenor.checks.repair import Repaired

Part = Literal["data", "test"]
Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
"""From the least to the most severe."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something in a dataset that a person should know.

    Attributes:
        name: A word for programs, such as `leaked`.
        severity: `error`: training would refuse the data, or its metrics would be wrong; `warning`: probably a fault;
            `note`: good to know.
        problem: What was found and how often, as a sentence.
        remedy: What to do, as a sentence.
        count: How many rows, labels or columns it concerns.
        rows: Numbers of the rows in the file.
        lines: For each row its line in a delimited file or a sheet; empty for other formats.
        details: For each row what belongs to it, such as the row that it repeats; or empty.
        part: The part of the data that has the rows: the training data or the test.
        training_message: A sentence for the start of training; empty if it does not matter there.
    """

    name: str
    severity: Severity
    problem: str
    remedy: str
    count: int = 0
    rows: Sequence[int] = ()
    lines: Sequence[int] = ()
    details: Sequence[str] = ()
    part: Part = "data"
    training_message: str = ""

    def at_rows(
        self, data: Dataset, rows: Sequence[int], details: Sequence[str] = (), part: Part = "data"
    ) -> "Finding":
        """The finding with the rows that it concerns.

        Args:
            data: The data or the test.
            rows: Positions of the rows in `data`.
            details: For each row what belongs to it; or empty.
            part: Which part `data` is.
        """
        numbers = [data.row_number(row) for row in rows]
        return replace(self, count=len(numbers), rows=numbers, details=details, part=part)

    @property
    def rank(self) -> int:
        """The severity as a number: the higher, the more severe."""
        return SEVERITIES.index(self.severity)

    def as_dict(self) -> JsonObject:
        """The finding as plain values for JSON, with all rows."""
        rows: list[Json] = list(self.rows)
        if self.details:
            rows = [{"row": row, "beside": detail} for row, detail in zip(self.rows, self.details, strict=True)]
        return {
            "name": self.name,
            "severity": self.severity,
            "problem": self.problem,
            "remedy": self.remedy,
            "count": self.count,
            "part": self.part,
            "rows": rows,
            "lines": list(self.lines),
        }


@dataclass(frozen=True)
class CheckReport:
    """The result of all checks.

    Attributes:
        summary: Rows, classes, tokens, scripts.
        findings: The findings, the most severe first.
        repaired: What was done to write the cleaned table; None: no table was asked for.
    """

    summary: JsonObject
    findings: list[Finding] = field(default_factory=list)
    repaired: "Repaired | None" = None

    def worst(self) -> Severity | None:
        """The highest severity, or None if there is no finding."""
        return max(self.findings, key=lambda finding: finding.rank).severity if self.findings else None

    def has(self, severity: Severity) -> bool:
        """Whether a finding is at least as severe as `severity`."""
        return any(finding.rank >= SEVERITIES.index(severity) for finding in self.findings)
