"""`tenor pretrain`."""

import json
from typing import Annotated

import typer

from tenor._core.language import tr
from tenor.cli import options

Option = typer.Option


def pretrain(
    corpus: Annotated[
        str,
        typer.Argument(
            metavar="CORPUS",
            help="Texts: a file (.txt: one per line), a quoted pattern, a folder, '-', or a built-in name.",
        ),
    ],
    text: options.Text = None,
    encoding: options.Encoding = None,
    quoting: options.Quoting = None,
    header: options.Header = None,
    family: Annotated[str, Option(help="Model family: transformer or pretrained.")] = "transformer",
    out: Annotated[str | None, Option(help="Folder of the encoder. [default: a new one under runs]")] = None,
    seed: Annotated[int, Option(help="Random seed.")] = 0,
    init: Annotated[str | None, Option(help="Folder of an encoder from 'tenor pretrain' to continue from.")] = None,
    assignments: options.Assignments = None,
    resume: options.Resume = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace the encoder in --out.")] = False,
    log: options.Log = None,
    as_json: Annotated[bool, Option("--json", help="Print the history as one line of JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """Train an encoder on texts without labels. 'tenor train DATA --init FOLDER' then starts from it."""
    from tenor.cli import console
    from tenor.config import settings
    from tenor.config.run_config import PretrainConfig
    from tenor.training import pretraining

    values = options.given(
        corpus=corpus,
        text=options.column_names(text),
        family=family,
        settings=settings.parse_assignments(assignments or []),
        seed=seed,
        out=out,
        overwrite=overwrite,
        resume=resume,
        init=init,
        log=log,
    )
    values |= options.file_options(encoding, quoting, header)
    run = settings.make(PretrainConfig, values, "pretrain")
    with console.Console(quiet=as_json) as callback:
        folder, encoder = pretraining.pretrain(run, callback)
    if as_json:
        print(
            json.dumps(
                {**encoder.metrics.as_dict(), "history": encoder.history, "encoder": str(folder)}, ensure_ascii=False
            )
        )
        return
    console.show(
        "",
        tr("took {total_s:.1f} s", total_s=encoder.metrics.timing.total_s),
        tr("encoder: {folder}", folder=folder),
        tr("start from it: tenor train DATA --family {name} --init {folder}", name=encoder.family.name, folder=folder),
    )
