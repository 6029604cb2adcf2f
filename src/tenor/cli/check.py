"""`tenor check`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tenor._core.language import join_names, tr
from tenor._core.records import JsonObject
from tenor.cli import options
from tenor.cli.spelling import with_flags
from tenor.errors import counted, quoted

if TYPE_CHECKING:
    from tenor.checks.finding import CheckReport, Finding
    from tenor.checks.repair import Repaired

Option = typer.Option

_MAX_ROWS = 5
_MAX_CLASSES = 10


def check(
    data: Annotated[
        str,
        typer.Argument(metavar="DATA", help="Labelled texts: a file, a quoted pattern, a folder, or a built-in name."),
    ],
    test: Annotated[str | None, Option(help="Labelled test texts, checked against DATA.")] = None,
    text: options.Text = None,
    features: options.Features = None,
    pair: options.Pair = None,
    label: options.Label = None,
    task: options.Task = None,
    label_separator: options.LabelSeparator = None,
    missing_label: options.MissingLabel = None,
    decimal: options.Decimal = None,
    encoding: options.Encoding = None,
    quoting: options.Quoting = None,
    header: options.Header = None,
    sheet: options.Sheet = None,
    query: options.Query = None,
    labels: Annotated[bool, Option("--labels", help="Also search for wrong labels; takes some seconds more.")] = False,
    review: Annotated[
        str | None,
        Option(metavar="FILE", help="Write all rows that --labels suspects, with an empty column for the right label."),
    ] = None,
    max_length: Annotated[
        int | None, Option(help="Length above which networks truncate a text, in tokens. [default: 200]")
    ] = None,
    maximum_tokens: Annotated[int | None, Option(hidden=True)] = None,  # the former name of --max-length
    fix: Annotated[str | None, Option(metavar="OUT", help="Write a copy of DATA without the certain problems.")] = None,
    also: Annotated[
        list[str] | None,
        Option(metavar="FILLED", help="Filled review file whose right labels --fix applies; repeatable."),
    ] = None,
    merge: Annotated[
        list[str] | None, Option(metavar="OLD=NEW", help="Label that --fix replaces with another; repeatable.")
    ] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the files in --fix and --review.")] = False,
    fail_on: Annotated[
        Literal["error", "warning", "never"] | None,
        Option(help="Exit with 1 at this severity or above. [default: warning; with --fix: never]"),
    ] = None,
    seed: Annotated[int | None, Option(help="Random seed of --labels. [default: 0]")] = None,
    as_json: Annotated[bool, Option("--json", help="Print all findings with their rows as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Check a labelled dataset for problems before training.

    Exits with 1 if there is an error or a warning, else with 0; with --fix, with 0 if the copy is written. --fail-on
    changes that.
    """
    from tenor.checks import run_checks
    from tenor.cli import console
    from tenor.config import settings

    has_output = fix is not None or review is not None
    options.require(has_output, tr("the file in --fix, and there is none"), tr("Name one"), overwrite=overwrite)
    options.require(
        fix is not None, tr("the file in --fix, and there is none"), tr("Name one"), also=bool(also), merge=bool(merge)
    )
    options.require(labels, tr("--labels, and there is none"), tr("Add it"), review=review is not None)
    options.require(labels, tr("--labels, and there is none"), tr("Add it"), seed=seed is not None)
    values = options.given(
        data=data,
        test=test,
        text=options.column_names(text),
        features=options.column_names(features),
        label=options.column_names(label),
        decimal=decimal,
        task=task,
        label_separator=label_separator,
        missing_labels=missing_label,
        labels=labels,
        max_length=max_length,
        maximum_tokens=maximum_tokens,
        review=review,
        fix=fix,
        also=also,
        merge=_merges(merge),
        overwrite=overwrite,
        seed=seed,
    )
    values |= {} if pair is None else {"pair": pair}
    values |= options.file_options(encoding, quoting, header, sheet, query)
    values = settings.current_names(run_checks.CheckConfig, values, "check")
    config = settings.make(run_checks.CheckConfig, values, "check")
    with console.Console(quiet=as_json) as callback:
        report = run_checks.run_checks(config, callback)
    if review is not None:
        suspects = next((each.count for each in report.findings if each.name == "mislabelled"), 0)
        callback.on_message(
            tr(
                "{suspects:,} of {summary} to look at: {review}",
                suspects=suspects,
                summary=counted(report.summary["rows"], "row"),
                review=review,
            )
        )
    if as_json:
        print(json.dumps(_as_dict(report), ensure_ascii=False))
    else:
        console.show(*_summary_lines(report.summary), *_finding_lines(report.findings))
        if report.repaired:
            console.show(*_repair_lines(report.repaired, fix))
    severity = fail_on or ("warning" if fix is None else "never")
    if severity != "never" and report.has(severity):
        raise typer.Exit(1)


