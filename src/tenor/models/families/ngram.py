"""`ngram`: hashed n-grams of tokens and of characters, and a linear model, in seconds.

N-grams of characters see what words have in common (endings, compounds, misspellings), and punctuation; on few or short
texts they add much. There are several times as many of them as of words, so on much text they are not tried.

Three weightings of the counts:

    naive-bayes         presence of the n-gram, times the log-ratio of how often the classes use it
                        (Wang and Manning, 2012, "Baselines and Bigrams")
    tf-idf              (1 + log count) times inverse document frequency, each text scaled to length 1
    tf-idf-naive-bayes  tf-idf, times the log-ratio

None wins everywhere, and neither does any one set of n-grams or strength of regularisation, so what the settings leave
open is chosen by a quick validation on a part of the training texts.
"""

import time

from tenor.models.base import Examples, Fitted
from tenor.models.context import FitContext
from tenor.models.family import LinearFamily
from tenor.models.linear import held_out
from tenor.models.ngram import model as ngram_model
from tenor.models.ngram import selection
from tenor.models.ngram.config import Config as Config


def fit(examples: Examples, config: Config, context: FitContext) -> Fitted:
    """Choose the settings that `config` leaves open, then fit on all texts.

    Both use `examples.validation` where it is given. Otherwise models that leave out a fold score texts for
    calibration, unless `config.calibrated` is False. Of many texts on disk, the model itself leaves out a few.
    """
    started_at, seed, callback = time.perf_counter(), context.seed, context.callback
    task, texts = examples.task, examples.texts
    chosen, candidates = selection.choose_settings(
        lambda: selection.draw_sample(examples, seed),
        lambda: selection.count_characters(texts),
        task,
        config,
        seed,
        len(examples),
        examples.fields,
    )
    chosen_at = time.perf_counter()
    examples, left_out = held_out.leave_out(examples, seed)
    counts = ngram_model.count_ngrams(examples.texts, chosen, callback, examples.fields)
    encoded_at = time.perf_counter()
    model = ngram_model.fit(counts, examples.targets, task, examples.weights, chosen, callback)
    fitted_at = time.perf_counter()
    scores = None
    if left_out is not None:
        scores = held_out.score_left_out(model, left_out)
    elif config.calibrated:
        scores = held_out.score_folds(examples, ngram_model.fold_fitter(counts, examples, chosen, model), seed)
    timing = {
        "choose_s": chosen_at - started_at,
        "encode_s": encoded_at - chosen_at,
        "fit_s": fitted_at - encoded_at,
        "calibrate_s": time.perf_counter() - fitted_at,
    }
    return Fitted(task, model, chosen, timing, candidates, scores)


FAMILY = LinearFamily(
    name="ngram",
    summary="Counts of word and character n-grams and a linear model; seconds.",
    paper="Wang and Manning, 2012",
    config=Config,
    unset="chosen by validation",
    fit_model=fit,
    restore_model=ngram_model.restore,
)
