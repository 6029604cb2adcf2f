"""The models of one server, by name."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from fastapi import HTTPException

from tenor._core.language import join_names, tr
from tenor.errors import SettingsError, TenorError
from tenor.serving.batching import ModelStuckError, QueueFullError
from tenor.serving.options import ServerOptions
from tenor.serving.reloading import Log, OnReload, log_notes, watch
from tenor.serving.served_model import ServedModel

Result = TypeVar("Result")


class ModelSet:
    """The models of one server.

    Attributes:
        by_name: The models by their names.
        is_ready: Whether the server takes requests.
    """

    def __init__(self, folders: Sequence[Path], options: ServerOptions, on_batch: Callable[[int], None]) -> None:
        """Load the models.

        Args:
            folders: Folders of the models.
            options: How the server is run.
            on_batch: Called with the number of texts of each batch.

        Raises:
            TenorError: A folder is not a model, or two have the same name.
        """
        loaded = [ServedModel(folder, options, on_batch) for folder in folders]
        self.by_name = {model.name: model for model in loaded}
        self.is_ready = False
        names = [model.name for model in loaded]
        if len(self.by_name) < len(loaded):
            twice = next(name for name in names if names.count(name) > 1)
            raise SettingsError(
                tr("two models have the same name: {twice}.", twice=twice), tr("Rename the folder of one.")
            )

    def find(self, name: str | None) -> ServedModel:
        """The model of this name; None: the only one. Raises HTTPException if there is none, or several."""
        if name is None and len(self.by_name) > 1:
            raise HTTPException(422, tr("name one of the models: {by_name}.", by_name=join_names(self.by_name)))
        model = next(iter(self.by_name.values())) if name is None else self.by_name.get(name)
        if model is None:
            raise HTTPException(
                404,
                tr("there is no model {name!r}; there are: {by_name}.", name=name, by_name=join_names(self.by_name)),
            )
        return model

    def faults(self) -> list[str]:
        """A sentence for each model that does not answer."""
        return [
            tr("{name} does not answer: {fault}", name=name, fault=fault)
            for name, model in self.by_name.items()
            if (fault := model.fault())
        ]

    def notes(self) -> dict[str, list[str]]:
        """Notes for the operator, by model, if there are any."""
        return {name: notes for name, model in self.by_name.items() if (notes := model.notes())}

    @asynccontextmanager
    async def running(self, options: ServerOptions, log: Log, on_reload: OnReload) -> AsyncIterator[None]:
        """Answer requests, and look for new versions, until the block ends."""
        watches = []
        for model in self.by_name.values():
            model.start()
            if options.reload_interval_s:
                watching = watch(model, options.reload_interval_s, options.trial_timeout_s, log, on_reload)
                watches.append(asyncio.create_task(watching))
        self.is_ready = True
        yield
        self.is_ready = False
        for each in watches:
            each.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        for model in self.by_name.values():
            await model.stop()

    def log_notes(self, log: Log) -> None:
        """Log the parts of each model that are not used on this machine, and why."""
        for model in self.by_name.values():
            log_notes(model, log)


async def answered(response: Awaitable[Result], model: ServedModel) -> Result:
    """The response of a model. Raises HTTPException with the status of the problem."""
    try:
        return await response
    except QueueFullError:
        raise HTTPException(503, tr("too many texts wait; try again."), {"Retry-After": "1"}) from None
    except ModelStuckError as error:
        raise HTTPException(
            503, tr("{name} does not answer: {error}", name=model.name, error=error), {"Retry-After": "5"}
        ) from None
    except TenorError as error:
        raise HTTPException(422, f"{error.problem} {error.remedy}") from None