def _merges(items: list[str] | None) -> JsonObject | None:
    """The value of --merge: a label -> its replacement. Raises SettingsError for anything else."""
    from tenor.errors import SettingsError

    merges: JsonObject = {}
    for item in items or ():
        old, _, new = (part.strip() for part in item.partition("="))
        if not old or not new:
            raise SettingsError(
                tr("--merge: {item!r} is not of the form OLD=NEW.", item=item),
                tr("Write 'card dept=card', for example."),
            )
        merges[old] = new
    return merges or None


def _as_dict(report: "CheckReport") -> JsonObject:
    """The report for JSON, with options as flags."""
    findings = [
        finding.as_dict() | {"problem": with_flags(finding.problem), "remedy": with_flags(finding.remedy)}
        for finding in report.findings
    ]
    fixed = asdict(report.repaired) if report.repaired else None
    return {"summary": report.summary, "findings": findings, "fixed": fixed}


def _summary_lines(summary: JsonObject) -> list[str]:
    test = tr(", {summary:,} in the test", summary=summary["test_rows"]) if "test_rows" in summary else ""
    lines = [tr("{place}: {problem}", place=summary["name"], problem=counted(summary["rows"], "row") + test)]
    if "classes" in summary:
        classes = [f"{quoted(label)} {rows:,}" for label, rows in summary["classes"].items()]
        more = tr(", ... ({n_classes:,} in all)", n_classes=len(classes)) if len(classes) > _MAX_CLASSES else ""
        lines.append(tr("classes: {classes}{more}", classes=join_names(classes[:_MAX_CLASSES]), more=more))
    tokens = summary["tokens"]
    lines.append(
        tr(
            "tokens of a text: {least:,} to {most:,}, median {median:,.0f}, 95% have at most {most_of_95:,.0f}",
            least=tokens["least"],
            most=tokens["most"],
            median=tokens["median"],
            most_of_95=tokens["percentile_95"],
        )
    )
    scripts = (f"{tr(name)} {share:.1%}" for name, share in summary["scripts"].items())
    return [*lines, tr("scripts: {scripts}", scripts=join_names(scripts))]


def _finding_lines(findings: "Sequence[Finding]") -> list[str]:
    lines = [] if findings else ["", tr("no problems found.")]
    for finding in findings:
        lines += ["", with_flags(tr("{place}: {problem}", place=tr(finding.severity), problem=finding.problem))]
        is_data = finding.part == "data"
        places = [tr("row {row}", row=row) if is_data else tr("test row {row}", row=row) for row in finding.rows]
        if finding.lines:
            places = [
                tr("{place}, line {line}", place=place, line=line)
                for place, line in zip(places, finding.lines, strict=True)
            ]
        if finding.details:
            rows = [
                "  " + tr("{place}: {problem}", place=place, problem=detail)
                for place, detail in zip(places, finding.details, strict=True)
            ]
            lines += rows[:_MAX_ROWS]
            lines += [tr("  ... and {n_rows:,} more (--json lists all)", n_rows=len(rows) - _MAX_ROWS)] * (
                len(rows) > _MAX_ROWS
            )
        elif finding.rows:
            lines.append("  " + tr("; ").join([*places[:_MAX_ROWS], *["..."] * (len(places) > _MAX_ROWS)]))
        lines.append(f"  {with_flags(finding.remedy)}")
    return lines


def _repair_lines(repaired: "Repaired", out: str | None) -> list[str]:
    from tenor.checks.repair import REASONS

    dropped = [
        tr("less {count:,} {reasons}", count=count, reasons=tr(REASONS[reason]))
        for reason, count in repaired.dropped.items()
    ]
    rows = tr(", ").join([counted(repaired.rows, "row"), *(dropped or [tr("none left out")])])
    lines = ["", tr("{rows}: {written} in {out}", rows=rows, written=counted(repaired.written, "row"), out=out)]
    if repaired.corrected:
        lines.append(tr("right labels from review files: {corrected}", corrected=counted(repaired.corrected, "row")))
    return lines + [
        tr("label {old!r} is now {new!r}: {rows}", old=old, new=new, rows=counted(rows, "row"))
        for old, new, rows in repaired.renamed
    ]
