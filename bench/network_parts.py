"""The parts that measure the neural families, each beside its peer."""

import functools
from collections.abc import Callable

from programs import Bench, Job, Measurements, peer, tenor, train

SCRATCH = ("bag", "cnn", "lstm", "transformer")
LENGTHS = (128, 256)  # tokens
PRECISIONS = ("float32", "bfloat16")
STEPS = 20  # training steps that are timed, after those that compile
BASE_STEPS, BASE_BATCH = 4, 8  # of the encoder of BERT-base's size, which takes ten times as long
BASE = "12 layers "  # before the names of its jobs
FEATURE_TEXTS = 2_000
PER_CLASS = (8, 64, 512)  # labelled texts of each class
SEEDS = range(5)
SETFIT_SEEDS = {8: 5, 64: 1, 512: 1}
SETFIT_LIMIT_S = 600  # a SetFit run that would take longer is left out
MINILM = {
    "default": (),
    "frozen": ("tune=frozen",),
    "256 tokens": ("max_length=256",),
}


def scratch(bench: Bench) -> list[Job]:
    """The families that are trained from scratch, with their defaults."""
    return [Job(family, lambda family=family: train(bench, family, bench.work / family)) for family in SCRATCH]


def finetune_speed(bench: Bench) -> list[Job]:
    """Training steps of MiniLM, with 6 layers, and of an encoder of BERT-base's size, with 12.

    Hugging Face transformers and Tenor take turns, `repeats` times over.
    """
    sizes: dict[str, tuple[str, ...]] = {"": (str(2 if bench.quick else STEPS),)}
    if not bench.quick:
        sizes[BASE] = (str(BASE_STEPS), str(BASE_BATCH))
    jobs = []
    for _ in range(bench.repeats):
        for layers, steps in sizes.items():
            folder = base_encoder if layers else encoder
            for length in map(str, LENGTHS[:1] if bench.quick else LENGTHS):
                for precision in PRECISIONS:
                    size = (length, precision, *steps)
                    name = f"{layers}{length} {precision}"
                    small = precision == "bfloat16"
                    theirs = functools.partial(_steps, bench, peer, "peer_steps.py", folder, size)
                    ours = functools.partial(_steps, bench, tenor, "tenor_steps.py", folder, size)
                    jobs += [Job(f"transformers {name}", theirs, small), Job(f"tenor {name}", ours, small)]
    return jobs


def _steps(
    bench: Bench,
    run: Callable[..., Measurements],
    program: str,
    folder: Callable[[Bench], str],
    size: tuple[str, ...],
) -> Measurements:
    """Training steps of one program, by length, precision, number, and perhaps texts in a batch."""
    return run(bench, program, folder(bench), *size)


def minilm(bench: Bench) -> list[Job]:
    """The pretrained encoder on all reviews, fine-tuned and frozen."""
    few = ("epochs=1",) if bench.quick else ()
    return [
        Job(name, lambda name=name, settings=settings: train(bench, "pretrained", bench.work / name, *settings, *few))
        for name, settings in MINILM.items()
    ]


def features(bench: Bench) -> list[Job]:
    """Features of the frozen encoder: ONNX Runtime and Tenor in turn, on the same ids, `repeats` times over."""
    texts = str(200 if bench.quick else FEATURE_TEXTS)
    ids, onnx = bench.work / "features.npz", bench.work / "encoder.onnx"

    def reference() -> Measurements:
        if not ids.is_file():
            tenor(bench, "tenor_features.py", texts, "float32", str(ids))
        if not onnx.is_file():
            peer(bench, "peer_onnx_export.py", encoder(bench), str(onnx))
        return peer(bench, "peer_onnx.py", str(onnx), str(ids))

    jobs = []
    for _ in range(bench.repeats):
        jobs.append(Job("onnxruntime", reference))
        for precision in ("float32", "auto"):
            jobs.append(
                Job(f"tenor {precision}", lambda expected=precision: tenor(bench, "tenor_features.py", texts, expected))
            )
    return jobs


def few_labels(bench: Bench) -> list[Job]:
    """Few labelled texts: the frozen encoder with logistic regression, SetFit and Tenor in turn, seed by seed."""
    jobs = []
    limit = str(SETFIT_LIMIT_S)
    for per_class in PER_CLASS[:1] if bench.quick else PER_CLASS:
        for seed in SEEDS[:1] if bench.quick else SEEDS:
            size = (str(per_class), str(seed))
            jobs.append(
                Job(f"logistic {per_class}", lambda size=size: peer(bench, "peer_logistic.py", encoder(bench), *size))
            )
            if seed < SETFIT_SEEDS[per_class]:
                jobs.append(
                    Job(
                        f"setfit {per_class}",
                        lambda size=size: peer(bench, "peer_setfit.py", encoder(bench), *size, limit),
                    )
                )
            for name, settings in {"tenor": (), "tenor frozen": ("tune=frozen",)}.items():
                jobs.append(
                    Job(
                        f"{name} {per_class}",
                        lambda size=size, settings=settings: tenor(bench, "tenor_few.py", *size, *settings),
                    )
                )
    return jobs


def lstm_torch(bench: Bench) -> list[Job]:
    """An epoch of PyTorch's LSTM and of Tenor's in turn, `lstm_repeats` times over."""
    jobs = []
    for _ in range(bench.lstm_repeats):
        jobs.append(Job("torch", lambda: peer(bench, "peer_lstm_torch.py", *(["--quick"] if bench.quick else []))))
        jobs.append(Job("tenor", lambda: tenor(bench, "tenor_lstm_epoch.py")))
    return jobs


@functools.cache
def encoder(bench: Bench) -> str:
    """The folder of the encoder `minilm`, which the peers load too."""
    return str(tenor(bench, "tenor_encoder.py")["folder"])


@functools.cache
def base_encoder(bench: Bench) -> str:
    """The folder of an encoder of BERT-base's size with random weights."""
    return str(peer(bench, "make_encoder.py", encoder(bench), str(bench.work / "base-encoder"))["folder"])


NETWORK_PARTS = {
    "scratch": scratch,
    "lstm-torch": lstm_torch,
    "minilm": minilm,
    "finetune-speed": finetune_speed,
    "features": features,
    "few-labels": few_labels,
}
