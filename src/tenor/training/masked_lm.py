"""Masked-language pretraining of an encoder on texts without labels (Devlin et al., 2019).

Pretraining on texts of the same domain helps: Gururangan et al. (2020), "Don't Stop Pretraining".
"""

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tenor._core.language import tr
from tenor.config.settings import require
from tenor.errors import DataError, SettingsError
from tenor.models.base import Fitted
from tenor.models.context import FitContext
from tenor.models.family import NetworkFamily
from tenor.models.network_config import NetworkConfig
from tenor.models.neural import masked_head
from tenor.models.neural.network import Network
from tenor.tasks import SingleLabel
from tenor.training import network_training, neural
from tenor.training.masked_objective import MaskedTokenObjective
from tenor.training.trainer import Trainer

_DEFAULT_EPOCHS = 3

NO_TASK = SingleLabel(("", " "))
"""The task of an encoder, which has no labels; the head for it is not saved."""


def fit(family: NetworkFamily, texts: Sequence[str], config: NetworkConfig, context: FitContext) -> Fitted:
    """Train the encoder of a family to predict masked tokens, and keep the weights of the best epoch.

    Args:
        family: `transformer` or `pretrained`.
        texts: At least two. A share of them, `config.validation`, chooses the best epoch; with 0, the last epoch is
            kept. Long texts are read whole, in windows.
        config: The family's settings.
        context: Seed, callback, checkpoints, and the weights to start from.

    Raises:
        DataError: There are too few texts.
        TenorError: The checkpoint to resume from is damaged or belongs to another run.
    """
    started_at, seed, init = time.perf_counter(), context.seed, context.init
    if len(texts) < 2:
        raise DataError(tr("one text, or none, is too few to train on."), tr("Give many; thousands are usual."))
    require(getattr(config, "tune", None) in (None, "all"), "tune", tr("must be all: pretraining trains all blocks"))
    order = np.random.default_rng(seed).permutation(len(texts))
    n_validation = math.ceil(len(texts) * config.validation)
    train_texts, validation_texts = (
        [texts[row] for row in np.sort(rows)] for rows in (order[n_validation:], order[:n_validation])
    )
    config = replace(config, truncation="windows", epochs=config.epochs or _DEFAULT_EPOCHS)
    config, encoder = neural.fit_text_encoder(family, config, train_texts, init)
    if family.initialise is not None and masked_head.own_mask_id(encoder) is None:
        raise SettingsError(
            tr("the tokenizer of the encoder has no mask token, so it cannot be trained on masked tokens."),
            tr("Choose an encoder with one, or train on labelled texts without pretraining."),
        )
    train = encoder.encode(train_texts, config.max_length, config.truncation)
    validation = encoder.encode(validation_texts, config.max_length, config.truncation)
    config = neural.choose_batch_size(config, train.lengths, encoder.max_row_length(config.max_length))
    encoded_at = time.perf_counter()

    keras_model = network_training.build_model(family, config, NO_TASK, seed, init)
    network = Network(family=family, task=NO_TASK, config=config, text_encoder=encoder, keras_model=keras_model)
    trainer = Trainer(MaskedTokenObjective(network, train, validation, seed), config, context)
    trainer.train()
    network = replace(network, keras_model=network_training.to_float32(network))
    timing = {"encode_s": encoded_at - started_at, "fit_s": time.perf_counter() - encoded_at}
    return Fitted(
        task=NO_TASK,
        model=network,
        config=config,
        timing=timing,
        history=trainer.state.history,
        steps=trainer.step_table(),
    )
