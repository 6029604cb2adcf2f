"""Runs as event files for TensorBoard, without TensorFlow. The only file that imports TensorBoard."""

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tenor._core.callbacks import Callback
from tenor._core.language import tr
from tenor.errors import BundleError, WriteError, missing_extra
from tenor.tracking.base import Status

try:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.summary.writer.record_writer import RecordWriter
except ImportError:
    raise missing_extra("`log='tensorboard'`", "tensorboard") from None

FOLDER = "tensorboard"
"""Folder of the events of all runs, beside their models."""

_FLUSH_S = 2.0
_STATUS = {
    "finished": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
    "interrupted": api_pb2.STATUS_FAILURE,
}


def start(folder: Path, callback: Callback, resume: bool) -> "Events":
    """Start a run in the folder `tensorboard` beside its model.

    Events of an earlier run with that name are removed, unless the run resumes.

    Raises:
        BundleError: The folder cannot be written, or is a link.
    """
    place = folder.parent / FOLDER / folder.name
    for link in (place.parent, place):
        if link.is_symlink():
            raise BundleError(
                tr("{link}: this is a link, and Tenor does not write events through links.", link=link),
                tr("Remove it."),
            )
    try:
        if not resume and place.is_dir() and any(place.glob("events.out.tfevents.*")):
            shutil.rmtree(place)
        events = Events(place)
    except OSError as error:
        raise BundleError(
            tr("{place}: events cannot be written there: {strerror}.", place=place, strerror=error.strerror),
            tr("Choose another folder (`out=...`)."),
        ) from None
    callback.on_message(tr("view it with: tensorboard --logdir {parent}", parent=place.parent))
    return events


class Events:
    """The event file of one run."""

    _numbers = itertools.count()

    def __init__(self, place: Path) -> None:
        self.place = place
        self.values: dict[str, object] = {}
        place.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.tenor.{os.getpid()}.{next(self._numbers)}"
        self.file = (place / name).open("xb")
        self.writer = RecordWriter(self.file)
        self.flushed_at = time.monotonic()
        self._write(Event(file_version="brain.Event:2"))

    def log_settings(self, values: Mapping[str, object]) -> None:
        """Keep settings; `finish` writes them."""
        self.values = {**values, **self.values}

    def log_metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write metrics as scalars."""
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(Event(step=step, summary=Summary(value=scalars)))

    def start_child(self, name: str) -> "Events":
        """Start a run in a folder below this one."""
        return Events(self.place / name.replace("/", "_"))

    def log_artifact(self, path: Path) -> None:
        """Do nothing: TensorBoard shows no files."""

    def finish(self, status: Status) -> None:
        """Write the settings for the HParams plug-in, and close the file."""
        start = plugin_data_pb2.SessionStartInfo(start_time_secs=time.time())
        for name, value in self.values.items():
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, (int, float)):
                start.hparams[name].number_value = value
            else:
                start.hparams[name].string_value = str(value)
        ended = plugin_data_pb2.SessionEndInfo(status=_STATUS[status], end_time_secs=time.time())
        version = metadata.PLUGIN_DATA_VERSION
        if self.values:
            self._plugin(
                metadata.SESSION_START_INFO_TAG,
                plugin_data_pb2.HParamsPluginData(session_start_info=start, version=version),
            )
            self._plugin(
                metadata.SESSION_END_INFO_TAG,
                plugin_data_pb2.HParamsPluginData(session_end_info=ended, version=version),
            )
        with self._writing():
            self.file.close()

    def _plugin(self, tag: str, content: plugin_data_pb2.HParamsPluginData) -> None:
        data = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString())
        value = Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data), tensor=metadata.NULL_TENSOR)
        self._write(Event(summary=Summary(value=[value])))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        with self._writing():
            self.writer.write(event.SerializeToString())
            if time.monotonic() - self.flushed_at > _FLUSH_S or event.file_version:
                self.file.flush()
                self.flushed_at = time.monotonic()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn an OSError into a WriteError."""
        try:
            yield
        except OSError as error:
            raise WriteError(
                tr(
                    "{place}: events cannot be written: {strerror}.", place=self.place, strerror=error.strerror or error
                ),
                tr("Free some space, or train without `log='tensorboard'`."),
            ) from None
