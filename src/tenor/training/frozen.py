"""Fit the head of a frozen encoder, without Keras: each text becomes its features once, for all heads."""

import time
from dataclasses import replace
from functools import partial

import numpy as np

from tenor.models.base import Examples, Fitted, HeldOut
from tenor.models.context import FitContext
from tenor.models.families import pretrained
from tenor.models.linear import held_out, solver
from tenor.models.linear.head import LabelledFeatures
from tenor.models.pretrained import frozen
from tenor.models.pretrained.frozen import FrozenEncoder
from tenor.text.encoded import Encoded
from tenor.training import losses, truncation


def applies(examples: Examples, config: pretrained.Config, context: FitContext) -> bool:
    """Whether the settings freeze the encoder, and it can be fitted without Keras."""
    return config.for_texts(len(examples)).tune == "frozen" and context.init is None and frozen.is_available()


def fit(examples: Examples, config: pretrained.Config, context: FitContext) -> Fitted:
    """Fit the head of a frozen encoder.

    Validation examples, or a share of the texts (`config.validation`), are held out. Otherwise all texts are fitted,
    and heads that leave out a fold score them, unless `config.calibration` is 0.

    Args:
        examples: Labelled texts.
        config: The settings of `pretrained`.
        context: Seed and callback.

    Raises:
        SettingsError: A setting does not fit the task or the encoder.
        TenorError: The graph of the encoder gives wrong values on this machine.
    """
    started_at, seed, callback, task = time.perf_counter(), context.seed, context.callback, examples.task
    config = replace(config.for_texts(len(examples)), loss=losses.choose_loss(config, task), precision="float32")
    train, left_out = examples, None
    if examples.validation is not None or config.validation:
        train, left_out = examples.train_validation_split(config.validation, seed)
    encoder = FrozenEncoder.load(config, train.texts, examples.fields)
    encoded = _encode(encoder, train)
    for note in encoder.config.notes:
        callback.on_message(note)
    truncation.report(encoded.n_truncated, len(train), encoder.config, callback)
    features = LabelledFeatures(
        encoder.features(encoded, callback), train.targets, task, train.weights, encoded.features
    )
    encoded_at = time.perf_counter()

    folds = held_out.calibration_folds(list(train.texts), train.targets, task, seed, train.groups)[: held_out.MIN_FOLDS]
    head = features.fit_frozen(folds)
    fitted_at = time.perf_counter()

    model = encoder.with_head(head.weights, task)
    exported_at = time.perf_counter()

    scores = None
    if left_out is not None and len(left_out):
        of_left_out = _encode(encoder, left_out)
        values = encoder.features(of_left_out, callback)
        if of_left_out.features is not None:
            values = np.concatenate([values, of_left_out.features.toarray()], axis=1)
        scores = HeldOut(np.array(left_out.targets), solver.logits(values, head.weights))
    elif config.calibration:
        scores = held_out.score_folds(train, partial(features.score_fold, head.C), seed)
    timing = {
        "encode_s": encoded_at - started_at,
        "fit_s": fitted_at - encoded_at,
        "export_s": exported_at - fitted_at,
        "calibrate_s": time.perf_counter() - exported_at,
    }
    return Fitted(
        task=task, model=model, config=encoder.config, timing=timing, history=head.candidates, held_out=scores
    )


def _encode(encoder: FrozenEncoder, examples: Examples) -> Encoded:
    config = encoder.config
    return encoder.text_encoder.encode(examples.texts, config.row_length, config.inference_truncation)
