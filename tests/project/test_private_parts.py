"""Tenor uses a few parts of Keras and uvicorn that are not public. A release that changes one of them fails here first.

When a test fails after an upgrade: adapt the file that it names, then raise the upper bound in pyproject.toml.
"""

import ast
import asyncio
import inspect
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tenor"

PRIVATE = {
    "keras": {
        "_get_variable_index",
        "_inbound_nodes",
        "_keras_history",
        "_momentums",
        "_track_variable",
        "_velocities",
    },
    "uvicorn": {"_unset_keepalive_if_required"},
}
"""Library -> its private attributes that Tenor reads."""

PUBLIC = {"_asdict", "_exit", "_fields", "_getframe", "_replace"}
"""Attributes of named tuples, `os._exit` and `sys._getframe`: documented, in spite of the underscore."""


def attributes_of_others() -> Iterator[tuple[str, str]]:
    """(attribute, place) of every attribute with an underscore that Tenor reads and does not define."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}
    own = set[str]()
    for node in (node for tree in trees.values() for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr) and node.attr not in own | PUBLIC:
                yield node.attr, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_private_attribute_in_use_is_listed_here() -> None:
    used = dict(attributes_of_others())
    listed = set().union(*PRIVATE.values())
    assert not set(used) - listed, f"list these, test them, and bound the library: {used}"
    assert not listed - set(used), "no longer in use: take them off the list"


def requirements(library: str) -> list[Requirement]:
    """The lines of pyproject.toml that require a library."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    return [requirement for requirement in map(Requirement, lines) if requirement.name == library]


@pytest.mark.parametrize("library", sorted(PRIVATE))
def test_the_library_has_an_upper_bound_that_the_installed_version_respects(library: str) -> None:
    lines = requirements(library)
    assert lines
    for requirement in lines:
        assert any(each.operator == "<" for each in requirement.specifier), f"{requirement}: no upper bound"
        assert requirement.specifier.contains(version(library)), f"{requirement}: {version(library)} is installed"


def changed(library: str, *names: str) -> str:
    """The message of a test that a new release of a library fails."""
    files = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(SOURCE.rglob("*.py"))
        if library in (text := path.read_text(encoding="utf-8")) and any(name in text for name in names)
    ]
    assert files, f"no file that uses {library} names {names}"
    return (
        f"{library} {version(library)} has changed {', '.join(names)}: adapt {', '.join(files)}, then raise the bound"
    )


def test_a_tensor_of_keras_knows_its_layer_and_the_inputs_of_that_layer() -> None:
    import keras

    inputs = keras.Input((3,))
    layer = keras.layers.Dense(2)
    output = layer(inputs)
    message = changed("keras", "_keras_history", "_inbound_nodes")
    try:
        maker, node, index = output._keras_history
        [before] = maker._inbound_nodes[node].input_tensors
    except (AttributeError, TypeError, ValueError) as error:
        pytest.fail(f"{message} ({error})")
    assert (maker, index) == (layer, 0), message
    assert before is inputs, message


@pytest.fixture
def adam() -> Any:
    """An optimizer of Keras for two variables, with a schedule of learning rates."""
    import keras

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            return 0.25

    optimizer = keras.optimizers.Adam(Schedule(), global_clipnorm=1.0)
    optimizer.build([keras.Variable([1.0, 2.0]), keras.Variable([[3.0]])])
    return optimizer


def test_keras_keeps_the_moments_of_adam_by_variable(adam: Any) -> None:
    message = changed("keras", "_get_variable_index", "_momentums", "_velocities")
    for variable in adam._trainable_variables:
        try:
            index = adam._get_variable_index(variable)
            moments = adam._momentums[index], adam._velocities[index]
        except (AttributeError, TypeError) as error:
            pytest.fail(f"{message} ({error})")
        assert [tuple(moment.shape) for moment in moments] == [tuple(variable.shape)] * 2, message


def test_keras_tracks_variables_of_an_optimizer_and_gives_its_learning_rate(adam: Any) -> None:
    import keras

    message = changed("keras", "_track_variable", "_get_current_learning_rate")
    more = keras.Variable(1.0)
    try:
        adam._track_variable(more)
        rate = adam._get_current_learning_rate()
    except (AttributeError, TypeError) as error:
        pytest.fail(f"{message} ({error})")
    assert any(each is more for each in adam.variables), message
    assert float(rate) == 0.25, message


