"""What the name of a column says about its values: a text, a label, an identifier, or something else.

The last word decides, as in English and Chinese compounds: `review_text`, `ticketCategory`, 投诉内容, 责任部门. Case,
blanks, `_` and other punctuation do not count.
"""

import re
import unicodedata
from typing import Literal

Role = Literal["text", "label", "id", "other"]

TEXT_NAMES = (
    "text",
    "texts",
    "review",
    "sentence",
    "content",
    "comment",
    "文本",
    "内容",
    "评论",
    "句子",
    "data",
    "review text",
    "message",
    "tweet",
    "body",
    "utterance",
    "文本内容",
    "评论内容",
    "正文",
    "留言",
)
"""Usual names of the column of the texts, the first match wins."""
LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "sentiment",
    "target",
    "标签",
    "类别",
    "分类",
    "情感",
    "intent",
    "意图",
)
"""Usual names of the column of the labels, the first match wins."""

_WORDS: dict[Role, str] = {
    "text": """
        text texts review reviews sentence sentences content contents comment comments message messages tweet tweets
        body utterance utterances description descriptions title titles subject headline question questions query
        queries abstract article post document feedback complaint complaints narrative summary transcript paragraph
        passage email sms reply answer remark remarks note notes
        文本 内容 评论 句子 正文 留言 描述 标题 问题 评价 反馈 投诉 诉求 摘要 文章 短信 原文 语句 备注 回复 弹幕
        微博""",
    "label": """
        label labels annotation class classes category categories sentiment target targets intent intents topic tag tags
        genre type emotion polarity rating ratings stars overall department priority outcome
        queue section
        标签 类别 分类 情感 意图 类型 部门 主题 情绪 极性 倾向 评分 等级 星级 类目 种类 科室 优先级""",
    "id": """
        id ids unnamed idx index uid uuid guid key no nr num number serial rowid row
        编号 序号 单号 号码 工号 索引 行号 主键 号""",
    "other": """
        date time timestamp datetime day month year created updated url link file filename path user username author
        source length count score confidence probability lang language split fold weight price
        日期 时间 链接 网址 用户 用户名 作者 来源 长度 数量 次数 得分 置信度 概率 价格 语言 文件 姓名 电话 地址""",
}
_ROLES: dict[str, Role] = {word: role for role, words in _WORDS.items() for word in words.split()}
_ENDINGS = {word: role for word, role in _ROLES.items() if not word.isascii() or len(word) >= 4}
_LONGEST_ENDING = max(map(len, _ENDINGS))
_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)")
_MAX_CHARACTERS = 1_000
_SEPARATORS = re.compile(r"[\W_]+")


def words(name: str) -> list[str]:
    """The words of a name, without case: `reviewText` and `Review_text` are `review` and `text`.

    Only the beginning of a long name counts.
    """
    plain = unicodedata.normalize("NFKC", name[:_MAX_CHARACTERS])
    return _SEPARATORS.sub(" ", _BREAK.sub(" ", plain)).casefold().split()


def role(name: str) -> Role | None:
    """What the values of a column are by its name; None: the name does not say."""
    for word in reversed(words(name)):
        if (role_of_word := _role_of_word(word)) is not None:
            return role_of_word
    return None


def names_class_number(name: str) -> bool:
    """Whether a name speaks of the number of a class, such as `label_id` or `categoryIndex`."""
    return role(name) == "id" and any(_role_of_word(word) == "label" for word in words(name))


def usual_rank(name: str, names: tuple[str, ...]) -> int | None:
    """The place of a name among usual names, from 0; None: it is not one of them."""
    plain = " ".join(words(name))
    return names.index(plain) if plain in names else None


def _role_of_word(word: str) -> Role | None:
    """The role of a word, or of the longest word that it ends with: `reviewtext`, 投诉内容."""
    endings = (word[-length:] for length in range(min(len(word), _LONGEST_ENDING), 0, -1))
    return _ROLES.get(word) or next((_ENDINGS[ending] for ending in endings if ending in _ENDINGS), None)
