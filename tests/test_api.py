"""The public API: its names and signatures are those of `tests/api.txt`, and `docs/reference/python.md` runs.

A change of the API is a decision. After one: `python tests/test_api.py > tests/api.txt`.
"""

import ast
import dataclasses
import inspect
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tenor
from tenor import api

SNAPSHOT = Path(__file__).with_name("api.txt")
GUIDE = Path(__file__).parents[1] / "docs" / "reference" / "python.md"


PREDICTOR = ("predict", "predict_interval", "predict_proba", "predict_scored", "predict_set", "save")
"""Methods of `Predictor` that are public; its others serve other parts of Tenor."""


def described() -> Iterator[str]:
    """A paragraph for each public name."""
    for name in tenor.__all__:
        if name != "__version__":
            yield "\n".join(lines(name, getattr(tenor, name)))
    for keywords in (api.CheckKeywords, api.FileKeywords, api.ReadKeywords):
        fields = [
            f"    {node.target.id}: {ast.unparse(node.annotation)}" for node in syntax(keywords).body if is_field(node)
        ]
        bases = ", ".join(ast.unparse(base) for base in syntax(keywords).bases)
        yield "\n".join([f"keywords {keywords.__name__}({bases})", *fields])


def lines(name: str, value: Any) -> Iterator[str]:
    """The signature of a function; for a class its fields, or that of its constructor, and its public methods."""
    if not inspect.isclass(value):
        yield signature(name, value)
        return
    bases = [base.__name__ for base in value.__bases__ if base is not object and not base.__name__.startswith("_")]
    yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    if dataclasses.is_dataclass(value):
        written = {node.target.id: node for node in syntax(value).body if is_field(node)}
        for index, field in enumerate(dataclasses.fields(value)):
            if field.kw_only and not (index and dataclasses.fields(value)[index - 1].kw_only):
                yield "    *"
            default = "" if field.default is dataclasses.MISSING else f" = {field.default!r}"
            yield f"    {field.name}: {ast.unparse(written[field.name].annotation)}{default}"
    elif "__init__" in vars(value) and name != "Predictor":
        yield f"    {signature('__init__', value.__init__)}"
    for member, code in inspect.getmembers(value):
        if member.startswith("_") or (name == "Predictor" and member not in PREDICTOR):
            continue
        if inspect.isfunction(code) and code.__module__.startswith("tenor"):
            yield f"    {signature(member, code)}"
        elif isinstance(code, property):
            yield f"    {member}: {ast.unparse(syntax(code.fget).returns)}"


def is_field(node: ast.stmt) -> bool:
    """Whether a statement of a class declares a field."""
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def syntax(value: Any) -> Any:
    """The source of a function or a class; annotations are read there, since Python versions print them differently."""
    [node] = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    return node


def signature(name: str, function: Any) -> str:
    """A signature as Python writes it, with the values of the defaults."""
    written = syntax(function)
    annotations = {node.arg: node.annotation for node in ast.walk(written.args) if isinstance(node, ast.arg)}
    given: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in given:
            given.append("*")
        if each.name != "self":
            default = "" if each.default is each.empty else f" = {each.default!r}"
            stars = "**" if each.kind is each.VAR_KEYWORD else ""
            given.append(f"{stars}{each.name}: {ast.unparse(annotations[each.name])}{default}")
    return f"{name}({', '.join(given)}) -> {ast.unparse(written.returns)}"


def test_names_and_signatures_are_those_of_the_snapshot() -> None:
    assert "\n\n".join(described()) + "\n" == SNAPSHOT.read_text(encoding="utf-8")


def test_every_name_is_loaded_when_it_is_used_and_documented() -> None:
    assert sorted(tenor._MODULES) == [name for name in tenor.__all__ if name != "__version__"]
    guide = GUIDE.read_text(encoding="utf-8")
    for name in tenor.__all__:
        assert name in dir(tenor)
        if name == "__version__":
            continue
        assert inspect.getdoc(getattr(tenor, name)), name
        assert name in guide, f"docs/reference/python.md does not mention {name}"
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        tenor.fit  # noqa: B018


def test_importing_tenor_and_loading_a_configuration_is_fast() -> None:
    program = (
        "import sys, tenor\n"
        "slow = ('keras', 'tensorflow', 'jax', 'numpy', 'scipy', 'sklearn', 'pyarrow')\n"
        "assert not [name for name in slow if name in sys.modules]\n"
        "tenor.train, tenor.evaluate, tenor.check, tenor.Callback, tenor.RunConfig, tenor.TenorError\n"
        "assert not [name for name in slow[:3] if name in sys.modules]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_task_is_refused() -> None:
    task: Any = "nonsense"
    with pytest.raises(tenor.SettingsError, match="'task' is 'nonsense'") as raised:
        tenor.check("rotten-tomatoes", task=task)
    assert raised.value.remedy == "Known: binary, multiclass, multilabel, regression."
    with pytest.raises(tenor.SettingsError, match="'task' is 'nonsense'"):
        tenor.RunConfig("rotten-tomatoes", task=task)


def test_the_guide_to_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    good, bad = "a wonderful warm film {}", "a dull and dreadful film {}"
    rows = [f"{text.format(number)},{label}" for number in range(40) for text, label in ((good, "pos"), (bad, "neg"))]
    for name, part in (("reviews.csv", rows), ("new-reviews.csv", [row.replace(" film", " show") for row in rows])):
        Path(name).write_text("\n".join(["text,label", *part]) + "\n", encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 8
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec"), names)


if __name__ == "__main__":
    print("\n\n".join(described()))
