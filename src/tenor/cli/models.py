"""`tenor models`."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from tenor._core.records import JsonObject
    from tenor.models.pretrained.catalogue import Encoder

_LANGUAGES = {"en": "English", "zh": "Chinese", "multilingual": "multilingual"}


def models(
    language: Annotated[
        Literal["en", "zh", "multilingual"] | None, typer.Option("--lang", help="List the encoders for this alone.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List recommended pretrained encoders, and which of them are on this machine.

    Use one with 'tenor train DATA --family pretrained --set model=NAME'.
    """
    from tenor.models.pretrained import catalogue

    chosen = [each for each in catalogue.ENCODERS if language is None or each.language == _LANGUAGES[language]]
    if as_json:
        print(json.dumps([_row(encoder) for encoder in chosen], ensure_ascii=False))
        return
    heading = ""
    for encoder in chosen:
        if encoder.language != heading:
            heading = encoder.language
            print(heading if heading == chosen[0].language else f"\n{heading}")
        for line in _lines(encoder):
            print(line)


def _where(encoder: "Encoder") -> tuple[str, str]:
    """Whether it is `installed`, `cached` or must be downloaded (empty), and its folder."""
    from tenor.models.pretrained import hub

    if encoder.package is not None and (folder := hub.find_installed(encoder.package)):
        return "installed", str(folder)
    folder = hub.find_here(encoder)
    return ("cached", str(folder)) if folder else ("", "")


def _row(encoder: "Encoder") -> "JsonObject":
    where, folder = _where(encoder)
    row = {**asdict(encoder), "megabytes": round(encoder.megabytes), "where": where or None, "folder": folder or None}
    return {key: value for key, value in row.items() if key not in ("blocks", "width")}


def _lines(encoder: "Encoder") -> list[str]:
    where, _ = _where(encoder)
    size = f"{encoder.parameters:5.0f}M parameters  {encoder.megabytes:5.0f} MB  {encoder.max_length:5} tokens"
    places = [f"hf://{encoder.hugging_face}", *([f"modelscope://{encoder.modelscope}"] if encoder.modelscope else [])]
    lines = [
        f"  {encoder.name:22} {encoder.model_type:12} {size}  {encoder.licence:10}  {where}".rstrip(),
        f"  {'':22} {'  '.join(places)}",
    ]
    if (measured := encoder.measured) is not None:
        lines.append(
            f"  {'':22} IMDB: accuracy {measured.imdb_accuracy:.3f} after {measured.training_s:,.0f} s of training on "
            f"two cores, {measured.tokens_per_s:,.0f} tokens/s"
        )
    return lines
