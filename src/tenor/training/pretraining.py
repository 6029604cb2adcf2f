"""From a corpus without labels to a saved encoder."""

import time
from pathlib import Path

from tenor import tracking
from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.config import settings
from tenor.config.run_config import PretrainConfig
from tenor.data import sources
from tenor.data.fingerprint import fingerprint
from tenor.data.io import used_options
from tenor.data.io.file_options import FileOptions
from tenor.errors import counted
from tenor.inference import bundle
from tenor.inference.bundle import EncoderBundle, Metrics, Timing
from tenor.models import registry
from tenor.models.context import FitContext
from tenor.training import output, provenance, run_identity, run_setup


def pretrain(run: PretrainConfig, callback: Callback | None = None) -> tuple[Path, EncoderBundle]:
    """Train an encoder on texts without labels, and save it.

    Args:
        run: The run.
        callback: Receives messages and progress.

    Returns:
        The folder, and the encoder.

    Raises:
        TenorError: The corpus, the settings or the output folder cannot be used. Nothing is written then.
    """
    callback = callback or Callback()
    family = registry.find_pretrainable(run.family)
    init = run_setup.load_init(run.init, family)
    run = run_setup.with_current_names(run, family)
    given = run.settings or {}
    derived = settings.derived_defaults(family.config, given)
    config = run_setup.resolve_settings(family, {**family.pretraining, **derived, **given}, init)
    family.require_installed()
    tracking.require_trackers(run.log)
    folder = output.output_folder(run)
    started_at = time.perf_counter()
    files = FileOptions(encoding=run.encoding, quoting=run.quoting, header=run.header)
    used_options.require_used(files, [sources.locate(run.corpus)])
    corpus = sources.read_unlabelled(run.corpus, run.text, files=files)
    read_s = time.perf_counter() - started_at
    callback.on_message(tr("{corpus} to train on.", corpus=counted(len(corpus), "text")))
    digest = fingerprint(corpus)
    identity = run_identity.identify_pretraining(run, family, config, init, digest)
    folder, existing = run_identity.find_existing(run, folder, identity, callback)
    if existing is not None and existing.is_complete:
        assert isinstance(existing.saved, EncoderBundle)
        return folder, existing.saved
    checkpoints = run_setup.checkpoints_for(run, family, folder, identity)

    from tenor.training import masked_lm

    with tracking.track(run.log, folder, callback, run.resume) as tracker:
        tracker.log_settings(run_setup.requested_settings(run, config))
        weights = run_setup.pretrained_weights(init)
        context = FitContext(seed=run.seed, callback=tracker, checkpoints=checkpoints, init=weights)
        fitted = masked_lm.fit(family, corpus.texts, config, context)
        tracker.log_training(settings.as_dict(fitted.config), fitted.history, fitted.timing)
    timing = Timing(read_s=read_s, **fitted.timing)
    encoder = EncoderBundle(
        family=family,
        config=fitted.config,
        text_encoder=fitted.model.encoder(),
        arrays={name: array for name, array in fitted.model.arrays().items() if not name.startswith("logits/")},
        metadata={**provenance.origin(corpus, digest, run.seed), "run": identity},
        metrics=Metrics(timing).with_timing(total_s=time.perf_counter() - started_at),
        history=fitted.history,
        steps=fitted.steps,
    )
    bundle.save_encoder(encoder, folder, run.overwrite)
    output.remove_checkpoints(output.training_folder(folder))
    return folder, encoder
