import pytest

from tenor.data import columns
from tenor.data.io.chunks import Chunk, Table
from tenor.errors import DataError


def test_a_wrong_column_is_refused_with_the_columns_and_a_guess() -> None:
    assert columns.require_column(["text", "label"], "text", "a.csv", "text") == "text"
    message = r"^a\.csv: there is no column 'txt'\. Did you mean 'text'\? Columns: text, label\. Name one with `text="
    with pytest.raises(DataError, match=message):
        columns.require_column(["text", "label"], "txt", "a.csv", "text")


@pytest.mark.parametrize(
    ("header", "name", "may_be"),
    [
        (["bad film", "neg"], "a.csv", True),
        (["1", "bad film", "neg"], "a.tsv.gz", True),
        (["Review", "stars"], "a.csv", False),
        (["body", "情感"], "a.csv", False),
        (["bad film", "neg"], "a.jsonl", False),
        (["bad film", "neg"], "a.parquet", False),
    ],
)
def test_a_header_without_a_usual_name_may_be_a_row(header: list[str], name: str, may_be: bool) -> None:
    assert columns.header_may_be_data(header, name) == may_be
    hint = columns.header_hint(header, name)
    assert ("If the file has no header, say so with `header=False`" in hint) == may_be


def test_the_first_usual_name_is_taken() -> None:
    chunk = Chunk(1, {"日期": ["1"], "评论内容": ["好看"], "情感": ["正"]})
    assert columns.detect_columns(list(chunk.columns), chunk, "a.csv", None, None) == ("评论内容", "情感")
    chunk = Chunk(1, {"body": ["a"], "text": ["b"], "intent": ["c"], "label": ["d"], "id": ["1"]})
    assert columns.detect_columns(list(chunk.columns), chunk, "a.csv", None, None) == ("text", "label")
    with pytest.raises(DataError, match=r"which column holds the texts\. Columns: a, b, label\. Name it with `text="):
        columns.detect_columns(["a", "b", "label"], Chunk(1, {"a": [], "b": [], "label": []}), "a.csv", None, None)


WORDS = ["The lamp was dirty and the soup broken.", "We left on Thursday, after the museum.", "It rained all day."] * 4
SHORT = [f"red lamp {row}" for row in range(12)]
CLASSES = ["neg", "pos"] * 6
NUMBERS = [str(7 * row % 90) for row in range(12)]
ROWS = [str(row) for row in range(12)]
DATES = [f"2024-03-{day:02}" for day in range(1, 13)]
BLANK = [""] * 12


def detect(**table: list[str]) -> tuple[str, str]:
    return detect_in({name.replace("__", " "): values for name, values in table.items()})


def detect_in(table: dict[str, list[str]]) -> tuple[str, str]:
    return columns.detect_columns(list(table), Chunk(1, dict(table)), "a.csv", None, None)


def detect_text(table: dict[str, list[str]]) -> str:
    return columns.detect_text_column(Table("a.csv", list(table), iter([Chunk(1, dict(table))])), None)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Review Text", "Sentiment"),
        ("REVIEW", "Label"),
        ("tweet_text", "airline_sentiment"),
        ("reviewText", "ticketCategory"),
        ("reviewtext", "productcategory"),
        ("ticket.body", "ticket category"),
        ("Consumer complaint narrative", "Issue Type"),
        ("text_clean", "label_name"),
        ("投诉内容", "责任部门"),
        ("工单正文（清洗）", "问题类型"),
        ("评论", "情感倾向"),
    ],
)
def test_parts_of_names_count_in_both_languages_and_not_identifiers(text: str, label: str) -> None:
    table = {"review_id": NUMBERS, "日期": DATES, label: CLASSES, text: WORDS, "price": NUMBERS, "编号": ROWS}
    assert detect_in(table) == (text, label)


@pytest.mark.parametrize("identifier", ["id", "ID", "text_id", "reviewID", "Unnamed: 0", "", "投诉编号", "序号", "row"])
def test_an_identifier_is_not_taken_for_a_label(identifier: str) -> None:
    with pytest.raises(DataError, match=r"it is not clear which column holds the labels"):
        detect_in({identifier: ROWS, "text": WORDS})
    assert detect_text({identifier: ROWS, "name": WORDS}) == "name"


def test_a_column_that_counts_the_rows_or_has_no_values_is_left_out() -> None:
    assert detect(a=ROWS, b=WORDS, c=CLASSES) == ("b", "c")
    assert detect_in({"v1": CLASSES, "v2": WORDS, "": BLANK, "Unnamed: 3": BLANK, "column 5": BLANK}) == ("v2", "v1")


def test_the_number_of_a_class_is_a_label_if_it_repeats() -> None:
    assert detect(text=WORDS, category_id=["3", "5"] * 6, user_id=["3", "5"] * 6) == ("text", "category_id")
    with pytest.raises(DataError, match="which column holds the labels"):
        detect(text=WORDS, label_id=NUMBERS)


def test_values_decide_between_columns_whose_names_leave_a_choice() -> None:
    assert detect(review_title=SHORT, review_body=WORDS, stars=CLASSES) == ("review_body", "stars")
    assert detect(review=NUMBERS, review_text=WORDS, label=CLASSES) == ("review_text", "label")
    assert detect(name=SHORT, city=WORDS, kind=CLASSES) == ("city", "kind")
    assert detect(text=WORDS, when=DATES, amount=["1.5", "2.5"] * 6, verdict=CLASSES) == ("text", "verdict")


def test_two_columns_alike_are_not_guessed() -> None:
    with pytest.raises(DataError, match=r"which column holds the texts\. Columns: question1, question2, label\."):
        detect(question1=WORDS, question2=WORDS[1:] + WORDS[:1], label=CLASSES)
    with pytest.raises(DataError, match=r"which column holds the labels"):
        detect(text=WORDS, department=CLASSES, issue_type=CLASSES)


def test_an_identifier_beside_a_text_is_no_text() -> None:
    assert detect_text({"ticket": ["A-100 " * 9] * 3, "id": ["word " * 20] * 3}) == "ticket"


def test_the_first_rows_are_looked_at_and_stay_in_the_table() -> None:
    source = Table(
        "a.csv", ["a", "b"], iter([Chunk(1, {"a": ["word"], "b": ["more words"]}), Chunk(2, {"a": [], "b": []})])
    )
    assert columns.detect_text_column(source, None) == "b"
    assert [chunk.row for chunk in source.chunks] == [1, 2]
    assert Table("a.csv", ["a"], iter([])).peek() is None
