"""What leaves the checkout is complete, and napari finds it there."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution, version
from pathlib import Path

import pytest
from npe2 import PluginManifest
from packaging.requirements import Requirement

import napari_seamless

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "src" / "napari_seamless"

# Asks npe2 as napari does, in an interpreter that sees nothing of the checkout.
DISCOVER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from npe2 import PluginManager
manager = PluginManager()
manager.discover(include_npe1=False)
manifest = manager.get_manifest("napari-seamless")
import napari_seamless
print(json.dumps([napari_seamless.__file__, manifest.display_name, manifest.package_version]))
"""


def run(*command: str | Path) -> str:
    """Run a command outside the checkout and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=CHECKOUT.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build an sdist, and a wheel from that sdist, with the tools that are here."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, CHECKOUT)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


def package_files(*, python: bool) -> set[str]:
    """Name the Python files of the package, or all others, relative to the folder above it."""
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(PACKAGE.parent).as_posix() for path in files if (path.suffix == ".py") is python}


def test_the_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= package_files(python=True)
    assert names >= package_files(python=False)
    assert names >= {"napari_seamless/napari.yaml", "napari_seamless/py.typed"}
    assert {name.split("/")[0].split("-")[0] for name in names} == {"napari_seamless"}


def test_the_sdist_holds_what_it_takes_to_build_and_test(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    expected = {"pyproject.toml", "constraints.txt", "README.md", "LICENSE", "Makefile", "tests/test_packaging.py"}
    assert names >= expected | {f"src/{name}" for name in package_files(python=False)}
    assert not any(name.startswith((".venv", "shared", "demo-output", "site/")) for name in names)


def test_napari_finds_the_manifest_of_an_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    file, display_name, found = json.loads(run(sys.executable, "-c", DISCOVER, target))
    assert Path(file).is_relative_to(target)
    assert (display_name, found) == ("Seamless", napari_seamless.__version__)


def test_napari_finds_the_manifest_of_this_environment() -> None:
    manifest = PluginManifest.from_distribution("napari-seamless")
    assert manifest.name == "napari-seamless"
    assert manifest.package_version == version("napari-seamless") == napari_seamless.__version__


def test_the_manifest_passes_the_validator_of_npe2() -> None:
    output = run(sys.executable, "-m", "npe2", "validate", "napari-seamless", "--imports")
    assert "valid" in output


def test_the_root_manifest_is_a_relative_link_to_the_packaged_one() -> None:
    link = CHECKOUT / "napari.yaml"
    assert link.is_symlink()
    assert link.readlink() == Path("src/napari_seamless/napari.yaml")
    assert link.read_bytes() == (PACKAGE / "napari.yaml").read_bytes()


def test_an_install_without_extras_brings_neither_napari_nor_a_qt_binding() -> None:
    requirements = [Requirement(text) for text in distribution("napari-seamless").requires or []]
    base = {r.name.lower() for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert "torch" in base
    assert base & {"napari", "pyqt5", "pyqt6", "pyside6", "qtpy", "nibabel", "nilearn", "matplotlib"} == set()
    # No extra chooses a Qt binding either, and none asks for all of napari.
    assert not any(r.name.lower().startswith(("pyqt", "pyside")) for r in requirements)
    assert not any(r.name == "napari" and r.extras for r in requirements)


def test_napari_can_be_searched_for_the_plugin() -> None:
    classifiers = distribution("napari-seamless").metadata.get_all("Classifier") or []
    assert "Framework :: napari" in classifiers
