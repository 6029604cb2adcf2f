import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from helpers.rows import english
from tenor.explanation import page
from tenor.explanation.report import ExplainRequest, ExplanationReport, build_report
from tenor.inference.predictor import Predictor

HOSTILE = "<script>alert('dull')</script> &amp; <b>boring</b> <img src=http://example.org/x.png>"


class _Tags(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def made(predictor: Predictor, folder: Path, *texts: str) -> ExplanationReport:
    path = folder / "known.txt"
    path.write_text("".join(f"{text}\n" for text, _ in english()) + HOSTILE + "\n", encoding="utf-8")
    return build_report(
        predictor, Path("models/<reviews>"), texts, ExplainRequest(data=str(path), nearest_in=str(path), limit=4)
    )


def test_the_page_asks_nothing_of_the_network_and_runs_nothing(predictor: Predictor, tmp_path: Path) -> None:
    source = page.render(made(predictor, tmp_path, HOSTILE, "a superb film"))
    tags = _Tags(source).tags
    assert not {"script", "img", "link", "iframe", "b"} & set(tags)
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", re.sub(r"&lt;.*?&gt;", "", source))
    assert "default-src 'none'" in source
    for expected in ("prefers-color-scheme: dark", "@media print", 'charset="utf-8"', "width=device-width"):
        assert expected in source


def test_the_page_shows_the_text_as_it_is_and_marks_its_words(predictor: Predictor, tmp_path: Path) -> None:
    source = page.render(made(predictor, tmp_path, HOSTILE))
    assert HOSTILE in _Tags(source).text
    assert re.search(r'<span class="for" style="--s:1\.00" title="\+[\d.]+">(dull|boring)</span>', source)
    assert "Why &lt;reviews&gt; says what it says" in source
    assert "Nearest known texts" in source and "Strongest over many texts" in source


def test_the_page_says_what_was_not_read(predictor: Predictor, tmp_path: Path) -> None:
    [told] = made(predictor, tmp_path, "a dull unknown").texts
    cut = replace(told.explanation, unread=((4, 14),))
    source = page.render(ExplanationReport("model", "lstm", (told._replace(explanation=cut),)))
    assert 'dull</span><span class="unread"> unknown</span>' in source
    assert "Struck out: 10 of 14 characters" in source


def test_a_word_is_listed_once_with_its_sum(predictor: Predictor, tmp_path: Path) -> None:
    [told] = made(predictor, tmp_path, "dull dull warm").texts
    speaks_for, against = page.top_words(told.explanation.text, told.explanation.labels[0], 8)
    assert [word for word, _ in speaks_for] == ["dull"]
    assert [word for word, _ in against] == ["warm"]
    assert speaks_for[0][1] == sum(span.weight for span in told.explanation.labels[0].spans[:2])


def test_the_figure_over_texts_leaves_out_those_without_words(predictor: Predictor, tmp_path: Path) -> None:
    told = made(predictor, tmp_path, "a dull film", "")
    assert told.faithfulness == told.texts[0].faithfulness
    assert replace(told, texts=told.texts[1:]).faithfulness == (0.0, 0.0)
