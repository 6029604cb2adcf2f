"""`make test-portable`: graphs of every family, made here, give the same on a processor with AVX2 and no more.

The processor is emulated (QEMU's user mode), so this runs anywhere; TensorFlow and Keras take no part there. With the
argument `there` this is the part that runs under the emulator.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tenor.models.onnx.onnx_network import OnnxNetwork

EMULATOR, PROCESSOR, PACKAGE = "qemu-x86_64", "Haswell", "qemu-user"
TEXTS = ["a superb, moving film", "dull and boring", "", "这部电影很好看", "good " * 60]
TOLERANCE = 1e-3  # of a probability, between the processors: float32 is rounded in another order
WRONG, OLD = "weights-of-8-bits", "weights-of-8-bits-without-a-probe"
TINY = {"vocabulary": 60, "max_length": 20}
SHAPE = {
    **{"tokens": 60, "positions": 30, "width": 8, "inner": 8, "blocks": 2, "shared": False, "heads": 2, "hidden": 12},
    **{"activation": "gelu", "epsilon": 1e-7},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "bag": TINY | {"embedding": 8, "hidden": [16]},
    "cnn": TINY | {"embedding": 8, "filters": 6, "widths": [2, 3]},
    "lstm": TINY | {"embedding": 8, "units": 6, "bidirectional": True},
    "transformer": TINY | {"width": 16, "heads": 2, "feed_forward": 24},
    "pretrained": {"architecture": SHAPE, "max_length": 20},
}


def main() -> int:
    """Make models, and compare them under the emulator; 0 where all is as it should be."""
    if reason := _missing():
        print(f"test-portable: skipped: {reason}")
        return 0
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        names = make(Path(place))
        print(f"test-portable: made {', '.join(names)} in {time.perf_counter() - begin:.0f} s", flush=True)
        code = _emulated(Path(place))
    print(f"test-portable: {'FAILED' if code else 'passed'} in {time.perf_counter() - begin:.0f} s")
    return code


def _missing() -> str:
    """Why this cannot run here; empty where it can. Installs the emulator where that is allowed."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"it needs Linux on x86_64, and this is {sys.platform} on {platform.machine()}."
    if shutil.which(EMULATOR):
        return ""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return f"there is no {EMULATOR}; install it (Debian and Ubuntu: apt-get install {PACKAGE})."
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", PACKAGE]):
        if subprocess.run(
            command, stdout=subprocess.DEVNULL, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        ).returncode:
            return f"there is no {EMULATOR}, and '{' '.join(command)}' failed."
    return "" if shutil.which(EMULATOR) else f"there is no {EMULATOR} in {PACKAGE}."


def make(place: Path) -> list[str]:
    """Folders of models of every family, with graphs in float32 and int8.

    Of the last two, int8 is as it was made before it was exact everywhere: with a probe, which has to find it, and
    without one, as older folders are.
    """
    from tenor import TextClassifier
    from tenor.inference.predictor import Predictor
    from tenor.models import registry
    from tenor.models.auto.blend import Blend, Member
    from tenor.models.neural import backend
    from tenor.models.onnx import quantisation

    backend.load("making networks")  # keeps TensorFlow quiet
    texts = [f"a {word} film, number {index}" for index in range(20) for word in ("superb", "dull")]
    ngram = TextClassifier("ngram").fit(texts, ["positive", "negative"] * 20).predictor_
    made = {"ngram": ngram} | {family: _network(family, ngram) for family in NETWORKS}
    auto, saved = registry.find("auto"), ngram.bundle
    members = tuple(
        Member(each.bundle.family, each.bundle.config, each.bundle.model, 0.5)
        for each in (ngram, made["bag"], made["transformer"])
    )
    made["auto"] = Predictor(replace(saved, family=auto, config=auto.config(), model=Blend(members)))
    exact = quantisation.LARGEST_WEIGHT
    quantisation.LARGEST_WEIGHT = 127  # as Tenor once did
    try:
        made[WRONG] = _network("transformer", ngram)
    finally:
        quantisation.LARGEST_WEIGHT = exact
    old = made[WRONG].bundle
    made[OLD] = Predictor(replace(old, model=replace(old.model, probe=None)))
    for name, each in made.items():
        each.save(place / name)
    expected = {name: each.predict_proba(TEXTS).tolist() for name, each in made.items()}
    (place / "expected.json").write_text(json.dumps(expected))
    return list(made)


