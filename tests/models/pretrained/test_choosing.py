"""Encoders that cannot read the texts are refused, by the command line too, and the card tells of an exception."""

import re
from pathlib import Path

import pytest

from helpers.command import Cli
from tenor import TextClassifier
from tenor.errors import SettingsError
from tenor.models.pretrained import catalogue, choosing, hub

GOLDEN = Path(__file__).parents[1] / "golden"
TEXTS = ["这部电影非常好看，演员表现出色", "剧情拖沓无聊，浪费时间", "音乐动听，画面精美", "服务态度差，不会再来"] * 4
LABELS = ["正面", "负面"] * 8


pytestmark = pytest.mark.usefixtures("empty_caches")


def test_chinese_texts_are_not_for_an_english_encoder() -> None:
    problem = (
        r"minilm: this encoder cannot read the texts: it does not know \d\d% of their letters, which are mostly Han\. "
        r"Choose an encoder for Chinese, with model=NAME: bge-base-zh \(102M parameters, about 408 MB, MIT\), .*"
        r"set allow_unknown_letters=true"
    )
    with pytest.raises(SettingsError, match=problem):
        TextClassifier("pretrained", {"tune": "frozen"}).fit(TEXTS, LABELS)


def test_an_encoder_on_this_machine_is_named_first(empty_caches: Path) -> None:
    folder = empty_caches / "modelscope" / "tenor" / "AI-ModelScope" / "bge-small-zh-v1.5"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).symlink_to(GOLDEN / "bert" / name)
    with pytest.raises(SettingsError, match=r"for Chinese that is here, with model=NAME: bge-small-zh\."):
        TextClassifier("pretrained", {"tune": "frozen"}).fit(TEXTS, LABELS)


def test_other_scripts_are_for_multilingual_encoders() -> None:
    texts = ["Этот фильм мне очень понравился", "Книга оказалась скучной"] * 4
    with pytest.raises(SettingsError, match=r"mostly Cyrillic\. Choose a multilingual encoder, .*mmbert-base"):
        TextClassifier("pretrained", {"tune": "frozen"}).fit(texts, ["да", "нет"] * 4)


@pytest.mark.parametrize(("language", "share"), [("zh", "占比"), ("en", "this share of their letters")])
def test_an_exception_is_stated_in_the_model_card(cli: Cli, tmp_path: Path, language: str, share: str) -> None:
    data = tmp_path / "评论.csv"
    rows = [f"{text}第{number}条,{label}" for number, (text, label) in enumerate(zip(TEXTS, LABELS, strict=True))]
    data.write_text("\n".join(["text,label", *(row.replace("，", "") for row in rows)]), encoding="utf-8")
    options = ("--family", "pretrained", "--set", "tune=frozen", "--test-size", "0.25", "--lang", language)
    refused = cli("train", str(data), *options, "--out", str(tmp_path / "model"))
    assert refused.code == 1 and "bge-base-zh" in refused.err
    assert not (tmp_path / "model").exists()
    done = cli("train", str(data), *options, "--set", "allow_unknown_letters=true", "--out", str(tmp_path / "model"))
    assert done.code == 0
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    [line] = [line for line in card.splitlines() if share in line]
    assert int(re.findall(r"(\d+)%", line)[0]) > 50


def test_english_texts_are_read_and_the_share_is_in_the_settings() -> None:
    texts = ["a really good film with great actors", "a bad film without any plot"] * 4
    model = TextClassifier("pretrained", {"tune": "frozen"}).fit(texts, ["yes", "no"] * 4)
    assert model.predictor_.bundle.config.unknown_letters < 0.01


def test_encoders_on_this_machine_that_read_the_texts_are_found() -> None:
    assert [each.name for each in choosing.find_here(["a good film", "a bad film"])] == ["minilm"]
    assert list(choosing.find_here(TEXTS)) == []
    encoder = catalogue.find("minilm")
    assert encoder is not None
    folder = hub.find_here(encoder)
    assert folder is not None
    assert choosing.can_read(folder, ["a good film"]) and not choosing.can_read(folder, TEXTS)
