"""Where errors end: every problem becomes one sentence on standard error and an exit status."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Callable
from typing import IO, Any, TypeVar

import click

from napari_seamless.errors import SeamlessError

_DEBUG = f"{__name__}.debug"

Command = TypeVar("Command", bound=Callable[..., Any])


class Stopped(click.ClickException):
    """A run was stopped from outside; not an error, but not a success either.

    Parameters
    ----------
    message : str
        What was finished and how to go on.
    exit_code : int
        128 plus the number of the signal, as shells count.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click declares the default of the class only

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the sentence to standard error."""
        click.echo(self.message, file=file or sys.stderr)


class OneSentenceGroup(click.Group):
    """A group of commands that shows errors as one sentence and a traceback only on request."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command and translate what it raises.

        Raises
        ------
        click.ClickException
            The sentence to show, with its exit status.
        """
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            raise Stopped("Stopped before anything was finished.") from None
        except Exception as error:
            if isinstance(error, OSError) and error.errno == errno.EPIPE:
                raise  # click ends quietly where the reader of a pipe has gone
            if ctx.meta.get(_DEBUG):
                click.echo(traceback.format_exc(), err=True)
            raise click.ClickException(sentence_of(error)) from None


def sentence_of(error: Exception) -> str:
    """Return what to show for an error: its own sentence, or its kind and where to learn more.

    Parameters
    ----------
    error : Exception
        What a command raised.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> sentence_of(ValueError("no such thing"))
    'an unexpected ValueError occurred (no such thing); add --debug to see where.'
    """
    text = " ".join(str(error).split())
    if isinstance(error, SeamlessError) and text:
        return text
    return f"an unexpected {type(error).__name__} occurred ({text or 'no details'}); add --debug to see where."


def debug_option(command: Command) -> Command:
    """Add ``--debug``, which shows the traceback of an error before its sentence."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            ctx.meta[_DEBUG] = True

    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=remember, help="Show the traceback of an error."
    )(command)
