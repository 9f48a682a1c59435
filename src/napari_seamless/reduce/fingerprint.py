"""What a function is, so that a run is not resumed with another one."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import pickle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's name with its module.

    Examples
    --------
    >>> name_of(functools.partial(inspect.getsource))
    'inspect.getsource'
    """
    named = _definition(function)
    return f"{named.__module__}.{named.__qualname__}"


def fingerprint(function: Callable[..., Any]) -> dict[str, str]:
    """Return a function's name, and hashes of its source and of the values it carries, as far as they can be had.

    Carried values are arguments of a partial function, defaults, what a nested function sees of the one around it,
    and the attributes of an object. What the function calls, and what it reads elsewhere, is not looked at.

    Parameters
    ----------
    function : callable
        A function, method, `functools.partial` or object that can be called.

    Returns
    -------
    dict of str to str
        ``name``, and where available ``source_sha256`` and ``values_sha256``.

    Examples
    --------
    >>> fingerprint(functools.partial(len))
    {'name': 'builtins.len'}
    """
    found = {"name": name_of(function)}
    with contextlib.suppress(OSError, TypeError):  # built in, or typed at a prompt
        found["source_sha256"] = _sha256(inspect.getsource(_definition(function)).encode())
    values = [value for value in _values(function) if value]
    try:
        return found | ({"values_sha256": _sha256(pickle.dumps(values, protocol=4))} if values else {})
    except Exception:  # noqa: BLE001  pickling runs code of the values, which may raise anything
        return found


def _definition(function: Any) -> Any:
    """Return what carries name and source: the function behind a partial one, or the class of an object."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if hasattr(function, "__qualname__") else type(function)


def _values(function: Any) -> list[Any]:
    """Return what a function carries beside its source."""
    if isinstance(function, functools.partial):
        return [function.args, function.keywords, *_values(function.func)]
    if inspect.ismethod(function):
        return [function.__self__, *_values(function.__func__)]
    if not inspect.isfunction(function):
        return [getattr(function, "__dict__", None)]
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return [function.__defaults__, function.__kwdefaults__, cells]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
