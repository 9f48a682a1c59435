"""Options that may be followed by several numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEVERAL = {"--spacing", "--class", "--label"}
"""Options that take several numbers, with blanks or commas between them."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.IGNORECASE)


class SeveralNumbers(click.Command):
    """A command whose options may be followed by several numbers: ``--spacing 2 1 1``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Join the numbers before they are read."""
        return super().parse_args(ctx, list(joined_numbers(args)))


def joined_numbers(words: list[str]) -> Iterator[str]:
    """Yield words with the numbers after an option that takes several joined by commas.

    Examples
    --------
    >>> list(joined_numbers(["--spacing", "2", "1", "1", "labels.zarr", "--class", "1", "2"]))
    ['--spacing', '2,1,1', 'labels.zarr', '--class', '1,2']
    """
    numbers: list[str] = []
    wanted = False
    for word in words:
        if wanted and _NUMBER.fullmatch(word):
            numbers.append(word)
            continue
        if numbers:
            yield ",".join(numbers)
            numbers, wanted = [], False
        wanted = word in _SEVERAL
        yield word
    if numbers:
        yield ",".join(numbers)
