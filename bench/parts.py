"""The parts of the benchmark: each is a list of jobs, which are run one after another."""

import json
import sys

from budget_part import budget, budget_sets
from calibration_part import NAMES, calibration
from device_part import device
from explain_part import explain
from field_sets import FIELD_SETS
from fields_part import fields
from imdb import part_path
from inference_part import inference
from machine import device as gpu
from network_parts import NETWORK_PARTS
from optimizers_part import TEXTS as OPTIMIZER_SETS
from optimizers_part import optimizers
from page_part import page
from pretraining_part import UNLABELLED, pretraining
from processes import ProgramError, run
from programs import BENCH, TIMED, Bench, Job, Measurements, peer, tenor, train
from scale_part import scale
from serve_part import serve, serve_encoder, soak
from sets import SETS

ROWS = (10_000, 100_000, 1_000_000)
STREAMED_ROWS = {"ngram": (10_000, 100_000, 1_000_000, 10_000_000), "bag": (10_000, 100_000, 1_000_000)}
EPOCH = {"bag": ["--set", "epochs=1"]}
STARTS = 11
STARTED = {"ngram": [], "pretrained": ["--set", "tune=frozen"]}
FLIP_SEEDS = (101, 102, 103)
KERAS_EPOCHS = 10


def ngram(bench: Bench) -> list[Job]:
    """Tenor's `ngram`, scikit-learn and fastText in turn, `repeats` times over."""

    def tenors(repeat: int) -> Measurements:
        model = bench.work / f"ngram-{repeat}"
        trained = train(bench, "ngram", model)
        predicted = tenor(bench, "tenor_predict.py", str(model))
        return {**trained, "predict_s": predicted["predict_s"], "load_s": predicted["load_s"]}

    jobs = []
    for repeat in range(1, bench.repeats + 1):
        jobs.append(Job("tenor", lambda repeat=repeat: tenors(repeat)))
        jobs.append(Job("sklearn", lambda: peer(bench, "peer_sklearn.py")))
        jobs.append(Job("fasttext", lambda: peer(bench, "peer_fasttext.py")))
    return jobs


def lstm(bench: Bench) -> list[Job]:
    """Tenor's `lstm` and the plain Keras script in turn, `lstm_repeats` times over."""
    epochs = 1 if bench.quick else KERAS_EPOCHS
    jobs = []
    for repeat in range(1, bench.lstm_repeats + 1):
        jobs.append(Job("tenor", lambda repeat=repeat: train(bench, "lstm", bench.work / f"lstm-{repeat}")))
        jobs.append(Job("keras", lambda: peer(bench, "peer_keras.py", "--epochs", str(epochs))))
    return jobs


