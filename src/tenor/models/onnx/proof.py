"""Which graph predicts, with which runtime: the first that gives the expected logits on this machine.

Processors and versions of a runtime compute differently. A saved model contains a probe: rows with the logits that they
had where the model was made. A graph that gives other logits here is not used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tenor._core.language import tr
from tenor.errors import BundleError
from tenor.models.auto.blend import Blend
from tenor.models.base import Model
from tenor.models.neural import neural_model
from tenor.models.onnx import runtimes, verdicts
from tenor.models.onnx.onnx_network import BFLOAT16_TOLERANCE, FLOAT32, INT8, TOLERANCE, OnnxNetwork
from tenor.models.onnx.probe import NETWORK, Origin
from tenor.models.onnx.runtimes import Run
from tenor.models.onnx.verdicts import Verdict
from tenor.tasks import Floats
from tenor.text.encoded import Encoded

INT8_TOLERANCE = 0.01
"""Difference that an int8 graph may always have from its own logits where it was made."""


@dataclass(frozen=True)
class Candidate:
    """A graph and a runtime that may run it.

    Attributes:
        graph: The name of its file.
        runtime: The name of the runtime.
        precision: The type of numbers that it computes with.
        allowed: Largest difference from the expected outputs.
        start: Makes it ready to run.
    """

    graph: str
    runtime: str
    precision: str
    allowed: float
    start: Callable[[], Run]


class SelectedGraph(NamedTuple):
    """The graph that predicts.

    Attributes:
        run: The graph, ready to run.
        notes: For each graph that is not used, why not.
    """

    run: Run
    notes: tuple[str, ...]


def with_origin(model: Model, folder: Path, manifest: str) -> Model:
    """The model whose networks know their folder, so that their graphs are compared.

    Args:
        model: The model.
        folder: Its folder.
        manifest: SHA-256 of the folder's manifest.
    """
    if isinstance(model, OnnxNetwork):
        return replace(model, origin=Origin(folder, manifest))
    if not isinstance(model, Blend):
        return model
    members = []
    for number, member in enumerate(model.members):
        network = member.model
        if isinstance(network, OnnxNetwork):
            network = replace(network, origin=Origin(folder, manifest, f"{number}."))
        members.append(replace(member, model=network))
    return replace(model, members=tuple(members))


def prove(model: Model) -> tuple[str, ...]:
    """Compare the graphs of a model and make them ready. Returns why graphs are not used.

    Raises:
        ValueError: A graph is not one from ids to this model's logits.
        BundleError: A float32 graph gives other logits than its network did where the model was made.
    """
    return tuple(note for each in _networks(model) for note in each.selected.notes)


class VerificationRow(NamedTuple):
    """A result of `verify`.

    Attributes:
        graph: The graph's file.
        runtime: The runtime with its version.
        precision: The type of numbers that it computes with.
        verdict: The result of the comparison.
    """

    graph: str
    runtime: str
    precision: str
    verdict: Verdict


def verify(model: Model) -> list[VerificationRow]:
    """Compare every graph of a loaded model, whatever is remembered. A model without graphs has no rows.

    Raises:
        ValueError: A graph is not one from ids to this model's logits.
        BundleError: There is a graph, and no probe to compare it with.
    """
    rows = []
    for each in _networks(model):
        assert each.origin is not None
        if each.probe is None:
            raise BundleError(
                tr(
                    "{folder}: there are no probe rows to compare the graphs with: an older Tenor saved it.",
                    folder=each.origin.folder,
                ),
                tr("Make the graphs again, with a probe: tenor export MODEL"),
            )
        for candidate in candidates(each):
            verdict = compare(each, candidate, candidate.start())
            assert verdict is not None
            name = f"{candidate.runtime} {runtimes.version(candidate.runtime)}"
            rows.append(VerificationRow(each.origin.prefix + candidate.graph, name, candidate.precision, verdict))
    return rows


def _networks(model: Model) -> list[OnnxNetwork]:
    """The networks in a model that have graphs."""
    models = [member.model for member in model.members] if isinstance(model, Blend) else [model]
    return [each for each in models if isinstance(each, OnnxNetwork)]


def select_graph(model: OnnxNetwork) -> SelectedGraph:
    """The first candidate that computes the expected logits.

    Raises:
        ValueError: A graph is not one from ids to this model's logits.
        BundleError: The float32 graph in ONNX Runtime, the last candidate, does not agree.
    """
    notes: list[str] = []
    for candidate in candidates(model):
        verdict = _recall(model, candidate)
        run = candidate.start() if verdict is None or verdict.agrees else None
        if verdict is None and run is not None:
            verdict = compare(model, candidate, run)
        if run is not None and (verdict is None or verdict.agrees):
            return SelectedGraph(run, tuple(notes))
        assert verdict is not None
        if (candidate.graph, candidate.runtime) == (FLOAT32, runtimes.ONNX_RUNTIME):
            raise _refused(model, verdict)
        notes.append(_note(model, candidate, verdict))
    raise AssertionError(tr("the last candidate is used or refused"))


def candidates(model: OnnxNetwork) -> Iterator[Candidate]:
    """Graphs and runtimes that may predict, the preferred one first."""
    if runtimes.runtime_name() == runtimes.OPENVINO:
        for bfloat16 in (True, False) if runtimes.has_bfloat16() else (False,):
            yield Candidate(
                graph=FLOAT32,
                runtime=runtimes.OPENVINO,
                precision="bfloat16" if bfloat16 else "float32",
                allowed=BFLOAT16_TOLERANCE if bfloat16 else TOLERANCE,
                start=partial(model.in_openvino, bfloat16),
            )
    if INT8 in model.files:
        yield Candidate(
            graph=INT8,
            runtime=runtimes.ONNX_RUNTIME,
            precision="int8",
            allowed=_int8_tolerance(model),
            start=partial(model.in_onnx_runtime, INT8),
        )
    yield Candidate(
        graph=FLOAT32,
        runtime=runtimes.ONNX_RUNTIME,
        precision="float32",
        allowed=TOLERANCE,
        start=partial(model.in_onnx_runtime, FLOAT32),
    )


def _int8_tolerance(model: OnnxNetwork) -> float:
    """Largest difference of the int8 graph from its own outputs where it was made.

    Its products are exact everywhere, but their factors come from float32 values, whose sums are rounded in another
    order elsewhere. A value halfway between two integers may become the other one, and layers amplify that. This
    changes no more than rounding to int8 did; in MiniLM up to half of that.
    """
    if model.probe is None:
        return INT8_TOLERANCE
    by_int8, by_float32 = (model.to_outputs(model.probe.logits[graph]) for graph in (INT8, FLOAT32))
    return max(INT8_TOLERANCE, float(np.abs(by_int8 - by_float32).max(initial=0.0)))


def compare(model: OnnxNetwork, candidate: Candidate, run: Run) -> Verdict | None:
    """Compare a candidate's logits with the expected ones, and remember the verdict; None: no logits are expected."""
    expected = _expected(model, candidate)
    if expected is None:
        return None
    rows, logits = expected
    result = model.score_with(run, rows)
    difference = np.inf
    if np.isfinite(result).all():
        difference = float(np.abs(model.to_outputs(result) - model.to_outputs(logits)).max(initial=0.0))
    verdict = Verdict(difference, candidate.allowed, len(logits))
    if (subject := _subject(model, candidate)) is not None:
        verdicts.remember(subject, verdict)
    return verdict


