"""The words of the page and the card, in English and Chinese. English is the key; what is missing is a KeyError."""

import re
from collections.abc import Callable
from typing import Literal

from tenor.checks.finding import Finding
from tenor.models.auto.selection import BLEND, Selection

Language = Literal["en", "zh"]
Translate = Callable[[str], str]

_CHINESE = {
    # kinds of task
    "binary": "二分类",
    "multiclass": "多分类",
    "multilabel": "多标签分类",
    "regression": "回归",
    # signs
    ".": "。",
    ", ": "，",
    ": ": "：",
    "; ": "；",
    # sections
    "Sections": "目录",
    "Results": "结果",
    "Coverage of prediction sets": "预测集合的覆盖率",
    "Slices of the data, worst first": "各数据切片的表现（最差的在前）",
    "Most confident errors": "最自信的错误",
    "Possibly wrong labels": "可能标错的标签",
    "Data": "数据",
    "Training": "训练",
    "Reproduce this model": "如何复现",
    # results
    "Family": "模型族",
    "Labels": "标签",
    "Measured on": "评测数据",
    "held-out texts": "条留出文本",
    "accuracy": "准确率",
    "macro-F1": "宏平均 F1",
    "micro-F1": "微平均 F1",
    "ROC AUC": "ROC AUC",
    "log loss": "对数损失",
    "expected calibration error": "期望校准误差",
    "average precision": "平均精确率",
    "exact match": "完全匹配率",
    "Hamming loss": "汉明损失",
    "mean absolute error": "平均绝对误差",
    "root mean squared error": "均方根误差",
    "R2": "R2",
    "Pearson correlation": "皮尔逊相关系数",
    "Spearman correlation": "斯皮尔曼相关系数",
    "95% interval": "95% 区间",
    "before": "校准前",
    "calibrated": "校准后",
    "By label": "各标签",
    "Labels with the lowest F1": "F1 最低的标签",
    "Labels with the most texts": "文本最多的标签",
    "all are in": "全部见",
    "not measured": "未评测",
    "Almost all texts of these labels are the same, in training and here. Their metrics say little about other texts": (
        "这些标签的文本几乎完全相同（训练与评测皆然），其指标对其他文本参考意义不大"
    ),
    "Not measured, as no text here has these labels": "未评测（评测文本中没有这些标签）",
    "Means over labels leave them out.": "各标签的平均值不包括它们。",
    "label": "标签",
    "precision": "精确率",
    "recall": "召回率",
    "threshold": "阈值",
    "texts": "文本数",
    "Confusion matrix": "混淆矩阵",
    "rows: true labels; columns: predictions": "行为真实标签，列为模型预测",
    "Most frequent confusions": "最常混淆",
    "Precision-recall curves": "精确率–召回率曲线",
    "Reliability diagram": "可靠性图",
    "confidence": "置信度",
    "perfect": "理想",
    "Predicted against true values": "预测值与真实值",
    "true value": "真实值",
    "predicted value": "预测值",
    # coverage
    "How often prediction sets (for numbers: intervals) contained the true label, beside the target.": (
        "预测集合（数值任务为区间）实际包含真实标签的比例，与目标覆盖率对照。"
    ),
    "target": "目标",
    "empirical": "实际",
    "interval width": "区间宽度",
    "mean set size": "集合平均大小",
    "singletons": "单标签集合占比",
    "singleton accuracy": "单标签集合准确率",
    # slices
    "slice by": "依据",
    "slice": "切片",
    "worse than overall": "差于整体",
    "yes": "是",
    "length": "长度",
    "script": "文字",
    "class": "类别",
    # errors
    "What speaks": "蓝色表示",
    "for": "支持",
    "the predicted label is blue, what speaks": "所预测标签的部分，橙色虚线表示",
    "against": "反对",
    "it orange and dotted; deeper colours mean more weight. Some of these are labelling errors, not errors of the "
    "model.": ("的部分；颜色越深作用越强。其中有些是标签标错，而非模型出错。"),
    "row": "行",
    "Held-out rows for which the model confidently predicts another label (confident learning). For the training "
    "texts: tenor check DATA --labels.": (
        "评测数据中模型很有把握认为是其他标签的行（置信学习）。检查训练数据请用：tenor check DATA --labels。"
    ),
    "suggested": "建议",
    "text": "文本",
    # data
    "training texts": "条训练文本",
    "characters per text (minimum, quartiles, maximum)": "每条文本的字符数（最小、四分位数、最大）",
    "The check at the start of training found no problems.": "训练开始时的检查未发现问题。",
    "Findings": "发现的问题",
    "Texts by label": "各标签的文本数",
    "and further labels": "其余标签数",
    # training
    "Loss by epoch": "各轮损失",
    "epoch": "轮次",
    "loss": "损失",
    "training": "训练",
    "validation": "验证",
    "Cost": "开销",
    "total time": "总用时",
    "read": "读取",
    "check": "检查",
    "encode": "编码",
    "choose": "选择设置",
    "fit": "训练",
    "calibrate": "校准",
    "evaluate": "评测",
    "cross-validate": "交叉验证",
    "model size": "模型大小",
    "predicted texts per second": "每秒预测文本数",
    "peak memory": "内存峰值",
    # again
    "Save this as run.toml, then": "将以下内容存为 run.toml，然后运行",
    "Settings, including those chosen automatically": "设置（含自动选定的值）",
    "Versions": "版本",
    "seed": "随机种子",
    "SHA-256 of the training data": "训练数据的 SHA-256",
    # the card
    "Use": "使用",
    "FOLDER": "模型文件夹",
    "a text": "一段文本",
    "The model is made for texts like its training texts. On other texts, and over time, its metrics may not hold: "
    "measure again with tenor evaluate before you rely on them.": (
        "本模型适用于与训练数据相似的文本。对于其他文本，或随着时间推移，上述指标可能不再成立："
        "使用前请用 tenor evaluate 重新评测。"
    ),
    "Nothing was measured.": "未做评测。",
    "The encoder cannot read these texts well. Its tokenizer does not know this share of their letters": (
        "编码器不能很好地读取这些文本，其分词器不认识的字母（汉字）占比"
    ),
}

