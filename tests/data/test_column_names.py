import pytest

from tenor.data import column_names, field_columns


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("reviewText", "text"),
        ("review_date", "other"),
        ("content type", "label"),
        ("comment_count", "other"),
        ("airline_sentiment_confidence", "other"),
        ("tweetID", "id"),
        ("手机号", "id"),
        ("投诉人", None),
        ("用户评论", "text"),
        ("评论时间", "other"),
        ("ＬＡＢＥＬ", "label"),
        ("product_name", None),
        ("", None),
    ],
)
def test_the_last_word_of_a_name_decides(name: str, role: str | None) -> None:
    assert column_names.role(name) == role


def test_words_are_split_at_case_digits_and_punctuation() -> None:
    assert column_names.words(" Ticket-Body2 HTMLText\n") == ["ticket", "body", "2", "html", "text"]


def test_names_of_pairs_may_have_blanks_and_capitals() -> None:
    assert field_columns.find_pair(["id", "Sentence_1", "sentence 2"]) == ("Sentence_1", "sentence 2")
    assert field_columns.find_pair(["text_a", "textB"]) == ("text_a", "textB")
    assert field_columns.find_pair(["question", "question_2"]) is None
