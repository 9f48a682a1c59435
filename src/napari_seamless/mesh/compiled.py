"""How loops are compiled: only files with loops import this one, and only functions that loop import those.

What is kept on disk belongs to one file. Whoever changes loops that another file calls has to touch that file as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function; the result stays on disk where a folder can be written. Threads may run it side by side."""
    try:
        return cast("Function", njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast("Function", njit(nogil=True)(function))
