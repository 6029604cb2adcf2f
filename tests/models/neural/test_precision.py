"""What a network learns in the precision that `auto` does not choose on this processor: bfloat16, or float32.

`test_families` holds the same in the one that it does choose, so each machine tests both. A processor without bfloat16
computes it by other means.
"""

import pytest

from helpers.families import ENGLISH, LABELS, SMALL, check_values, check_words
from tenor import TextClassifier
from tenor.models import registry
from tenor.models.neural import precision

pytestmark = pytest.mark.slow

CHOSEN = precision.dtype_policy(registry.FAMILIES["transformer"].config())
OTHER = "float32" if CHOSEN == "mixed_bfloat16" else "bfloat16"


@pytest.mark.parametrize("family", ["transformer", "pretrained"])
def test_labels_and_values_are_learned_in_the_other_precision(family: str) -> None:
    values = SMALL[family] | {"precision": OTHER}
    model = TextClassifier(family, values, random_state=3).fit(ENGLISH, LABELS)
    assert model.score(ENGLISH, LABELS) == 1.0
    assert model.predict(["what a great film", "so dull a film"]).tolist() == ["positive", "negative"]
    check_words(family, model)
    check_values(family, values)
