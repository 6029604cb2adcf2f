"""Every page is there in English and in Chinese, and both say the same."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWINS = runpy.run_path(str(ROOT / "tools" / "twins.py"))
NONE: frozenset[str] = frozenset()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with a front page and one page, each with its stamped twin."""
    (tmp_path / "docs").mkdir()
    for name in ("README", "docs/page"):
        english, chinese = tmp_path / f"{name}.md", tmp_path / f"{name}.zh.md"
        english.write_text("# Title\n\n## Part\n\n```bash\ntenor\n# a comment\n```\n", encoding="utf-8")
        chinese.write_text("# 标题\n\n## 部分\n\n```bash\ntenor\n```\n", encoding="utf-8")
        TWINS["stamp"](english)
    return tmp_path


def test_every_page_of_the_project_has_a_twin_that_is_up_to_date() -> None:
    assert list(TWINS["check"](ROOT, TWINS["WAITING"])) == []


def test_pages_that_wait_exist() -> None:
    assert [name for name in TWINS["WAITING"] if not (ROOT / name).exists()] == []


def test_twins_that_say_the_same_are_accepted(root: Path) -> None:
    assert list(TWINS["check"](root, NONE)) == []


def test_a_missing_twin_is_reported_unless_the_page_waits(root: Path) -> None:
    (root / "docs/page.zh.md").unlink()
    assert list(TWINS["check"](root, NONE)) == ["docs/page.md: its Chinese twin page.zh.md is missing."]
    assert list(TWINS["check"](root, frozenset({"docs/page.md"}))) == []


def test_a_page_that_has_a_twin_does_not_wait(root: Path) -> None:
    [problem] = TWINS["check"](root, frozenset({"docs/page.md"}))
    assert "remove it from WAITING" in problem


def test_a_changed_page_is_reported_until_its_twin_is_stamped(root: Path) -> None:
    page = root / "docs/page.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    [problem] = TWINS["check"](root, NONE)
    assert problem.startswith("docs/page.md: the page has changed. Change page.zh.md;")
    TWINS["stamp"](page)
    assert list(TWINS["check"](root, NONE)) == []
    assert (root / "docs/page.zh.md").read_text(encoding="utf-8").count("<!-- English text:") == 1


@pytest.mark.parametrize("more", ["\n### Detail\n", "\n```python\n1\n```\n"])
def test_a_twin_with_another_outline_is_reported(root: Path, more: str) -> None:
    page = root / "docs/page.md"
    page.write_text(page.read_text(encoding="utf-8") + more, encoding="utf-8")
    TWINS["stamp"](page)
    assert list(TWINS["check"](root, NONE)) == ["docs/page.md: page.zh.md has other headings or blocks of code."]


def problems_with_code(root: Path, kind: str, english: str, chinese: str) -> list[str]:
    for name, code in (("page.md", english), ("page.zh.md", chinese)):
        (root / "docs" / name).write_text(f"# 1\n\n```{kind}\n{code}\n```\n", encoding="utf-8")
    TWINS["stamp"](root / "docs/page.md")
    return list(TWINS["check"](root, NONE))


@pytest.mark.parametrize(
    ("kind", "english", "chinese"),
    [
        ("python", 'print("good", 1)  # why', "print('好', 1)  # 原因"),
        ("python", 'print(f"{n:5} rows of {m}")', 'print(f"{m} 中的 {n} 行")'),
        ("python", 'x = {"film": "a" "b"}', 'plt.rcParams["font.sans-serif"] = ["Noto"]\nx = {"电影": "甲"}'),
        ("bash", "tenor train a.csv --label team | head -n 3  # why", "tenor train 甲.csv --label 组 | head -n 3"),
        ("bash", "LANG=en tenor help \\\n  data", "LANG=zh tenor help 数据"),
        ("console", '$ tenor predict runs/a "What a film"\npositive', "$ tenor predict runs/甲 房间很脏\n$5 差评"),
        ("text", "accuracy", "准确率 (1"),
    ],
)
def test_texts_and_comments_in_code_may_be_chinese(root: Path, kind: str, english: str, chinese: str) -> None:
    assert problems_with_code(root, kind, english, chinese) == []


@pytest.mark.parametrize(
    ("kind", "english", "chinese"),
    [
        ("python", 'print("good", 1)', 'print("好", 2)'),
        ("python", 'print("good")', "print(good)"),
        ("python", 'print(f"{n} of {m}")', 'print(f"{n}")'),
        ("python", 'plt.rcParams["font.size"] = 9', ""),
        ("bash", "tenor train a.csv --label team", "tenor train a.csv --text 组"),
        ("bash", "tenor train a.csv", "tenor tune a.csv"),
        ("bash", "tenor help | head", "tenor help | tail"),
        ("console", "$ tenor datasets\nimdb", "tenor datasets"),
    ],
)
def test_other_code_is_reported_with_its_lines(root: Path, kind: str, english: str, chinese: str) -> None:
    assert problems_with_code(root, kind, english, chinese) == [
        "docs/page.md: the code in line 3 differs from that in line 3 of page.zh.md."
    ]


def test_a_chinese_page_without_an_english_one_is_reported(root: Path) -> None:
    (root / "docs/page.md").unlink()
    assert list(TWINS["check"](root, NONE)) == ["docs/page.zh.md: its English twin page.md is missing."]
