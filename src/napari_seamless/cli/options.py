"""Options of a run, made from the fields of `RunSettings`: its names, choices, defaults and descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from napari_seamless.recipe import RunSettings, parse_bytes
from napari_seamless.types import WINDOW_SUFFIX

Command = TypeVar("Command", bound=Callable[..., Any])

_FLAGS = {"patch_size": "--patch", "chunk_size": "--chunk", "shard_size": "--shard"}
"""Flags that are shorter than the name of their setting."""

_DEFAULTS = {
    "patch_size": "the network's own, else 64",
    "activation": "the network's own",
    "channel": "all channels",
    "chunk_size": "64, at most the volume",
    "compile": "off",
    "flips": "none",
    "region": "the whole volume",
    "threads": "1, more for large patches",
}
"""Defaults that a value cannot say."""


class PerAxis(click.ParamType[Any]):
    """One number for every axis, or one number per axis joined by commas or ``x``.

    Parameters
    ----------
    number : type
        ``int`` or ``float``.
    """

    def __init__(self, number: type[int] | type[float]) -> None:
        self.number = number
        self.name = "number per axis"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Turn text such as ``64``, ``64,64,32`` or ``64x64x32`` into a number or a tuple of numbers."""
        if not isinstance(value, str):
            return value
        try:
            numbers = tuple(self.number(part) for part in re.split("[,x]", value))
        except ValueError:
            kind = "whole number" if self.number is int else "number"
            self.fail(f"{value!r} is not a {kind}, nor one per axis joined by commas such as 64,64,32.", param, ctx)
        return numbers[0] if len(numbers) == 1 else numbers


class WholeOrWord(click.ParamType[Any]):
    """A whole number, or one of a few words.

    Parameters
    ----------
    words : tuple of str
        The words.
    """

    name = "number or word"

    def __init__(self, words: tuple[str, ...]) -> None:
        self.words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Turn text such as ``4`` into a number and leave words as they are."""
        if not isinstance(value, str) or value in self.words:
            return value
        try:
            return int(value)
        except ValueError:
            self.fail(f"{value!r} is neither a whole number nor {' nor '.join(self.words)}.", param, ctx)


class NameOrFile(click.ParamType[Any]):
    """One of a few names, or a file with a certain ending.

    Parameters
    ----------
    names : tuple of str
        The names.
    suffix : str
        End of the file's name.
    """

    name = "name or file"

    def __init__(self, names: tuple[str, ...], suffix: str) -> None:
        self.names = names
        self.suffix = suffix

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Refuse text that is neither."""
        if isinstance(value, str) and value not in self.names and not value.endswith(self.suffix):
            self.fail(
                f"{value!r} is neither {', '.join(self.names)} nor a file that ends in {self.suffix}.", param, ctx
            )
        return value


def run_options(*, without: Collection[str] = ()) -> Callable[[Command], Command]:
    """Return a decorator that adds one option for each setting of a run; options that are not given are None.

    Parameters
    ----------
    without : collection of str
        Settings that get no option.

    Returns
    -------
    callable
        Decorator for a function that takes the settings of `RunSettings` by name.
    """
    descriptions = field_descriptions(RunSettings.__doc__ or "")

    def add(command: Command) -> Command:
        for name in reversed(RunSettings.model_fields):
            if name not in without:
                command = _option(name, descriptions.get(name, ""))(command)
        return command

    return add


def flag_of(name: str) -> str:
    """Return the flag of a setting.

    Examples
    --------
    >>> flag_of("patch_size"), flag_of("memory_budget")
    ('--patch', '--memory-budget')
    """
    return _FLAGS.get(name, f"--{name.replace('_', '-')}")


def field_descriptions(docstring: str) -> dict[str, str]:
    r"""Return the description of each parameter of a NumPy docstring, on one line.

    Parameters
    ----------
    docstring : str
        Text with a section "Parameters".

    Returns
    -------
    dict of str to str
        Description by parameter name.

    Examples
    --------
    >>> field_descriptions("Title.\n\nParameters\n----------\nstep : int\n    Distance\n    in voxels.\n")
    {'step': 'Distance in voxels.'}
    """
    entries = re.findall(r"^ *(\w+) : .*\n((?:(?! *\w+ : ).+\n?)*)", docstring, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}


def _option(name: str, description: str) -> Callable[[Command], Command]:
    """Return the decorator that adds the option of one setting."""
    field = RunSettings.model_fields[name]
    kind: Any = (
        click.STRING if parse_bytes in _validators(field.metadata, field.annotation) else _type(field.annotation)
    )
    default = _DEFAULTS.get(name) or _default(field.default, description)
    return click.option(
        flag_of(name),
        name,
        type=kind,
        default=None,
        metavar=_metavar(name, kind),
        help=f"{_for_terminal(description)}  [default: {default}]",
    )


def _metavar(name: str, kind: Any) -> str | None:
    """Return what stands for the value in the help; None where click says it well."""
    if isinstance(kind, WholeOrWord):
        return "|".join(("N", *kind.words))
    if isinstance(kind, NameOrFile):
        return "|".join((*kind.names, "FILE"))
    named = {"memory_budget": "SIZE", "flips": "AXES|all|none"}
    return "N[,N,N]" if isinstance(kind, PerAxis) else named.get(name)


def _default(value: Any, description: str) -> str:
    """Return a default as text; what None stands for is the end of the description."""
    meaning = re.search(r"[;.] None:? (.*)\.$", description)
    return meaning[1] if value is None and meaning else str(value)


def _for_terminal(description: str) -> str:
    """Return a description without the marks of docstrings and without what None means in Python."""
    return re.split(r"[;.] None\b", description)[0].replace("`", "").replace('"', "").rstrip(".") + "."


def _validators(metadata: list[Any], annotation: Any) -> list[Any]:
    """Return the functions that a setting is passed through before it is checked."""
    nested = [item for part in get_args(annotation) for item in getattr(part, "__metadata__", ())]
    return [getattr(item, "func", None) for item in [*metadata, *nested]]


def _type(annotation: Any) -> Any:
    """Return how the text of an option is read: a choice, a file, a number, numbers per axis or plain text."""
    leaves = list(_leaves(annotation))
    choices = [value for leaf in leaves if get_origin(leaf) is Literal for value in get_args(leaf)]
    if bool in leaves and tuple not in leaves:
        return click.Choice([*choices, "on", "off"])
    if choices and int in leaves:
        return WholeOrWord(tuple(choices))
    if choices and str in leaves:
        return NameOrFile(tuple(choices), WINDOW_SUFFIX)  # the only setting of names that may be a file
    if choices:
        return click.Choice(choices)
    number: type[int] | type[float] | None = float if float in leaves else int if int in leaves else None
    if number is None:
        return click.STRING
    return PerAxis(number) if tuple in leaves else number


def _leaves(annotation: Any) -> list[Any]:
    """Return the parts of a union, looking through `Annotated`; a tuple counts as ``tuple``."""
    if hasattr(annotation, "__metadata__"):
        return _leaves(annotation.__origin__)
    if get_origin(annotation) is tuple:
        return [tuple]
    if get_origin(annotation) is Literal or not get_args(annotation):
        return [annotation]
    return [leaf for part in get_args(annotation) for leaf in _leaves(part)]
