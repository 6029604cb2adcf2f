"""The words of a page of explanations, in English and Chinese. English is the key; what is missing is a KeyError."""

from collections.abc import Callable
from typing import Literal

Language = Literal["en", "zh"]

_CHINESE = {
    "Why {} says what it says": "{} 为何如此判断",
    "Family": "模型族",
    "What speaks {} a label is blue, what speaks {} it orange and dotted; the stronger, the deeper. Point at a word to "
    "see its weight in units of the logit.": (
        "蓝色部分{}该标签，橙色虚线部分{}该标签；颜色越深作用越强。将鼠标移到词上可看到其权重（logit 单位）。"
    ),
    "for": "支持",
    "against": "反对",
    "Over these {} texts": "在这 {} 条文本上",
    "Text": "文本",
    "Strongest over many texts": "在大量文本中作用最强的词",
    "In {}. Weight: what it adds to the logit, the mean over the texts that it stands in.": (
        "数据：{}。权重：该词对 logit 的贡献，取所有出现它的文本的平均值。"
    ),
    "without the strongest words the score falls by {:.3f}, without as many at random by {:.3f} (1, 5, 10, 20 and 50% "
    "of the words, mean).": (
        "去掉作用最强的词，得分下降 {:.3f}；随机去掉同样多的词，下降 {:.3f}（去掉 1、5、10、20 和 50% 的词，取平均）。"
    ),
    "Struck out: {:,} of {:,} characters that the model did not read, because the text is too long for it.": (
        "删除线部分：文本过长，模型未读取其中的 {:,} 个字符（共 {:,} 个）。"
    ),
    "Faithfulness": "忠实度",
    "Where its attention goes": "注意力分布",
    "The mean over heads and tokens of each block. It shows how the network works, not why it decides as it does.": (
        "每层各注意力头与词元的平均。它展示网络如何运作，而不是它为何如此判断。"
    ),
    "Block": "层",
    "Nearest known texts": "最相近的已知文本",
    "cosine": "余弦相似度",
    "row": "行",
    "label": "标签",
    "text": "文本",
    "texts": "文本数",
    "weight": "权重",
    "strength": "强度",
    "field": "字段",
    "for it": "支持它的词",
}


def translator(language: Language) -> Callable[[str], str]:
    """From English to the language."""
    return (lambda text: text) if language == "en" else _CHINESE.__getitem__
