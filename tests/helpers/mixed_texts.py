"""Lines of mixed text from a seed: English, Chinese, other scripts, emoji, code, blanks, control characters."""

import random

_WORDS = (
    "the a an of to in and is was it that this for with on as are be at have from not but they which you all were "
    "we when there can more if out so what time up about who get go me make like good just know people year your "
    "them see other than then now look only come its over think also back after use two how our work first well way "
    "even new want because any these give day most us film book music hotel room service price delivery weather "
    "restaurant quality terrible excellent disappointing wonderful camera battery screen actor story boring "
    "beautiful expensive cheap quickly slowly unfortunately recommendation information understanding international "
    "don't isn't it's I'm"
)
ENGLISH = _WORDS.split()
SIMPLIFIED = (
    "今天天气很好我们去公园里看书这部电影的故事非常感人但是演员表演得一般"
    "酒店房间干净服务态度差价格便宜快递速度慢手机电池屏幕质量不错推荐购买"
)
TRADITIONAL = (
    "今天天氣很好我們去公園裡看書這部電影的故事非常感人但是演員表演得一般"
    "酒店房間乾淨服務態度差價格便宜快遞速度慢手機電池螢幕質量不錯推薦購買"
)
RARE = "龘靐齉爨鱻麤𠮷𡃁㐀丏"
PUNCTUATION = ",.!?;:'\"()[]{}<>-–—…“”‘’«»/\\|@#$%^&*+=~`_，。！？；：、（）《》「」【】"
EMOJI = (
    *("😀", "😂", "👍", "👍🏽", "❤️", "🎉", "👩‍💻", "👨‍👩‍👧‍👦", "🇨🇳", "🇬🇧", "🏳️‍🌈", "1️⃣", "☕", "✨"),
    *("™", "©", "½", "№", "℃", "①", "㎏", "ﬁ", "Ⅳ", "²"),
)
OTHERS = (
    *(
        "привет",
        "мир",
        "Ελλάδα",
        "שָׁלוֹם",
        "العَرَبِيَّة",
        "हिन्दी",
        "ภาษาไทย",
        "日本語",
        "カタカナ",
        "ｶﾀｶﾅ",
        "ひらがな",
        "한국어",
    ),
    *("naïve", "café", "nai\u0308ve", "Việt", "Vie\u0323\u0302t", "Straße", "ÆØÅ", "İstanbul", "ＡＢＣ", "１２３", "ﾊﾟ"),
)
CODE = (
    "for (int i = 0; i < n; ++i) { a[i] += b[i]; }",
    "def f(x):\n    return x ** 2  # square",
    "SELECT * FROM t WHERE id='1' AND x<>2;",
    "if __name__ == '__main__':\n\tmain()\n",
    'printf("%d\\n", x);',
    "https://example.com/a?b=c&d=%20#e",
    "user.name+tag@example.org",
    "C:\\Windows\\System32",
    "<div class='x'>&nbsp;</div>",
    "git commit -m 'fix' && git push",
)
BLANKS = (" ", "  ", "     ", "\t", "\n", "\r\n", "\u3000", "\xa0", "\u2003", "\u200b", "\u2028", "\ufeff", "\u200f")
CONTROLS = (
    "\0",
    "\x01",
    "\x07",
    "\x1b[31m",
    "\x7f",
    "\x85",
    "\u00ad",
    "\u200d",
    "\u202e",
    "\ufffd",
    "\ufffe",
    "\ue000",
)
SPECIAL = ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]", "<s>", "</s>", "<pad>", "<unk>", "<mask>", "\u2581", "##ing")
NUMBERS = ("0", "7", "42", "1,234.50", "2026-11-29", "3.14159", "1e-5", "100%", "$9.99", "十二", "12,5", "555-1234")


def lines(count: int, seed: int) -> list[str]:
    """So many lines. The same seed gives the same lines in every version of Python."""
    draw = random.Random(seed)

    def pick(items: object) -> str:
        return items[int(draw.random() * len(items))]  # type: ignore[arg-type, index, no-any-return]

    def words(most: int) -> str:
        chosen = [pick(ENGLISH) for _ in range(1 + int(draw.random() * most))]
        if draw.random() < 0.3:
            chosen[0] = chosen[0].title() if draw.random() < 0.7 else chosen[0].upper()
        return " ".join(chosen)

    def chinese(characters: str) -> str:
        return "".join(pick(characters) for _ in range(2 + int(draw.random() * 18)))

    def long_word() -> str:
        part = pick((pick(ENGLISH), pick(SIMPLIFIED), pick("abcXYZ019-_"), pick(EMOJI), pick(RARE)))
        return part * (40 + int(draw.random() * 120))

    makers = (
        *[lambda: words(10)] * 6,
        *[lambda: chinese(SIMPLIFIED)] * 4,
        *[lambda: chinese(TRADITIONAL)] * 3,
        lambda: pick(PUNCTUATION),
        lambda: pick(PUNCTUATION),
        lambda: pick(EMOJI),
        lambda: pick(OTHERS),
        lambda: pick(CODE),
        lambda: pick(BLANKS),
        lambda: pick(NUMBERS),
        lambda: pick(RARE),
        lambda: pick(CONTROLS) if draw.random() < 0.5 else pick(SPECIAL),
        lambda: long_word() if draw.random() < 0.1 else "",
    )
    result = []
    for _ in range(count):
        parts = [makers[int(draw.random() * len(makers))]() for _ in range(int(draw.random() * 9))]
        result.append(pick((" ", " ", "")).join(parts))
    return result
