"""Classes as people write them: names and numbers, joined by commas."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from napari_seamless.errors import SettingsError


def parse_classes(text: str, names: Mapping[int, str]) -> tuple[int, ...] | None:
    """Return label values in the order of a text; None for all.

    Parameters
    ----------
    text : str
        Names, numbers, or ranges such as ``2-5``, joined by commas; empty or ``all`` for all.
    names : mapping of int to str
        Of labels that have some.

    Raises
    ------
    SettingsError
        A part is neither a name nor a number.

    Examples
    --------
    >>> parse_classes("grey, 1, 4-6", {1: "white", 2: "grey"})
    (2, 1, 4, 5, 6)
    """
    if text.strip().lower() in {"", "all"}:
        return None
    known = {name.lower(): value for value, name in names.items()}
    found: dict[int, None] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        found |= dict.fromkeys(_values(part, known))
    return tuple(found) or None


def classes_text(values: Collection[int], names: Mapping[int, str]) -> str:
    """Return what `parse_classes` reads as these values.

    Examples
    --------
    >>> classes_text([2, 7], {2: "grey", 7: "a, b"})
    'grey, 7'
    """
    shown = {value: name for value, name in names.items() if "," not in name}
    return ", ".join(shown.get(value, str(value)) for value in values)


def _values(part: str, known: Mapping[str, int]) -> list[int]:
    if part.lower() in known:
        return [known[part.lower()]]
    first, dash, last = part.partition("-")
    if first.strip().isdecimal() and not dash:
        return [int(first)]
    if first.strip().isdecimal() and last.strip().isdecimal() and int(first) <= int(last) < int(first) + 10_000:
        return list(range(int(first), int(last) + 1))
    names = ", ".join(list(known)[:5]) or "none"
    raise SettingsError(f"Classes must be labels such as 1, 2 or 4-6, or known names ({names}), got {part!r}.")
