"""The part `inference`: predictions with MiniLM from strings on, in Tenor's forms and in its peers'."""

import functools

from network_parts import encoder
from programs import Bench, Job, Measurements, peer, tenor
from tables import Row, Runs, met, middle, seconds, skipped, table, times

SIZES = {256: ("imdb", 48), 64: ("sst2", 640)}  # tokens at most: whose texts, and how many
OURS = {
    "tenor float32": ("float32", "onnxruntime"),
    "tenor int8": ("int8", "onnxruntime"),
    "tenor openvino": ("float32", "openvino"),
}
PEERS = {
    "transformers float32": "transformers, float32",
    "transformers bfloat16": "transformers, bfloat16",
    "onnxruntime int8": "ONNX Runtime, int8",
}
NAMES = {
    **PEERS,
    "tenor float32": "Tenor, float32",
    "tenor int8": "Tenor, int8 (`--quantise`)",
    "tenor openvino": "Tenor, `--runtime openvino`",
}
BASES = ("transformers float32", "transformers bfloat16")
RATIO = 1.3
EXPORT_S = 10
NOTE = """From strings to probabilities, including tokenising; tokens are those of the texts, without padding. Texts:
48 reviews of IMDB truncated to 256 tokens, and 640 phrases of SST-2 truncated to 64, from the training parts. All
programs sort the texts by length. The peers use their fastest batch size (1, 4 or 16 texts), Tenor batches of 512
tokens. Each process predicts the texts three times after a warm-up, and its fastest time counts. The faster of int8
and OpenVINO must reach the target. OpenVINO uses bfloat16 if the processor supports it."""


def inference(bench: Bench) -> list[Job]:
    """The peers and Tenor in turn, size by size; and both ways to write the encoder as ONNX."""
    onnx = bench.work / "encoder.onnx"

    def torch_export() -> Measurements:
        return peer(bench, "peer_onnx_export.py", encoder(bench), str(onnx))

    def ready(tokens: int) -> str:
        folder = bench.work / f"minilm-{tokens}"
        if not folder.is_dir():
            tenor(bench, "tenor_minilm.py", str(folder), str(tokens))
        return str(folder)

    def theirs(kind: str, name: str, texts: str, tokens: int) -> Measurements:
        if kind == "int8" and not onnx.is_file():
            torch_export()
        return peer(bench, "peer_inference.py", encoder(bench), kind, name, texts, str(tokens), str(onnx))

    def ours(form: str, runtime: str, name: str, texts: str, tokens: int) -> Measurements:
        return tenor(bench, "tenor_inference.py", f"{ready(tokens)}/{form}", runtime, name, texts)

    jobs = [
        Job("export torch", torch_export),
        Job("export tenor", lambda: tenor(bench, "tenor_minilm.py", str(bench.work / "exported"), "256")),
    ]
    for tokens, (name, most) in SIZES.items():
        texts = str(most // 10 if bench.quick else most)
        for program in PEERS:
            kind = program.partition(" ")[2]
            run = functools.partial(theirs, kind, name, texts, tokens)
            jobs.append(Job(f"{tokens} {program}", run, bfloat16=kind == "bfloat16"))
        for program, form in OURS.items():
            jobs.append(Job(f"{tokens} {program}", lambda form=form, size=(name, texts, tokens): ours(*form, *size)))
    return jobs


def inference_section(runs: dict[str, Runs]) -> str:
    """Tokens a second by size and program, and the time of an export."""
    rows: list[Row] = []
    for tokens, (name, _) in SIZES.items():
        size = f"{tokens} ({name})"
        left_out = {program: reason for program in NAMES if (reason := skipped(runs[f"{tokens} {program}"]))}
        rates = {
            program: middle(runs[f"{tokens} {program}"], "tokens_per_s") for program in NAMES if program not in left_out
        }
        base = max(rate for program, rate in rates.items() if program in BASES)
        best = max(rates["tenor int8"], rates["tenor openvino"])
        rows += [(size, NAMES[program], reason, "", "", "") for program, reason in left_out.items()]
        for program, rate in rates.items():
            verdict = ("", "")
            if program in ("tenor int8", "tenor openvino") and rate == best:
                verdict = (f">= {RATIO} x", met(rate >= RATIO * base))
            rows.append((size, NAMES[program], f"{rate:,.0f}", times(rate / base), *verdict))
    header = ("tokens at most", "", "tokens/s", "to transformers at its best", "target", "met")
    own, other = (middle(runs[f"export {program}"], "export_s") for program in ("tenor", "torch"))
    export = f"MiniLM as ONNX: Tenor {seconds(own)} s, with the comparison of its answers; `torch.onnx.export` "
    export += f"{seconds(other)} s, without one. Target: < {EXPORT_S} s. Met: {met(own < EXPORT_S)}."
    return f"## Predictions with MiniLM\n\n{table(header, rows)}\n\n{NOTE}\n\n{export}"