def test_keras_adds_up_gradients_in_a_call_that_can_be_overridden_and_asks_for_the_learning_rate_in_another() -> None:
    import keras

    calls = []

    class Watched(keras.optimizers.SGD):  # type: ignore[misc]
        def _backend_apply_gradients(self, gradients: Any, variables: Any) -> None:
            calls.append(len(gradients))
            super()._backend_apply_gradients(gradients, variables)

        def _get_current_learning_rate(self) -> Any:
            return keras.ops.convert_to_tensor(0.5)

    optimizer, variable = Watched(gradient_accumulation_steps=2), keras.Variable(1.0)
    optimizer.build([variable])
    for _ in range(2):
        optimizer.apply([keras.ops.convert_to_tensor(1.0)], [variable])
    message = changed("keras", "_backend_apply_gradients", "_get_current_learning_rate")
    assert calls == [1, 1], message
    assert float(variable) == 0.5, message


def test_keras_clips_all_gradients_in_one_call_that_can_be_overridden() -> None:
    import keras

    seen = []

    class Clipping(keras.optimizers.SGD):  # type: ignore[misc]
        def _clip_gradients(self, gradients: Any) -> Any:
            seen.append(len(gradients))
            return gradients

    weights = [keras.Variable([1.0]), keras.Variable([2.0])]
    optimizer = Clipping(0.5, global_clipnorm=1.0)
    optimizer.build(weights)
    optimizer.apply([keras.ops.array([4.0]), keras.ops.array([8.0])], weights)
    assert seen == [2], changed("keras", "_clip_gradients")
    assert [float(each.value[0]) for each in weights] == [-1.0, -2.0]


def uvicorn_connection() -> Any:
    """A connection of uvicorn's that has not been made yet."""
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    loop = asyncio.new_event_loop()
    try:
        return HttpToolsProtocol(uvicorn.Config(app, log_config=None), ServerState(), {}, loop)
    finally:
        loop.close()


@pytest.mark.parametrize(
    "name",
    [
        # attributes that are read or written
        *("connections", "cycle", "headers", "logger", "loop", "parser", "pipeline", "timeout_keep_alive"),
        *("timeout_keep_alive_task", "transport"),
        # methods that are called or overridden
        *("connection_lost", "connection_made", "data_received", "on_header", "on_headers_complete"),
        *("on_message_begin", "on_message_complete", "on_response_complete", "on_url", "pause_writing"),
        *("resume_writing", "shutdown", "timeout_keep_alive_handler"),
        *("_start_asgi_task", "_unset_keepalive_if_required"),
    ],
)
def test_connections_of_uvicorn_have_what_the_server_uses(name: str) -> None:
    message = changed("uvicorn", name)
    assert hasattr(uvicorn_connection(), name), message


def test_methods_of_uvicorn_take_the_arguments_of_their_overrides() -> None:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from tenor.serving.connections import LimitedProtocol

    ours = LimitedProtocol
    overridden = [name for name in vars(ours) if inspect.isfunction(getattr(HttpToolsProtocol, name, None))]
    assert set(overridden) >= {"_start_asgi_task", "data_received", "on_headers_complete", "shutdown"}
    for name in overridden:
        theirs = list(inspect.signature(getattr(HttpToolsProtocol, name)).parameters)
        mine = list(inspect.signature(getattr(ours, name)).parameters)
        assert mine == theirs, changed("uvicorn", name)


@pytest.mark.parametrize("name", ["disconnected", "keep_alive", "message_event", "response_complete"])
def test_cycles_of_uvicorn_have_what_the_server_uses(name: str) -> None:
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

    assigned = inspect.getsource(RequestResponseCycle.__init__)
    message = changed("uvicorn", name)
    assert f"self.{name} = " in assigned or f"self.{name}: " in assigned, message


def test_wrong_options_of_typer_are_errors_of_click() -> None:
    import typer

    error = typer.BadParameter.__mro__[2]
    message = changed("typer", "BadParameter.__mro__")
    assert error.__name__ == "ClickException", message
    assert callable(getattr(error, "show", None)), message
    assert error.exit_code == 1, message  # type: ignore[attr-defined]
