"""Links from the terms of a page to the glossary."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("mkdocs")
from tenor.help.terms import glossary

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "glossary_links.py"))


def linked(content: str, language: str = "en", url: str = "how-to/page.html") -> str:
    """The HTML of a page after the hook, with `[word]` for a link to the glossary."""
    page, config = SimpleNamespace(url=url), SimpleNamespace(theme={"language": language})
    changed: str = TOOL["on_page_content"](content, page=page, config=config, files=None)
    return re.sub(r'<a class="term" href="../glossary.html#[\w-]+" title="[^"]+">([^<]*)</a>', r"[\1]", changed)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<p>The accuracy is the accuracy.</p>", "<p>The [accuracy] is the accuracy.</p>"),
        ("<p>Labels, families, batches</p>", "<p>[Labels], [families], [batches]</p>"),
        ("<p>confusion matrix, held-out texts</p>", "<p>[confusion matrix], [held-out texts]</p>"),
        ("<p>inaccuracy, token_ids, micro-batch</p>", "<p>inaccuracy, token_ids, micro-batch</p>"),
        ("<h2>Accuracy</h2><p>accuracy</p>", "<h2>Accuracy</h2><p>[accuracy]</p>"),
        (
            '<p><code>recall</code> <a href="x">recall <em>recall</em> recall</a> <img alt="recall"> recall</p>',
            '<p><code>recall</code> <a href="x">recall <em>recall</em> recall</a> <img alt="recall"> [recall]</p>',
        ),
        (
            "<pre><span>recall</span><code>recall</code> recall</pre><!-- recall --><td>recall</td>",
            "<pre><span>recall</span><code>recall</code> recall</pre><!-- recall --><td>[recall]</td>",
        ),
    ],
)
def test_the_first_use_of_a_term_is_a_link(content: str, expected: str) -> None:
    assert linked(content) == expected


def test_chinese_terms_are_found_within_a_sentence_the_longest_first() -> None:
    text = "<p>期望校准误差不是校准，softmax把logit变成概率，一批文本，轮流</p>"
    assert linked(text, "zh") == "<p>[期望校准误差]不是[校准]，[softmax]把[logit]变成概率，一批文本，轮流</p>"


def test_a_link_has_the_meaning_as_its_title_and_the_english_name_as_its_anchor() -> None:
    html = TOOL["with_links"]("<p>混淆矩阵</p>", "zh", "glossary.html")
    assert 'href="glossary.html#term-confusion-matrix"' in html
    assert 'title="按真实标签和预测标签统计的文本数"' in html


@pytest.mark.parametrize("url", ["reference/api.html", "project/changelog.html", "contributing/releases.html"])
def test_pages_for_contributors_have_no_links(url: str) -> None:
    assert linked("<p>accuracy</p>", url=url) == "<p>accuracy</p>"


def test_the_glossary_has_an_anchor_for_every_term_and_it_is_the_same_in_both_languages() -> None:
    terms = glossary("en")
    table = "<table><thead><tr></tr></thead><tbody>" + "<tr></tr>" * len(terms) + "</tbody></table>"
    html = linked(table, url="glossary.html")
    anchors = [term.anchor for term in terms]
    assert len(set(anchors)) == len(terms) and "term-f1" in anchors
    assert re.findall('<tr id="([^"]*)">', html) == anchors and "<thead><tr>" in html
    assert [term.anchor for term in glossary("zh")] == anchors
