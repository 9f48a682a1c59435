"""Errors as the message line says them."""

from __future__ import annotations

from napari_seamless.errors import SeamlessError


def sentence(error: Exception) -> str:
    """Return what to say of an error.

    Examples
    --------
    >>> sentence(SeamlessError("Nothing is painted.")), sentence(KeyError("z"))
    ('Nothing is painted.', "It stopped: KeyError: 'z'.")
    """
    return str(error) if isinstance(error, SeamlessError) else f"It stopped: {type(error).__name__}: {error}."
