"""Settings of a run as a JSON file: what `tune` recommends and `segment` runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_seamless.errors import SettingsError, StorageError
from napari_seamless.recipe import make_settings
from napari_seamless.types import WINDOW_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_seamless.recipe import RunSettings


def recipe_text(settings: RunSettings, path: str | None = None) -> str:
    """Return what was chosen of the settings as JSON; what keeps its default is left out.

    Parameters
    ----------
    settings : RunSettings
        What to run.
    path : str or None
        Where the recipe will be: the file of a window is named as seen from there, so that both can be moved together.
    """
    chosen = settings.model_dump(mode="json", include=set(settings.model_fields_set))
    if path is not None and _is_file(chosen.get("window")):
        chosen["window"] = _seen_from(Path(path).absolute().parent, chosen["window"])
    return json.dumps(chosen, indent=2) + "\n"


def with_recipe(recipe: str | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe, and over them those that are given.

    Parameters
    ----------
    recipe : str or None
        Path of a JSON file with fields of `RunSettings`; None where there is none. The file of a window is looked for
        beside the recipe.
    given : mapping
        Fields of `RunSettings`; None where not given.

    Raises
    ------
    SettingsError
        The file is no recipe.
    StorageError
        It cannot be read.
    """
    values = {} if recipe is None else _read(Path(recipe))
    return values | {name: value for name, value in given.items() if value is not None}


def _read(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StorageError(f"The recipe {path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise SettingsError(f"The recipe {path} is no JSON ({error}); write one with tune --recipe.") from error
    if not isinstance(values, dict):
        raise SettingsError(f"The recipe {path} must hold one object of settings; write one with tune --recipe.")
    if _is_file(values.get("window")):
        values["window"] = str(path.parent / values["window"])
    try:
        make_settings(**values)
    except SettingsError as error:
        raise SettingsError(f"The recipe {path} does not fit: {error}") from None
    return values


def _is_file(window: object) -> bool:
    return isinstance(window, str) and window.endswith(WINDOW_SUFFIX)


def _seen_from(folder: Path, file: str) -> str:
    try:
        return Path(os.path.relpath(file, folder)).as_posix()
    except ValueError:  # another drive
        return str(Path(file).absolute())


def check_file(path: str | None) -> None:
    """Refuse a file that cannot be written, before the work that it is to hold.

    Raises
    ------
    StorageError
        Its folder does not exist, or it is a folder itself.
    """
    if path is None:
        return
    if not Path(path).absolute().parent.is_dir():
        raise StorageError(f"The folder of {path} does not exist; make it first.")
    if Path(path).is_dir():
        raise StorageError(f"{path} is a folder; name a file.")


def write_file(path: str | None, text: str) -> None:
    """Write text to a file where there is a path; a file that is there is replaced as a whole.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    if path is None:
        return
    target = Path(path)
    beside = target.with_name(f".{target.name}-unfinished")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(f"{path} cannot be written ({error.strerror or error}).") from error