def memory(bench: Bench) -> list[Job]:
    """Peak memory and time of `tenor predict` on generated files of growing length."""

    def measure(rows: int) -> Measurements:
        model = bench.work / "ngram-1"
        if not model.is_dir():
            train(bench, "ngram", model)
        source, output = bench.work / f"rows-{rows}.csv", bench.work / f"predicted-{rows}.csv"
        run([str(bench.tenor_bin / "python"), str(BENCH / "make_rows.py"), str(rows), str(source)])
        usage = run([str(bench.tenor_bin / "tenor"), "predict", str(model), str(source), "-o", str(output)])
        with output.open("rb") as file:  # a header, and as many lines as rows: no text has a line end
            written = sum(1 for _ in file) - 1
        if written != rows:
            raise ProgramError(f"`tenor predict` wrote {written} rows for {rows}.")
        size_mib = source.stat().st_size / 2**20
        source.unlink()
        output.unlink()
        return {"rows": rows, "file_mib": size_mib, "peak_mib": usage.peak_mib, "process_s": usage.wall_s}

    return [Job("tenor", lambda rows=rows: measure(rows // 100 if bench.quick else rows)) for rows in ROWS]


def streamed(bench: Bench) -> list[Job]:
    """Peak memory and time of `tenor train` with the texts on disk, on generated files of growing length."""

    def measure(family: str, rows: int) -> Measurements:
        source, model = bench.work / f"labelled-{rows}.parquet", bench.work / f"streamed-{family}-{rows}"
        run([str(bench.tenor_bin / "python"), str(BENCH / "make_labelled.py"), str(rows), str(source)])
        command = [str(bench.tenor_bin / "tenor"), "train", str(source), "--family", family, "--on-disk"]
        usage = run([*command, *EPOCH.get(family, []), "--out", str(model)])
        size_mib = source.stat().st_size / 2**20
        source.unlink()
        metrics = json.loads((model / "metrics.json").read_text(encoding="utf-8"))
        return {
            "rows": rows,
            "file_mib": size_mib,
            "peak_mib": usage.peak_mib,
            "process_s": usage.wall_s,
            "accuracy": metrics["test"]["accuracy"],
            **{step: metrics["timing"][step] for step in TIMED},
        }

    return [
        Job(family, lambda family=family, rows=rows: measure(family, rows // 100 if bench.quick else rows))
        for family, sizes in STREAMED_ROWS.items()
        for rows in sizes
    ]


def startup(bench: Bench) -> list[Job]:
    """Wall time of `tenor --help`, and of one prediction in a process of its own, STARTS times each (quick: once)."""
    program, starts = str(bench.tenor_bin / "tenor"), 1 if bench.quick else STARTS

    def predict(family: str) -> Measurements:
        model = bench.work / f"started-{family}"
        if not model.is_dir():
            source = bench.work / "started.parquet"
            run([str(bench.tenor_bin / "python"), str(BENCH / "make_labelled.py"), "300", str(source)])
            made = [program, "train", str(source), "--family", family, "--out", str(model), "--no-report"]
            run([*made, *STARTED[family]])
        return {"process_s": run([program, "predict", str(model), "Was it worth the wait?"]).wall_s}

    jobs = [Job("tenor", lambda: {"process_s": run([program, "--help"]).wall_s})] * starts
    for family in STARTED:
        jobs += [Job(family, lambda family=family: predict(family))] * starts
    return jobs


def labelled_sets(bench: Bench) -> list[Job]:
    """Tenor's `ngram`, scikit-learn and fastText on the sets beside IMDB."""
    jobs = []
    for name, expected in SETS.items():
        jobs.append(
            Job(
                f"tenor {name}",
                lambda name=name, column=expected.column: train(
                    bench, "ngram", bench.work / f"set-{name}", name=name, column=column
                ),
            )
        )
        jobs.append(Job(f"sklearn {name}", lambda name=name: peer(bench, "peer_sets.py", "sklearn", name)))
        if expected.kind == "classes":
            jobs.append(Job(f"fasttext {name}", lambda name=name: peer(bench, "peer_sets.py", "fasttext", name)))
    return jobs


def check(bench: Bench) -> list[Job]:
    """`tenor check` on IMDB with its test, and the ranks of labels that were flipped on purpose."""

    def leaks() -> Measurements:
        command = [str(bench.tenor_bin / "tenor"), "check", str(part_path("train")), "--test", str(part_path("test"))]
        usage = run([*command, "--text", "text", "--label", "label", "--json", "--fail-on", "never"])
        findings = {finding["name"]: finding["count"] for finding in json.loads(usage.output)["findings"]}
        return {"leaked": findings.get("leaked", 0), "process_s": usage.wall_s, "peak_mib": usage.peak_mib}

    flips = [Job("flipped", lambda seed=seed: tenor(bench, "tenor_mislabelled.py", str(seed))) for seed in FLIP_SEEDS]
    return [Job("leaks", leaks), *flips]


PARTS = {
    "ngram": ngram,
    "labelled-sets": labelled_sets,
    "check": check,
    "calibration": calibration,
    "explain": explain,
    "fields": fields,
    "page": page,
    "serve": serve,
    "serve-encoder": serve_encoder,
    "soak": soak,
    "budget": budget,
    "budget-sets": budget_sets,
    "lstm": lstm,
    "memory": memory,
    "streamed": streamed,
    "scale": scale,
    "startup": startup,
    **NETWORK_PARTS,
    "optimizers": optimizers,
    "inference": inference,
    "pretraining": pretraining,
    "device": device,
}
_NO_DATA = {"startup", "streamed"}
_NO_PEERS = {
    "budget-sets",
    "check",
    "page",
    "memory",
    "startup",
    "streamed",
    "scratch",
    "minilm",
    "optimizers",
    "pretraining",
    "scale",
    "soak",
}


def has_peers(name: str) -> bool:
    """Whether a part runs other programs than Tenor."""
    return name not in _NO_PEERS


def check_environment(names: list[str], bench: Bench) -> None:
    """End the script when the data, or an environment that the parts `names` need, are missing."""
    if set(names) - _NO_DATA:
        part_path("train")
        part_path("test")
    expected = {"few-labels": ["sst2"], "calibration": list(NAMES)}
    expected |= {"labelled-sets": list(SETS), "budget-sets": list(SETS), "fields": list(FIELD_SETS)}
    expected |= {"optimizers": list(OPTIMIZER_SETS)}
    expected |= {part: ["sst2"] for part in ("serve", "serve-encoder", "soak", "inference")}
    for name in (name for part in names for name in expected.get(part, [])):
        part_path("train", name)
        part_path("test", name)
    if "pretraining" in names:
        part_path(UNLABELLED)
    if "device" in names and not gpu():
        sys.exit("The part 'device' needs a graphics processor, and nvidia-smi reports none.")
    needed = [bench.tenor_bin / "tenor"]
    if any(map(has_peers, names)):
        needed.append(bench.peers_bin / "python")
    for program in needed:
        if not program.is_file():
            sys.exit(f"{program}: there is no such program. `make bench` creates both environments.")
