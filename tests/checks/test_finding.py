import pytest

from tenor.checks.finding import CheckReport, Finding, Severity


def finding(severity: Severity) -> Finding:
    return Finding(name="x", severity=severity, problem="There is a problem.", remedy="Fix it.")


@pytest.mark.parametrize(
    ("severities", "worst", "has"),
    [
        ([], None, {"note": False, "warning": False, "error": False}),
        (["note"], "note", {"note": True, "warning": False, "error": False}),
        (["note", "warning"], "warning", {"note": True, "warning": True, "error": False}),
        (["warning", "error", "note"], "error", {"note": True, "warning": True, "error": True}),
    ],
)
def test_the_highest_severity_counts(
    severities: list[Severity], worst: Severity | None, has: dict[Severity, bool]
) -> None:
    report = CheckReport({}, [finding(severity) for severity in severities])
    assert report.worst() == worst
    assert {severity: report.has(severity) for severity in has} == has