def _expected(model: OnnxNetwork, candidate: Candidate) -> tuple[Encoded, Floats] | None:
    """Rows, and the logits that a candidate must give for them; None if there is nothing to compare with."""
    if model.probe is not None and model.origin is not None:
        return model.probe.rows, model.probe.logits[INT8 if candidate.graph == INT8 else NETWORK]
    if candidate.runtime == runtimes.ONNX_RUNTIME:  # compared when it was made here, or from an older Tenor
        return None
    rows = neural_model.random_rows(model)
    return rows, model.score_with(model.in_onnx_runtime(FLOAT32), rows)


def _subject(model: OnnxNetwork, candidate: Candidate) -> dict[str, str] | None:
    """The fields that identify a verdict; None if it cannot be reused."""
    if model.probe is None or model.origin is None:
        return None
    return {
        "model": model.origin.manifest,
        "graph": model.origin.prefix + candidate.graph,
        "runtime": candidate.runtime,
        "version": runtimes.version(candidate.runtime),
        "precision": candidate.precision,
    }


def _recall(model: OnnxNetwork, candidate: Candidate) -> Verdict | None:
    """The saved verdict, or None."""
    subject = _subject(model, candidate)
    return None if subject is None else verdicts.recall(subject, candidate.allowed)


def _note(model: OnnxNetwork, candidate: Candidate, verdict: Verdict) -> str:
    """Why a candidate is not used, and what is used instead."""
    difference = tr("up to {difference:.2g} away from", difference=verdict.difference)
    allowed = tr("{allowed:.2g} is allowed", allowed=candidate.allowed)
    if candidate.graph == INT8:
        return tr(
            "{display_name} is {difference} what it gave where it was made, and {allowed}, so "
            "float32 predicts, more slowly. Make it again with: tenor export MODEL --int8 --data DATA",
            display_name=model.display_name(INT8),
            difference=difference,
            allowed=allowed,
        )
    if candidate.precision == "bfloat16":
        return tr(
            "in bfloat16 this model is {difference} float32, and {allowed}, so OpenVINO computes in float32.",
            difference=difference,
            allowed=allowed,
        )
    original = tr("ONNX Runtime") if model.probe is None or model.origin is None else tr("the network that was saved")
    return tr(
        "OpenVINO is {difference} {original}, and {allowed}, so ONNX Runtime predicts. Please report this.",
        difference=difference,
        original=original,
        allowed=allowed,
    )


def _refused(model: OnnxNetwork, verdict: Verdict) -> BundleError:
    return BundleError(
        tr(
            "{display_name}: on this machine the graph is up to {difference:.2g} away from the network "
            "that was saved, and {allowed:.2g} is allowed.",
            display_name=model.display_name(FLOAT32),
            difference=verdict.difference,
            allowed=verdict.allowed,
        ),
        tr(
            "Try another version of onnxruntime (tenor verify compares again), or make the graph here: "
            "tenor export MODEL"
        ),
    )
