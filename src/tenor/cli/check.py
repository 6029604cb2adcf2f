"""`tenor check`."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from tenor.cli import options
from tenor.cli.spelling import with_flags
from tenor.errors import counted, quoted

Option = typer.Option

_ROWS = 5


def check(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="Labelled texts: a file, a quoted pattern, a folder, or a built-in name."),
    ],
    test: Annotated[str | None, Option(help="Labelled test texts, checked against DATA.")] = None,
    text: options.Text = None,
    label: options.Label = None,
    task: options.Task = None,
    label_separator: options.LabelSeparator = None,
    labels: Annotated[bool, Option("--labels", help="Also search for wrong labels; takes some seconds more.")] = False,
    maximum_tokens: Annotated[
        int | None, Option(help="Length above which networks truncate a text, in tokens. [default: 200]")
    ] = None,
    fix: Annotated[str | None, Option(metavar="OUT", help="Write a copy of DATA without the certain problems.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the file in --fix.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "never"], Option(help="Exit with 1 at this severity or above.")
    ] = "warning",
    seed: Annotated[int | None, Option(help="Random seed of --labels. [default: 0]")] = None,
    as_json: Annotated[bool, Option("--json", help="Print all findings with their rows as one line of JSON.")] = False,
) -> None:
    """Check a labelled dataset for problems before training.

    Exits with 1 if there is an error or a warning (see --fail-on), else with 0.
    """
    from tenor.checks import run_checks
    from tenor.cli import console
    from tenor.config import settings

    given = {
        "data": data,
        "test": test,
        "text": text,
        "label": label,
        "task": task,
        "label_separator": label_separator,
        "labels": labels,
        "maximum_tokens": maximum_tokens,
        "fix": fix,
        "overwrite": overwrite,
        "seed": seed,
    }
    values = {key: value for key, value in given.items() if value is not None}
    options.need(fix is not None, "the file in --fix, and there is none", "Name one", overwrite=overwrite)
    options.need(labels, "--labels, and there is none", "Add it", seed=seed is not None)
    asked = settings.make(run_checks.CheckConfig, values, "check")
    with console.Console(quiet=as_json) as callback:
        report = run_checks.run_checks(asked, callback)
    if as_json:
        found = {
            "summary": report.summary,
            "findings": [finding.as_dict() | _in_flags(finding) for finding in report.findings],
        }
        print(json.dumps(found | {"fixed": asdict(report.repaired) if report.repaired else None}, ensure_ascii=False))
    else:
        console.show(*_lines(report))
        if report.repaired:
            console.show(*_repaired(report.repaired, fix))
    if fail_on != "never" and report.has(fail_on):
        raise typer.Exit(1)


def _in_flags(finding: Any) -> dict[str, str]:
    """The sentences of a finding, with options as flags."""
    return {"problem": with_flags(finding.problem), "remedy": with_flags(finding.remedy)}


def _lines(report: Any) -> list[str]:
    summary = report.summary
    lines = [
        f"{summary['name']}: {counted(summary['rows'], 'row')}"
        + (f", {summary['test_rows']:,} in the test" if "test_rows" in summary else "")
    ]
    if "classes" in summary:
        shown = [f"{quoted(label)} {rows:,}" for label, rows in summary["classes"].items()]
        lines.append(
            f"classes: {', '.join(shown[:10])}" + (f", ... ({len(shown):,} in all)" if len(shown) > 10 else "")
        )
    tokens = summary["tokens"]
    lines.append(
        f"tokens of a text: {tokens['least']:,} to {tokens['most']:,}, median {tokens['median']:,.0f}, "
        f"95% have at most {tokens['percentile_95']:,.0f}"
    )
    lines.append("scripts: " + ", ".join(f"{name} {share:.1%}" for name, share in summary["scripts"].items()))
    for finding in report.findings:
        lines += ["", with_flags(f"{finding.severity}: {finding.problem}")]
        if finding.details:
            of = "row" if finding.part == "data" else "test row"
            shown = [f"{of} {row}: {beside}" for row, beside in zip(finding.rows, finding.details, strict=True)]
            lines += [f"  {line}" for line in shown[:_ROWS]]
            lines += [f"  ... and {len(shown) - _ROWS:,} more (--json lists all)"] * (len(shown) > _ROWS)
        elif finding.rows:
            listed = ", ".join(map(str, finding.rows[:_ROWS]))
            lines.append(f"  row{'s' * (len(finding.rows) > 1)} {listed}" + ", ..." * (len(finding.rows) > _ROWS))
        lines.append(f"  {with_flags(finding.remedy)}")
    if not report.findings:
        lines += ["", "nothing found."]
    return lines


def _repaired(repaired: Any, out: str | None) -> list[str]:
    from tenor.checks.repair import REASONS

    dropped = [f"less {count:,} {REASONS[reason]}" for reason, count in repaired.dropped.items()]
    lines = [
        "",
        ", ".join([counted(repaired.rows, "row"), *dropped]) + f": {counted(repaired.written, 'row')} in {out}",
    ]
    if repaired.respelt:
        lines.append(f"labels spelt anew: {repaired.respelt:,}")
    return lines
