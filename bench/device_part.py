"""The part that is measured on a graphics processor: training on JAX, beside transformers on PyTorch."""

from network_parts import encoder
from processes import measurements
from programs import BENCH, SEED, Bench, Job, Measurements, peer
from tables import Row, Runs, middle, score, seconds, table, times

SIZES = ((128, 32), (128, 256), (256, 256))  # tokens a text, texts a batch
STEPS = 50  # that are timed, after those that compile
TESTS = 2_000  # test reviews
LARGE = ("batch_tokens=32768",)
TRAINED = {
    "bag": ("bag",),
    "cnn": ("cnn",),
    "lstm": ("lstm",),
    "transformer": ("transformer",),
    "pretrained": ("pretrained",),
    "pretrained, large batches": ("pretrained", *LARGE),
    "auto, 1 min": ("auto", "budget=60"),
    "auto, 3 min": ("auto", "budget=180"),
}
NOTE = f"""Steps of MiniLM in bfloat16 with float32 weights, {STEPS} after those that compile. transformers uses
autocast, as on CPUs. Tokens per second are those of texts, without padding. Tenor trains with `KERAS_BACKEND=jax`."""
TRAINED_NOTE = f"""All 25,000 training reviews, with the defaults of each family, on a GPU; accuracy on {TESTS:,} test
reviews drawn once. Fitting includes compiling for each batch width. The total includes encoding, export, calibration
and the test on the CPU with ONNX Runtime, with windows of long reviews. Large batches: `{" ".join(LARGE)}`."""


def device(bench: Bench) -> list[Job]:
    """Steps of MiniLM: transformers and Tenor in turn; then each family on all reviews."""
    jobs = []
    for tokens, texts in SIZES:
        size = (str(tokens), "bfloat16", str(2 if bench.quick else STEPS), str(texts))
        jobs.append(
            Job(f"transformers {tokens} {texts}", lambda size=size: peer(bench, "peer_steps.py", encoder(bench), *size))
        )
        jobs.append(Job(f"tenor {tokens} {texts}", lambda size=size: _on_jax(bench, "tenor_steps.py", "minilm", *size)))
    for name, (family, *settings) in TRAINED.items():
        options = (family, "200" if bench.quick else "25000", str(SEED), str(20 if bench.quick else TESTS), *settings)
        jobs.append(Job(name, lambda options=options: _on_jax(bench, "tenor_init.py", *options)))
    return jobs


def _on_jax(bench: Bench, script: str, *options: str) -> Measurements:
    return measurements(["env", "KERAS_BACKEND=jax", str(bench.tenor_bin / "python"), str(BENCH / script), *options])


def device_section(runs: dict[str, Runs]) -> str:
    """Tokens a second of both, and what training on all reviews takes and comes to."""
    rows: list[Row] = []
    for tokens, texts in SIZES:
        pair = [runs.get(f"{program} {tokens} {texts}") for program in ("transformers", "tenor")]
        rates = [middle(result, "tokens_per_s") if result else 0.0 for result in pair]
        if all(rates):
            rows.append((str(tokens), str(texts), *(f"{rate:,.0f}" for rate in rates), times(rates[1] / rates[0])))
    header = ("tokens a text", "texts a batch", "transformers, tokens/s", "Tenor, tokens/s", "ratio")
    trained: list[Row] = [
        (
            name,
            score(middle(runs[name], "accuracy")),
            *(seconds(middle(runs[name], step)) for step in ("fit_s", "total_s")),
        )
        for name in TRAINED
        if name in runs
    ]
    titles = ("family", "accuracy", "to fit, s", "in all, s")
    steps = f"{table(header, rows)}\n\n{NOTE}"
    return f"## Training on a graphics processor\n\n{steps}\n\n{table(titles, trained)}\n\n{TRAINED_NOTE}"
