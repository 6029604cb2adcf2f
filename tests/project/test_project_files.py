"""Files for people who join the project: they parse, they agree with each other, and what they name exists."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import tenor

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github/workflows/ci.yml"
TEMPLATES = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
PAGES = ["CONTRIBUTING.md", "docs/contributing/releases.md", ".github/pull_request_template.md"]


def read(name: str | Path) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads(read("pyproject.toml"))


def pythons() -> set[str]:
    """The minor versions of Python in the classifiers."""
    classifiers = " ".join(project()["project"]["classifiers"])
    return set(re.findall(r":: (3\.\d+)\b", classifiers))


@cache
def workflow() -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(read(WORKFLOW))["jobs"]
    return jobs


def commands() -> list[str]:
    """What the jobs of the workflow run."""
    return [step["run"] for job in workflow().values() for step in job["steps"] if "run" in step]


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = min(pythons(), key=lambda version: int(version.partition(".")[2]))
    assert project()["project"]["requires-python"] == f">={oldest}"
    installer = re.search(r"^OLDEST = \((\d+), (\d+)\)$", read("tools/install.py"), re.MULTILINE)
    assert installer and ".".join(installer.groups()) == oldest


def test_the_workflow_tests_every_supported_python() -> None:
    assert set(workflow()["test"]["strategy"]["matrix"]["python"]) == pythons()
    single = [step["with"]["python-version"] for job in workflow().values() for step in job["steps"] if "with" in step]
    assert {version for version in single if "matrix" not in version} <= pythons()


def test_the_workflow_calls_targets_and_extras_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    called = {name for command in commands() for name in re.findall(r"make ([a-z-]+)", command)}
    assert {"check", "test", "test-portable", "coverage"} <= called <= targets
    extras = {name for command in commands() for name in re.findall(r"--extra (\S+)", command)}
    extras |= {
        name for command in commands() for names in re.findall(r"\.\[(.+?)\]", command) for name in names.split(",")
    }
    assert {"deep", "serve"} <= extras <= set(project()["project"]["optional-dependencies"])


def test_every_mark_that_is_named_is_declared_and_in_use() -> None:
    declared = {line.partition(":")[0] for line in project()["tool"]["pytest"]["ini_options"]["markers"]}
    named = {mark for text in (*commands(), read("CONTRIBUTING.md")) for mark in re.findall(r"\bnot (\w+)", text)}
    assert {"ray", "browser", "slow"} <= declared & named
    modules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [mark for mark in declared if not re.search(rf"pytest\.mark\.{mark}\b", modules)] == []


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == tenor.__version__
    assert citation["license"] == project()["project"]["license"]
    assert [author["name"] for author in citation["authors"]] == [
        each["name"] for each in project()["project"]["authors"]
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_issue_templates_have_what_the_form_needs(path: Path) -> None:
    template = yaml.safe_load(read(path))
    if path.name == "config.yml":
        assert set(template) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(template)
    names = [field["id"] for field in template["body"] if field["type"] != "markdown"]
    assert len(names) == len(set(names)) > 0
    for field in template["body"]:
        assert field["type"] in ("markdown", "textarea", "input", "dropdown", "checkboxes")
        assert field["attributes"].get("value" if field["type"] == "markdown" else "label")


def test_hooks_call_tools_that_are_locked() -> None:
    hooks = [hook for repo in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]]
    tools = {hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks}
    assert tools == {"ruff", "lint-imports"}
    packages = {"ruff": "ruff", "lint-imports": "import-linter"}
    locked = read("requirements.lock")
    assert all(re.search(rf"^{packages[tool]}==", locked, re.MULTILINE) for tool in tools)


def paths(text: str) -> list[str]:
    """Paths in backquotes, from the root; those with NAME stand for a file that somebody adds."""
    code = re.findall(r"`([\w./-]+)`", text)
    whole = re.compile(r"(src|tests|docs|bench|tools|examples)/.*|[A-Z]\w+\.(md|cff)|\w+\.toml|Makefile")
    return [path for path in code if whole.fullmatch(path)]


@pytest.mark.parametrize("page", PAGES)
def test_every_path_and_link_of_a_page_leads_somewhere(page: str) -> None:
    text = read(page)
    targets = [(ROOT / page).parent / link for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)]
    targets += [ROOT / (path.rpartition("/")[0] if "NAME" in path else path) for path in paths(text)]
    assert targets
    assert [str(target) for target in targets if not target.exists()] == []


def test_what_contributors_are_sent_to_is_in_the_file_that_is_named() -> None:
    sent = re.findall(r"`(\w+)` in\s+`([\w./-]+\.py)`", read("CONTRIBUTING.md"))
    assert {"_ALL", "SMALL", "LINEAR_TRAINERS", "FORMATS", "HEADLINE_METRICS", "NETWORKS"} <= {name for name, _ in sent}
    assert [(name, path) for name, path in sent if not re.search(rf"\b{name}\b", read(path))] == []
    by_task = re.findall(r"^def ([a-z]\w*_metrics)\(", read("src/tenor/evaluation/metrics.py"), re.MULTILINE)
    by_task.remove("compute_metrics")
    assert len(by_task) == 3
    assert all(f"`{name}`" in read("CONTRIBUTING.md") for name in by_task)


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_of_a_page_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", read(page), re.MULTILINE)) <= targets
