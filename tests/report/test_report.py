"""The page and the card of a trained model."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest

from tenor._core.language import Language, use_language
from tenor._core.records import Record
from tenor.config.run_config import RunConfig
from tenor.inference import bundle
from tenor.models.auto.selection import BLEND, Reason, Selection
from tenor.report.linked_terms import LinkedTerms
from tenor.training import pipeline

LABELS = {
    "binary": ["good", "bad"],
    "multiclass": ["<b>good</b>", "bad", "middling & so", "_hidden $x$"],
}


class Page(HTMLParser):
    """What a page holds: its elements, those left open, and the addresses that it names."""

    void = frozenset({"meta", "br", "path", "use", "rect", "line", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, Any]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.void:
            assert self.open.pop() == tag


def write(path: Path, labels: list[str]) -> Path:
    words = ["fine film", "dull film", "long film", "odd film"]
    rows = [(f"a {words[row % len(labels)]} <script>{row}</script>", labels[row % len(labels)]) for row in range(120)]
    rows = [(text, labels[0] if row % 7 == 3 else label) for row, (text, label) in enumerate(rows)]  # some are wrong
    path.write_text("text,label\n" + "".join(f'"{text}","{label}"\n' for text, label in rows))
    return path


def train(data: Path, out: Path, **options: Any) -> dict[str, str]:
    pipeline.train(RunConfig(str(data), family="ngram", out=str(out), **options))
    return {name: (out / name).read_text(encoding="utf-8") for name in (bundle.REPORT, bundle.MODEL_CARD)}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_a_page_of_classes_is_whole_and_shows_texts_as_texts(tmp_path: Path, labels: list[str], lang: Any) -> None:
    made = train(write(tmp_path / "rows.csv", labels), tmp_path / "model", lang=lang)
    page = Page(made[bundle.REPORT])
    assert page.open == []
    card = re.sub(r"```.*?```", "", made[bundle.MODEL_CARD], flags=re.DOTALL)
    assert "<" not in card and all(html.escape(label, quote=False) in card for label in labels)
    elements = [tag for tag, _ in page.elements]
    assert "script" not in elements
    assert "&lt;script&gt;" in made[bundle.REPORT]
    assert elements.count("svg") == 2
    assert all(attributes["aria-label"] for tag, attributes in page.elements if tag == "svg")
    targets = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    identities = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {target.removeprefix("#") for target in targets} <= identities
    text = {"en": "Confusion matrix", "zh": "混淆矩阵"}[lang]
    assert text in made[bundle.REPORT]
    assert len(made[bundle.REPORT]) < 2_000_000


def test_nothing_is_fetched_and_the_run_file_makes_the_same_model_again(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.csv", LABELS["binary"])
    made = train(data, tmp_path / "one", seed=5, class_weight={"good": 2.0}, settings={"word_ngrams": [1, 2]})
    fetched = re.findall(r"(?:src|href)=\"(?!#)([^\"]*)\"|url\((?!#)([^)]*)\)|@import", made[bundle.REPORT])
    assert fetched == []
    [run] = re.findall(r"```toml\n(.*?)```", made[bundle.MODEL_CARD], re.DOTALL)
    (tmp_path / "run.toml").write_text(run, encoding="utf-8")
    from tenor.config import settings

    again = settings.make(RunConfig, settings.read_toml(tmp_path / "run.toml"), "run.toml")
    assert again == RunConfig(
        str(data), family="ngram", seed=5, class_weight={"good": 2.0}, settings={"word_ngrams": [1, 2]}
    )


def test_several_labels_and_numbers_have_pages_of_their_own(tmp_path: Path) -> None:
    rows = [(f"{'red' * (row % 2)} {'blue' * (row % 3 > 0)} thing {row}", row) for row in range(90)]
    several = tmp_path / "several.csv"
    marks = [";".join(["red"] * (row % 2) + ["blue"] * (row % 3 > 0)) or "none" for _, row in rows]
    several.write_text(
        "text,label\n" + "".join(f"{text},{mark}\n" for (text, _), mark in zip(rows, marks, strict=True))
    )
    made = train(several, tmp_path / "several", label_separator=";")
    assert "Hamming loss" in made[bundle.REPORT]
    assert "threshold" in made[bundle.REPORT]
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("text,label\n" + "".join(f"{text},{row % 2 + row / 1000}\n" for text, row in rows))
    made = train(numbers, tmp_path / "numbers", task="regression")
    assert "root mean squared error" in made[bundle.REPORT]
    assert "interval width" in made[bundle.REPORT]


def test_what_is_found_in_the_data_and_what_was_not_measured_is_told(tmp_path: Path) -> None:
    data = write(tmp_path / "rows.csv", LABELS["binary"])
    with data.open("a") as stream:
        stream.write("".join('"the same text","good"\n' for _ in range(9)))
    made = train(data, tmp_path / "zh", test_size=0.0, lang="zh")
    assert "未做评估。" in made[bundle.MODEL_CARD]
    assert "重复了前面的文本" in made[bundle.MODEL_CARD]
    assert 'id="results"' not in made[bundle.REPORT]


def test_the_documents_stay_with_a_model_that_is_saved_again(tmp_path: Path) -> None:
    import tenor

    made = train(write(tmp_path / "rows.csv", LABELS["binary"]), tmp_path / "model")
    tenor.load(tmp_path / "model").save(tmp_path / "copy")
    assert (tmp_path / "copy" / bundle.REPORT).read_text(encoding="utf-8") == made[bundle.REPORT]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_documents_say_which_model_was_kept_and_why(tmp_path: Path, lang: Any) -> None:
    data, out = write(tmp_path / "rows.csv", LABELS["binary"]), tmp_path / "model"
    settings = {"members": ["ngram", "ngram"]}
    trained = pipeline.train(RunConfig(str(data), family="auto", settings=settings, out=str(out), lang=lang))
    expected = {
        "en": "Kept ngram: no other model was better beyond noise on 96 held-out texts.",
        "zh": "选用 ngram：在 96 条留出文本上，其他模型的优势都没有超出随机波动。",
    }
    assert trained.metrics["selection"]["sentence"] == expected[lang]
    for document in (bundle.REPORT, bundle.MODEL_CARD):
        assert expected[lang] in (out / document).read_text(encoding="utf-8")


def test_every_reason_for_a_model_has_a_sentence_in_chinese() -> None:
    for reason in get_args(Reason):
        selection = Selection(("bag", "ngram"), reason, 12, 0.5, BLEND, 0.6)
        with use_language("zh"):
            sentence = Selection.from_record(Record(selection.to_dict(), "metrics.json")).sentence
        assert not re.search("[a-z]{3}", sentence.replace("bag", "").replace("ngram", ""))


@pytest.mark.parametrize(
    ("labels", "lang", "shown", "not_shown"),
    [
        (
            ["good", "bad"],
            "en",
            ["accuracy (准确率)", "share of texts with the right label", "prediction set"],
            ["回归"],
        ),
        (["good", "bad"], "zh", ["accuracy（准确率）", "标签正确的文本所占的比例"], ["share of texts"]),
        (["1.5", "2.5"], "en", ["regression (回归)", "predicting a number"], ["accuracy (准确率)"]),
    ],
)
def test_the_page_explains_its_terms_without_a_network(
    tmp_path: Path, labels: list[str], lang: str, shown: list[str], not_shown: list[str]
) -> None:
    with use_language("zh" if lang == "zh" else "en"):
        page = train(write(tmp_path / "a.csv", labels), tmp_path / "model")[bundle.REPORT]
    section = page.partition('<section id="terms">')[2].partition("</section>")[0]
    assert [text for text in shown if text not in section] == []
    assert [text for text in not_shown if text in section] == []


@pytest.mark.parametrize(("labels", "lang"), [(["good", "bad"], "en"), (["好", "坏"], "zh"), (["1.5", "2.5"], "en")])
def test_each_term_of_the_page_leads_to_its_meaning_and_the_card_ends_with_them(
    tmp_path: Path, labels: list[str], lang: Language
) -> None:
    made = train(write(tmp_path / "a.csv", labels), tmp_path / "model", lang=lang)
    used = set(re.findall(r'<a class="term" href="#([^"]+)" title="[^"]+">', made[bundle.REPORT]))
    listed = re.findall(r'<dt id="(term-[^"]+)">', made[bundle.REPORT])
    assert used == set(listed) and len(listed) == len(used) >= 4
    terms = made[bundle.MODEL_CARD].partition("## " + ("术语" if lang == "zh" else "Terms"))[2]
    assert len(re.findall(r"^- \*\*.+\*\*(?:: |：).+$", terms, re.MULTILINE)) >= 2
    assert ("regression" in terms) is (labels[0] == "1.5")


def test_a_term_in_html_is_escaped_and_a_page_without_terms_has_no_links() -> None:
    terms = LinkedTerms(is_on=True)
    assert terms.link("<b> accuracy\x1b").startswith('&lt;b&gt; <a class="term" href="#term-accuracy" title=')
    assert "\x1b" not in terms.link("accuracy\x1b")
    assert terms.note("recall") == "recall"
    assert [term.names[0] for term in terms.used()] == ["accuracy", "recall"]
    off = LinkedTerms(is_on=False)
    assert off.link("<accuracy>") == "&lt;accuracy&gt;" and off.used() == []
