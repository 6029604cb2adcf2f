"""Labelled texts, English and Chinese, and files of them."""

import csv
import io
import random
from pathlib import Path

Row = tuple[str, str]


_ENGLISH = {
    "positive": ["wonderful", "charming", "superb", "moving", "brilliant", "delightful", "warm", "clever"],
    "negative": ["dreadful", "boring", "awful", "tedious", "clumsy", "shallow", "dull", "lazy"],
    "": [
        "the",
        "film",
        "was",
        "and",
        "its",
        "plot",
        "with",
        "an",
        "actor",
        "scene",
        "music",
        "we",
        "saw",
        "a",
        "story",
        "evening",
    ],
}


_CHINESE = {
    "好评": ["很好", "喜欢", "精彩", "满意", "漂亮", "推荐"],
    "差评": ["很差", "失望", "难看", "后悔", "糟糕", "退货"],
    "": ["这本书", "酒店", "质量", "服务", "电影", "内容", "房间", "觉得", "，", "。", "我们", "昨天"],
}


def english(count: int = 60, seed: int = 0) -> list[Row]:
    """Distinct texts and their labels, in turn `positive` and `negative`."""
    return _rows(_ENGLISH, " ", count, seed)


def relabelled(rows: list[Row], kind: str) -> list[Row]:
    """Rows of the same texts with labels of another kind, which the words tell."""
    if kind == "multilabel":
        return [(text, f"{label};short" if len(text) < 50 else label) for text, label in rows]
    if kind == "regression":
        return [(text, str(len(text) / 8 + (label == "positive"))) for text, label in rows]
    if kind == "multiclass":
        return [(text, "long" if len(text) > 60 else label) for text, label in rows]
    return rows


def chinese(count: int = 60, seed: int = 0) -> list[Row]:
    """Distinct texts and their labels, in turn `好评` and `差评`."""
    return _rows(_CHINESE, "", count, seed)


def _rows(words: dict[str, list[str]], joint: str, count: int, seed: int) -> list[Row]:
    draw = random.Random(seed)
    labels = [label for label in words if label]
    rows: dict[str, str] = {}
    while len(rows) < count:
        label = labels[len(rows) % 2]
        chosen = draw.choices(words[""], k=draw.randint(4, 9)) + draw.sample(words[label], 2)
        draw.shuffle(chosen)
        rows.setdefault(joint.join(chosen), label)
    return list(rows.items())


COMMON_WORDS = [f"common{number}" for number in range(50)]
"""The words of `of_many_classes` that tell no class."""


def of_many_classes(n_classes: int, each: int, seed: int) -> tuple[list[str], list[str]]:
    """Texts of common words and two of the three words of their class, and the classes."""
    draw = random.Random(seed)
    rows = []
    for number in range(n_classes):
        own = [f"own{number}{mark}" for mark in "abc"]
        rows += [(" ".join(draw.sample(COMMON_WORDS, 6) + draw.sample(own, 2)), f"class {number}") for _ in range(each)]
    draw.shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


def write_csv(
    path: Path, rows: list[Row], header: tuple[str, ...] = ("text", "label"), encoding: str = "utf-8"
) -> Path:
    """A CSV file of the rows."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([header, *rows])
    path.write_bytes(stream.getvalue().encode(encoding))
    return path
