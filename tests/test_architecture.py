"""The floor plan holds: rooms do not know each other, and the core is light."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import napari_seamless

PACKAGE = "napari_seamless"
SOURCE = Path(napari_seamless.__file__).parent

# What every room may import, and what may import every room.
SHARED = {"types", "errors"}

# The faces stand above everything: only they know each other.
FACES = {"cli", "live", "_napari", "_qt"}
COMBINERS = {"__init__", "recipe", "engine", "sampling", "training", *FACES}

NOT_IN_THE_CORE = {
    *("PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "napari", "npe2", "qtpy", "superqt", "vispy"),
    *("distributed", "indexed_gzip", "matplotlib", "nibabel", "nilearn", "skimage", "sklearn", "tifffile"),
    *("cc3d", "edt", "monai", "numba", "ome_zarr", "patchly", "scipy", "tensorflow", "keras", "torchio", "trimesh"),
    *("DracoPy", "meshio", "vtk", "vtkmodules", "zmesh"),
}

ROOMS = sorted(
    path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
)


def files_of(room: str) -> list[Path]:
    """List the source files of a room, which is a module or a folder."""
    module = SOURCE / f"{room}.py"
    return [module] if module.exists() else sorted((SOURCE / room).rglob("*.py"))


def imported_rooms(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Yield line and room of every import from the package, those inside functions and for types included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, [base, node.module]))
            # `from package import room` names the room in its list, `from package.room import name` before it.
            names = [f"{module}.{alias.name}" for alias in node.names] if module == PACKAGE else [module]
        else:
            continue
        for name in names:
            if name == PACKAGE:
                yield node.lineno, "__init__"
            elif name.startswith(f"{PACKAGE}."):
                yield node.lineno, name.split(".")[1]


def violations(room: str, source: str, package: str) -> list[str]:
    """Describe every import that the floor plan forbids to a file of `room`."""
    found = []
    for line, other in imported_rooms(source, package):
        if other == room or other in SHARED:
            continue
        if room in FACES or (room in COMBINERS and other not in FACES):
            continue
        found.append(f"line {line}: {room} imports {other}")
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_the_shared_types_and_themselves(room: str) -> None:
    found = []
    for path in files_of(room):
        folder = path.parent.relative_to(SOURCE).parts
        package = ".".join([PACKAGE, *folder])
        found += [f"{path.relative_to(SOURCE)}, {text}" for text in violations(room, path.read_text(), package)]
    assert found == []


@pytest.mark.parametrize(
    ("room", "source", "allowed"),
    [
        ("plan", "from napari_seamless.types import Box", True),
        ("plan", "from napari_seamless.plan.grid import starts", True),
        ("plan", "from .grid import starts", True),
        ("plan", "from ..errors import GeometryError", True),
        ("plan", "from napari_seamless.blend import add", False),
        ("plan", "from napari_seamless import blend", False),
        ("plan", "from .. import blend", False),
        ("plan", "from ..blend.add import add", False),
        ("plan", "import napari_seamless.blend.add", False),
        ("plan", "import napari_seamless", False),
        ("plan", "def f():\n    from napari_seamless.volume import open_volume", False),
        ("types", "from napari_seamless.plan import make_plan", False),
        ("engine", "from napari_seamless.plan import make_plan", True),
        ("engine", "from napari_seamless._qt import widget", False),
        ("cli", "from napari_seamless.engine import segment", True),
        ("_qt", "from napari_seamless._napari import layers", True),
    ],
)
def test_the_rule_tells_a_forbidden_import_from_an_allowed_one(room: str, source: str, allowed: bool) -> None:
    assert (violations(room, source, f"{PACKAGE}.{room}") == []) is allowed


def loaded_after(statement: str) -> set[str]:
    """Return the top-level names in ``sys.modules`` after a statement in a fresh interpreter."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_package_itself_loads_nothing_but_the_standard_library() -> None:
    heavy = {"torch", "numpy", "zarr", "dask", "pydantic", *NOT_IN_THE_CORE}
    assert loaded_after(f"import {PACKAGE}") & heavy == set()


def test_the_core_and_the_command_line_load_no_window_and_no_optional_dependency() -> None:
    rooms = [room for room in ROOMS if room not in {"__init__", "_napari", "_qt"}]
    everything = "; ".join(f"import {PACKAGE}.{room}" for room in rooms)
    statement = f"from {PACKAGE} import *; {everything}"
    loaded = loaded_after(statement)
    assert "torch" in loaded
    assert loaded & NOT_IN_THE_CORE == set()


def test_the_public_names_are_few_and_exist() -> None:
    names = napari_seamless.__all__
    assert len(names) <= 20
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(napari_seamless, name) is not None
    assert set(names) <= set(dir(napari_seamless))
