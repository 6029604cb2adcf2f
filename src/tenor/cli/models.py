"""`tenor models`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tenor._core.language import mark, tr
from tenor.cli import options

if TYPE_CHECKING:
    from tenor._core.records import JsonObject
    from tenor.models.pretrained.catalogue import Encoder

_LANGUAGES = {"en": mark("English"), "zh": mark("Chinese"), "multilingual": mark("multilingual")}


def models(
    reads: Annotated[
        Literal["en", "zh", "multilingual"] | None, typer.Option(help="List the encoders for this language alone.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    lang: options.Lang = None,
) -> None:
    """List recommended pretrained encoders, and which of them are on this machine.

    Use one with 'tenor train DATA --family pretrained --set model=NAME'.
    """
    from tenor.models.pretrained import catalogue

    chosen = [each for each in catalogue.ENCODERS if reads is None or each.language == _LANGUAGES[reads]]
    if as_json:
        print(json.dumps([_row(encoder) for encoder in chosen], ensure_ascii=False))
        return
    heading = ""
    for encoder in chosen:
        if encoder.language != heading:
            heading = encoder.language
            print("" if heading == chosen[0].language else "\n", tr(heading), sep="")
        for line in _lines(encoder):
            print(line)


def _where(encoder: "Encoder") -> tuple[str, str]:
    """Whether it is `installed`, `cached` or must be downloaded (empty), and its folder."""
    from tenor.models.pretrained import hub

    if encoder.package is not None and (folder := hub.find_installed(encoder.package)):
        return mark("installed"), str(folder)
    folder = hub.find_here(encoder)
    return (mark("cached"), str(folder)) if folder else ("", "")


def _row(encoder: "Encoder") -> "JsonObject":
    where, folder = _where(encoder)
    row = {**asdict(encoder), "megabytes": round(encoder.megabytes), "where": where or None, "folder": folder or None}
    return {key: value for key, value in row.items() if key not in ("blocks", "width")}


def _lines(encoder: "Encoder") -> list[str]:
    where, _ = _where(encoder)
    size = tr(
        "{parameters:5.0f}M parameters  {megabytes:5.0f} MB  {max_length:5} tokens",
        parameters=encoder.parameters,
        megabytes=encoder.megabytes,
        max_length=encoder.max_length,
    )
    places = [f"hf://{encoder.hugging_face}", *([f"modelscope://{encoder.modelscope}"] if encoder.modelscope else [])]
    lines = [
        f"  {encoder.name:22} {encoder.model_type:12} {size}  {tr(encoder.licence):15}  {tr(where)}".rstrip(),
        f"  {'':22} {'  '.join(places)}",
    ]
    if (measured := encoder.measured) is not None:
        lines.append(
            tr(
                "{indent} IMDB: accuracy {imdb_accuracy:.3f} after {training_s:,.0f} s of training "
                "on two cores, {tokens_per_s:,.0f} tokens/s",
                indent=" " * 24,
                imdb_accuracy=measured.imdb_accuracy,
                training_s=measured.training_s,
                tokens_per_s=measured.tokens_per_s,
            )
        )
    return lines
