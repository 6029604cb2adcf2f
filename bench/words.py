"""Words and their ids, as the Keras and the PyTorch script take them.

Ids: 0 is padding, 1 is any word outside the vocabulary, then come the words by falling frequency.
"""

import re
from collections import Counter
from collections.abc import Iterable

VOCABULARY = 10_000
LENGTH = 200
# As Keras's text tokenizer: every ASCII punctuation mark but the apostrophe ends a word.
BETWEEN_WORDS = re.compile(r"""[\s!"#$%&()*+,\-./:;<=>?@\[\\\]^_`{|}~]+""")


def words(text: str) -> list[str]:
    """The words of `text` in lower case; none for an empty text."""
    return [word for word in BETWEEN_WORDS.split(text.lower()) if word]


def vocabulary(tokenised: Iterable[list[str]]) -> dict[str, int]:
    """Id of each of the most frequent words, from 2."""
    counts = Counter(word for text in tokenised for word in text)
    return {word: index for index, (word, _) in enumerate(counts.most_common(VOCABULARY - 2), start=2)}


def encode(tokenised: Iterable[list[str]], ids: dict[str, int]) -> list[list[int]]:
    """LENGTH ids a text: those of its last words, padded in front."""
    rows = ([ids.get(word, 1) for word in text[-LENGTH:]] for text in tokenised)
    return [[0] * (LENGTH - len(row)) + row for row in rows]