def _network(family: str, like: Any) -> Any:
    """A network with weights drawn at random and graphs in float32 and int8."""
    from tenor.config import settings
    from tenor.inference.predictor import Predictor
    from tenor.models import registry
    from tenor.models.family import NetworkFamily
    from tenor.models.neural import neural_model
    from tenor.models.neural.network import Network
    from tenor.models.onnx import export
    from tenor.text import vocabulary

    record, task = registry.find(family), like.bundle.task
    config = settings.make(record.config, NETWORKS[family], "portable")
    assert isinstance(record, NetworkFamily)
    keras_model = record.build(config, task)
    random = np.random.default_rng(5)
    for variable in keras_model.weights:
        variable.assign(np.asarray(variable) + random.normal(0, 0.3, variable.shape))
    words = [word for text in TEXTS for word in text.split()] + [f"w{index}" for index in range(60)]
    network = Network(
        record, task, config, vocabulary.build([word for word in words for _ in range(2)], 60), keras_model
    )
    graphs = export.quantised(network, export.export(network, neural_model.random_rows(network)))
    return Predictor(replace(like.bundle, family=record, config=config, model=graphs, calibration=None, conformal=None))


def _emulated(place: Path) -> int:
    """Run the other part under the emulator, with this environment's packages; its exit code."""
    import onnxruntime

    packages = str(Path(onnxruntime.__file__).parents[1])
    source = str(Path(__file__).resolve().parents[1] / "src")
    command = [EMULATOR, "-cpu", PROCESSOR, str(Path(sys.executable).resolve()), __file__, "there", str(place)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([source, packages]),
        "TENOR_CACHE": str(place / "cache"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    lines = [line for line in done.stderr.splitlines() if "TCG doesn't support requested feature" not in line]
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")
    return done.returncode


def there(place: Path) -> int:
    """Compare the graphs, and what the models say of texts; 0 where all but the wrong one agree."""
    from tenor.cli import verify
    from tenor.inference import bundle
    from tenor.inference.predictor import Predictor
    from tenor.models.onnx.onnx_network import OnnxNetwork

    features: Any = np.show_config(mode="dicts")
    print(f"test-portable: {PROCESSOR}, instructions {' '.join(features['SIMD Extensions']['found'])}", flush=True)
    wrong = []
    for name, expected in json.loads((place / "expected.json").read_text()).items():
        rows = [] if name == OLD else [verify.described(row) for row in bundle.verify(place / name)]
        print(
            f"\n{name}: {'nothing to compare with' if not rows else ''}",
            *(verify.table(rows) if rows else []),
            sep="\n  ",
            flush=True,
        )
        if name == WRONG:
            agree = [row["agrees"] for row in rows if row["precision"] == "int8"]
            print("  that it disagrees is right: this shows that the comparison finds it", flush=True)
            wrong += [f"{name}: int8 agrees, so nothing is shown here"] * (agree != [False])
            continue
        loaded = bundle.load(place / name)
        away = float(np.abs(Predictor(loaded).predict_proba(TEXTS) - np.array(expected)).max())
        if name == OLD:
            with_probe = bundle.load(place / WRONG, check_graphs=False).model
            assert isinstance(loaded.model, OnnxNetwork) and isinstance(with_probe, OnnxNetwork)
            away = max(away, _difference(loaded.model, with_probe))
        print(f"  {len(TEXTS)} texts: probabilities up to {away:.2g} away, {TOLERANCE:g} is allowed", flush=True)
        wrong += [f"{name}: {row['graph']} disagrees" for row in rows if not row["agrees"]]
        wrong += [f"{name}: {note}" for note in loaded.notes]
        wrong += [f"{name}: texts get other probabilities"] * (not away <= TOLERANCE)
    loaded_here = sorted({"keras", "tensorflow", "jax", "onnx"} & sys.modules.keys())
    wrong += [f"{', '.join(loaded_here)} was loaded"] * bool(loaded_here)
    print("\n".join(["", *(f"WRONG: {each}" for each in wrong)]))
    return int(bool(wrong))


def _difference(old: "OnnxNetwork", with_probe: "OnnxNetwork") -> float:
    """The largest difference of a model's int8 from the probe of the same model."""
    probe = with_probe.probe
    assert probe is not None
    by_graph, expected = old.score_with(old.run, probe.rows), probe.logits["model.int8.onnx"]
    return float(np.abs(old.to_outputs(by_graph) - old.to_outputs(expected)).max())


if __name__ == "__main__":
    sys.exit(there(Path(sys.argv[2])) if sys.argv[1:2] == ["there"] else main())