# Findings of the check at the start of training, by name; `{}` is their number.
_FINDINGS = {
    "leaked": "{} 条评测文本与训练文本相同，评测结果会偏高。",
    "nearly-leaked": "{} 条评测文本与训练文本几乎相同，评测结果会偏高。",
    "conflicting": "{} 行的文本相同但标签不同。",
    "near-conflicting": "{} 行的文本几乎相同但标签不同。",
    "repeated": "{} 条文本与其他文本重复。",
    "contained": "{} 条文本是更长文本的一部分，二者始终划分在同一侧。",
    "spellings": "{} 行的标签仅大小写或空格不同，被当作不同的类别。",
    "missing-label": "{} 行的标签形如缺失值（NaN、null 等），被当作一个类别。",
    "list-labels": "{} 行的标签形如多个标签，被当作一个类别。",
    "telling-feature": "{} 个特征单独就能推出标签；若新数据中没有该特征，评测结果会偏高。",
    "templated": "{} 个类别的文本几乎完全相同（同一模板），其指标对其他文本参考意义不大。",
    "chinese-scripts": "训练文本与 {} 条评测文本分别为简体和繁体中文。",
    "rare": "{} 个类别的行数过少，其指标参考意义不大。",
}


# Which model `auto` kept, by reason.
_SELECTIONS = {
    "better": "保留 {kept}：在 {texts} 条留出文本上，它优于 {baseline}，差异超出噪声"
    "（损失 {loss}，{baseline} 为 {other}）。",
    "no-better": "保留 {kept}：在 {texts} 条留出文本上，没有其他模型的优势超出噪声。",
    "only": "保留 {kept}：没有其他可比较的模型。",
    "limits": "保留 {kept}：没有其他模型满足大小和延迟的限制。",
    "no-time": "保留 {kept}：预算内没有时间比较多个模型。",
    "too-few": "保留 {kept}：文本太少，无法比较多个模型。",
    "distilled": "保留 {kept}：它学习了 {baseline} 的预测"
    "（在 {texts} 条留出文本上损失 {loss}，{baseline} 为 {other}）。",
}


# Parts of the data that Tenor names itself.
_SCRIPTS = {"Han": "汉字", "Latin": "拉丁字母", "Cyrillic": "西里尔字母", "Arabic": "阿拉伯字母", "none": "无"}
_LENGTH = re.compile(r"(\d+) to (\d+) characters")


def slice_name(by: str, value: str, language: Language) -> str:
    """The name of a part of the data, as `evaluation/slices` gives it, in the language."""
    if language == "en":
        return value
    if by == "length":
        return _LENGTH.sub(r"\1 至 \2 个字符", value)
    return _SCRIPTS.get(value, value) if by == "script" else value


def translator(language: Language) -> Translate:
    """From English to the language."""
    return (lambda text: text) if language == "en" else _CHINESE.__getitem__


def selection_sentence(selection: Selection, language: Language) -> str:
    """Which model was kept, and why, in one sentence."""
    if language == "en":
        return selection.sentence
    kept = selection.kept[0] if len(selection.kept) == 1 else f"{'、'.join(selection.kept)} 的加权组合"
    return _SELECTIONS[selection.reason].format(
        kept=kept,
        texts=f"{selection.n_texts:,}",
        baseline=selection.baseline.replace(BLEND, "混合模型"),
        loss=f"{selection.loss or 0:.3f}",
        other=f"{selection.baseline_loss or 0:.3f}",
    )


def finding_describer(language: Language) -> Callable[[Finding], str]:
    """From a finding of the start of training to a sentence."""
    if language == "en":
        return lambda finding: finding.training_message
    return lambda finding: _FINDINGS[finding.name].format(f"{finding.count:,}")
