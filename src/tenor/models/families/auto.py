"""`auto`: the best model that fits a time budget, usually a blend of several.

First it trains an n-gram model, which takes seconds. As long as time is left, it adds networks, which see what n-grams
miss, and repeats these with other seeds. All are fitted to the same texts and compared on the same validation texts;
those that help are blended (Wolpert, 1992, "Stacked Generalization"), and the quick ones are then fitted to all texts.

`members` records each model with the number of its steps. With these, the run can be repeated exactly, on any machine
and without a clock.
"""

from tenor.models.auto import blend
from tenor.models.auto.combine import combine
from tenor.models.auto.config import Config as Config
from tenor.models.family import EnsembleFamily

FAMILY = EnsembleFamily(
    name="auto",
    summary="The best blend of models that fits a time budget.",
    paper="Wolpert, 1992",
    config=Config,
    combine=combine,
    restore_members=blend.restore,
)
