"""The documentation says what the program does. TENOR_UPDATE_DOCS=1 writes the generated pages again."""

import ast
import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.main import get_command

from tenor._core.language import use_language
from tenor.cli.main import app
from tenor.config import settings
from tenor.data.builtin import BUILTINS
from tenor.data.correction_store import CorrectionStore
from tenor.models import registry
from tenor.serving import app as serving_app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TWINS = runpy.run_path(str(ROOT / "tools" / "twins.py"))
TOPICS = ROOT / "src" / "tenor" / "help" / "topics"  # of `tenor help`
PAGES = sorted({*ROOT.glob("*.md"), *DOCS.glob("**/*.md"), *(ROOT / "bench").glob("*.md"), *TOPICS.glob("*.md")})
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]
FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
# A lowercase letter, then lowercase letters, digits, - and _. Other headings begin with a capital letter.
FAMILY_NAME = r"[a-z][a-z0-9_-]*"
# Options of programs other than Tenor that the pages name.
FOREIGN = {
    "--xla",
    "--no-deps",
    "--read-only",
    "--cpus",
    "--only",
    "--jobs",
    "--quick",
    "--check",
    "--repeats",
    "--stamp",
    "--without-results",
    "--run",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> dict[str, object]:
    """Every command by its name, such as `corrections export`, in the language of the moment."""
    group = get_command(app)
    result = dict(group.commands)  # type: ignore[attr-defined]
    for name, inner in group.commands.items():  # type: ignore[attr-defined]
        if hasattr(inner, "commands"):
            del result[name]
            result |= {f"{name} {each}": command for each, command in inner.commands.items()}
    return result


HEADS = {
    "commands.md": "# Commands\n\n"
    "This page is what `tenor COMMAND --help` prints. Results go to standard output, everything else to\n"
    "standard error. The exit code is 0 for success and 1 for an error in the input or in a value: two lines\n"
    "say what is wrong and what to do, and a third may name a topic of `tenor help`. It is 2 for an\n"
    "unknown or missing option, and 130 after an interruption. If `auto` is interrupted and a model is ready,\n"
    "that model is saved and the exit code is 0.\n",
    "commands.zh.md": "# 命令\n\n"
    "本页就是中文环境下 `tenor COMMAND --help` 打印的内容。"
    "结果写到标准输出，其他内容写到标准错误。退出码 0 表示成功；1 表示输入或取值有误，并用两行说明哪里不对、怎么办，"
    "第三行可能给出 `tenor help` 的主题；2 表示选项不存在或缺少选项；130 表示被中断。"
    "如果 `auto` 被中断时已经得到一个模型，则保存该模型，退出码为 0。\n",
}


def commands_page(name: str) -> str:
    """The page of commands: `commands.md`, or `commands.zh.md` with the help in Chinese."""
    with use_language("zh" if name == "commands.zh.md" else "en"):
        return HEADS[name] + "".join(_help_sections())


def _help_sections() -> Iterator[str]:
    for command_name, command in commands().items():
        width = {"terminal_width": 80, "max_content_width": 80}  # of a common terminal, and of the column of the site
        context = command.make_context(  # type: ignore[attr-defined]
            command_name, [], resilient_parsing=True, help_option_names=["-h", "--help"], **width
        )
        context.info_name = f"tenor {command_name}"
        shown = command.get_help(context).strip()  # type: ignore[attr-defined]
        yield f"\n## tenor {command_name}\n\n```text\n{shown}\n```\n"


def options() -> set[str]:
    """Every option of every command."""
    return {
        option
        for command in commands().values()
        for parameter in command.params  # type: ignore[attr-defined]
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    } | {"--help", "--version", "--install-completion", "--show-completion"}


def anchors(name: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: Counter[str] = Counter()
    result = set()
    for heading in re.findall(r"^#+ (.+)$", FENCED.sub("", read(name)), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        result.add(f"{slug}-{found[slug]}" if found[slug] else slug)
        found[slug] += 1
    return result


@pytest.mark.parametrize("name", list(HEADS))
def test_the_page_of_commands_is_what_help_prints(name: str) -> None:
    page = DOCS / "reference" / name
    if os.environ.get("TENOR_UPDATE_DOCS"):
        page.write_text(commands_page(name), encoding="utf-8")
        if name == "commands.zh.md":
            TWINS["stamp"](DOCS / "reference" / "commands.md")
    assert page.read_text(encoding="utf-8").partition("\n<!-- ")[0] == commands_page(name)


@pytest.mark.parametrize("family", list(registry.FAMILIES))
def test_every_family_has_its_heading_and_its_settings_are_the_rows(family: str) -> None:
    section = read("docs/reference/families.md").split(f"\n## {family}\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \| [^|]*\|$", section, re.MULTILINE))
    values = settings.as_dict(registry.FAMILIES[family].config())
    shown = {key: "none" if value is None else str(value) for key, value in values.items()}
    assert {key: default.strip() for key, default in rows.items()} == shown


def test_every_family_of_the_page_exists() -> None:
    headings = re.findall(rf"^## ({FAMILY_NAME})$", read("docs/reference/families.md"), re.MULTILINE)
    assert sorted(headings) == sorted(registry.FAMILIES)


@pytest.mark.parametrize("family", list(registry.FAMILIES))
def test_names_of_families_are_lowercase_words(family: str) -> None:
    assert re.fullmatch(FAMILY_NAME, family), "begin with a letter; then lowercase letters, digits, '-' and '_'"


@pytest.mark.parametrize("name", list(BUILTINS))
def test_every_builtin_dataset_is_described(name: str) -> None:
    row = BUILTINS[name]
    assert f"| `{name}` | {row.rows:,} | {row.language} |" in read("docs/reference/data.md")


@pytest.mark.parametrize(
    "tool", ["tools/tree.py", "tools/families.py", "tools/terms.py", "tools/messages.py", "bench/summary.py"]
)
def test_generated_parts_are_up_to_date(tool: str) -> None:
    done = subprocess.run([sys.executable, ROOT / tool, "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_readme_has_200_lines_at_most(page: str) -> None:
    assert len(read(page).splitlines()) <= 200


@pytest.mark.parametrize("page", NAMES)
def test_links_lead_to_pages_and_headings(page: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", FENCED.sub("", read(page))):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent.joinpath(path).resolve() if path else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.relative_to(ROOT).as_posix()), target


@pytest.mark.parametrize("page", NAMES)
def test_paths_and_modules_that_a_page_names_exist(page: str) -> None:
    text = read(page)
    for path in re.findall(r"(?<![\w/.-])(?:(?:[\w-]+/)+(?:[\w-]+\.py\b)?|[\w-]+\.py\b)", "\n".join(code(text))):
        top = path.partition("/")[0]
        if "NAME" in path:  # a file that the reader adds
            continue
        if path.endswith(".py") or top in ("src", "tests", "tools", "bench", "examples", "docs"):
            assert any((root / path).exists() for root in (ROOT, ROOT / "src" / "tenor")), path
    for name in re.findall(r"(?<![\w.-])tenor(?:\.[A-Za-z_]\w*)+", text):
        if name != "tenor.json" and not name.endswith(".local"):  # a file, and a host
            assert resolves(name), name


@pytest.mark.parametrize("page", NAMES)
def test_python_examples_import_what_exists(page: str) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", read(page), re.MULTILINE | re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tenor"):
                assert all(resolves(f"{node.module}.{alias.name}") for alias in node.names), ast.unparse(node)


def code(text: str) -> Iterator[str]:
    """The parts of a page in backticks, and its diagrams."""
    yield from re.findall(r"`([^`\n]+)`", FENCED.sub("", text))
    yield from re.findall(r"^```mermaid(.*?)^```", text, re.MULTILINE | re.DOTALL)


def resolves(name: str) -> bool:
    """Whether a dotted name is a module of Tenor, or is defined or imported in one; nothing is imported for it."""
    path = (ROOT / "src").joinpath(*name.split("."))
    if path.is_dir() or path.with_suffix(".py").exists():
        return True
    module = path.parent / "__init__.py" if path.parent.is_dir() else path.parent.with_suffix(".py")
    if not module.exists():
        return False
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return path.name in names


@pytest.mark.parametrize(
    "page", [name for name in NAMES if name != "bench/RESULTS.md"]
)  # it names those of bench/run.py
def test_options_that_a_page_names_exist(page: str) -> None:
    named = {option for part in code(read(page)) for option in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", part)}
    assert named <= options() | FOREIGN


def test_every_route_is_described_and_every_route_of_the_page_exists(tmp_path: Path, model_folder: Path) -> None:
    store = CorrectionStore(str(tmp_path / "corrections.db"))
    served = serving_app.create_app(
        [model_folder], serving_app.ServerOptions(reload_interval_s=0), lambda _: None, store
    )
    with TestClient(served, base_url="http://localhost") as client:
        paths = client.get("/openapi.json").json()["paths"]
        assert client.get("/").status_code == 200
    store.close()
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    named = re.findall(r"\b((?:GET|POST) /[\w./-]*)", read("docs/reference/serving.md"))
    assert set(named) == routes | {"GET /openapi.json", "GET /"}
