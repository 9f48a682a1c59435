"""Earlier states of a network as numbered files, so that every change of it can be undone."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from napari_seamless.errors import ModelError, SettingsError, StorageError
from napari_seamless.sinks.whole_file import WholeFiles

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

Weights = dict[str, torch.Tensor]

_UNFINISHED = "seamless-unfinished"
_KEY = "napari-seamless-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of a network.

    Parameters
    ----------
    number : int
        Counts from 0 and is never given again.
    parent : int or None
        The state that it was made from; None for a first one.
    text : str
        What a list of states shows.
    loss : float or None
        Smoothed loss at the end; None where nothing was trained.
    steps : int
        Steps since the parent.
    time : str
        When it was stored, ISO 8601 with the offset from UTC.
    """

    number: int
    parent: int | None = None
    text: str = ""
    loss: float | None = None
    steps: int = 0
    time: str = ""


class History:
    """States of one network in a folder, a safetensors file for each, written whole or not at all.

    Parameters
    ----------
    folder : path
        Made with the first state.
    limit : int or None
        States that are kept: the first one and the last ones. None keeps all.

    Raises
    ------
    SettingsError
        `limit` is less than 2.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = History(folder)
    ...     first = history.save({"weight": torch.zeros(2)}, text="as loaded")
    ...     second = history.save({"weight": torch.ones(2)}, parent=first.number, loss=0.25)
    ...     [state.number for state in history.states()], history.restore(0)["weight"].tolist()
    ([0, 1], [0.0, 0.0])
    """

    def __init__(self, folder: str | os.PathLike[str], *, limit: int | None = None) -> None:
        if limit is not None and limit < 2:
            raise SettingsError(f"limit must be at least 2, the first state and the last, got {limit}; None keeps all.")
        self.folder = Path(folder)
        self._limit = limit
        self._files = WholeFiles(self.folder / _UNFINISHED)
        self._files.clear()

    def states(self) -> tuple[State, ...]:
        """Return what there is, oldest first; a file that cannot be read is left out."""
        found = (_read_state(self._path(number)) for number in self._numbers())
        return tuple(state for state in found if state is not None)

    def save(
        self,
        weights: Mapping[str, torch.Tensor],
        *,
        parent: int | None = None,
        text: str = "",
        loss: float | None = None,
        steps: int = 0,
    ) -> State:
        """Store a state.

        Parameters
        ----------
        weights : mapping of str to Tensor
            What ``state_dict`` returns; any device and type.
        parent, text, loss, steps
            See `State`.

        Raises
        ------
        StorageError
            It cannot be written; nothing of it stays.
        """
        number = max(self._numbers(), default=-1) + 1
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        state = State(number=number, parent=parent, text=text, loss=loss, steps=steps, time=now)
        # weights that share memory are stored for each name, which is what load_state_dict wants
        own = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}
        try:
            self._files.write(str(self._path(number)), [save(own, {_KEY: json.dumps(asdict(state))})])
            self._drop_old()
        except OSError as error:
            raise StorageError(
                f"The state of the network cannot be stored in {self.folder} ({error.strerror or error}); free some "
                "space or choose a folder that can be written."
            ) from error
        return state

    def restore(self, number: int) -> Weights:
        """Return the weights of a state, in the host's memory.

        Raises
        ------
        SettingsError
            There is no such state.
        ModelError
            Its file is damaged.
        """
        path = self._path(number)
        if not path.is_file():
            there = ", ".join(map(str, self._numbers())) or "none"
            raise SettingsError(f"There is no state {number} in {self.folder}; there are {there}.")
        try:
            weights: Weights = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"The state {path} cannot be read ({error}); go back to another one.") from error
        return weights

    def _numbers(self) -> list[int]:
        names = (path.stem.removeprefix("state-") for path in self.folder.glob("state-*.safetensors"))
        return sorted(int(name) for name in names if name.isdigit())

    def _path(self, number: int) -> Path:
        return self.folder / f"state-{number:06d}.safetensors"

    def _drop_old(self) -> None:
        numbers = self._numbers()
        if self._limit is not None:
            for number in numbers[1 : 1 + max(0, len(numbers) - self._limit)]:
                self._path(number).unlink(missing_ok=True)


def load_weights(network: torch.nn.Module, weights: Mapping[str, torch.Tensor], name: str) -> None:
    """Put weights into a network of the same architecture; the network stays as it is where they do not fit.

    Parameters
    ----------
    network : torch.nn.Module
        What they are copied into.
    weights : mapping of str to Tensor
        By the names of the network's ``state_dict``.
    name : str
        How messages call where the weights come from.

    Raises
    ------
    ModelError
        A weight is missing, is not known, or has another shape.
    """
    wanted: Mapping[str, Any] = network.state_dict()
    shapes = {key: tuple(value.shape) for key, value in wanted.items()}
    given = {key: tuple(value.shape) for key, value in weights.items()}
    if shapes != given:
        wrong = next(key for key in (*shapes, *given) if shapes.get(key) != given.get(key))
        raise ModelError(
            f"The weights of {name} belong to another network: {wrong} has the shape {shapes.get(wrong, 'none')} here "
            f"and {given.get(wrong, 'none')} there; choose the history of this network."
        )
    network.load_state_dict(dict(weights))


def _read_state(path: Path) -> State | None:
    try:
        with safe_open(path, framework="pt") as file:
            return State(**json.loads(file.metadata()[_KEY]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None
