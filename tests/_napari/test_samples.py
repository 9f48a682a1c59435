"""The samples hold what the original files hold."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

import nibabel
import nilearn
import numpy as np
import pytest
from npe2 import PluginManifest

import napari_seamless
from napari_seamless import samples
from napari_seamless.errors import MissingDependencyError
from napari_seamless.volume import open_volume

TEMPLATE = Path(nilearn.__file__).parent / "datasets" / "data" / "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


@pytest.fixture(scope="module")
def brain():
    return samples.brain()


def original(kind: str) -> np.ndarray:
    return nibabel.load(str(TEMPLATE).format(kind)).get_fdata()


def test_brain_labels_are_the_most_probable_tissue(brain):
    white, grey = original("wm") / 255, original("gm") / 255
    expected = np.argmax(np.stack([1 - white - grey, white, grey]), axis=0).transpose(2, 1, 0)
    np.testing.assert_array_equal(brain[1].data, expected)
    assert brain[1].label_names == {0: "background", 1: "white matter", 2: "grey matter"}


def test_brain_image_is_the_template_in_z_y_x(brain):
    image = brain[0]
    np.testing.assert_array_equal(image.data, original("t1").transpose(2, 1, 0))
    assert (image.axes, image.spacing, image.units) == (("z", "y", "x"), (1.0,) * 3, ("millimeter",) * 3)


def test_brain_lies_where_nibabel_says(brain):
    image = brain[0]
    affine = nibabel.load(str(TEMPLATE).format("t1")).affine
    np.testing.assert_allclose(image.affine @ [3, 5, 7, 1], affine @ [7, 5, 3, 1])
    np.testing.assert_allclose(image.translation, affine[2::-1, 3])


def test_brain_agrees_with_opening_the_file(brain):
    opened = open_volume(str(TEMPLATE).format("t1"))
    assert opened.shape == brain[0].shape
    assert opened.spacing == pytest.approx(brain[0].spacing)
    np.testing.assert_array_equal(np.asarray(opened.data[90:92]), brain[0].data[90:92])


def test_brain_without_nilearn_names_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"napari-seamless\[samples\]"):
        samples.brain()


def test_nuclei_are_the_file_that_the_read_me_describes():
    readme = Path(napari_seamless.__file__).parents[2] / "sample_data" / "nuclei" / "README.md"
    packaged = files("napari_seamless").joinpath("data/nuclei.npz").read_bytes()
    assert hashlib.sha256(packaged).hexdigest() in readme.read_text(encoding="utf-8")
    assert len(packaged) < 1_000_000


def test_nuclei_are_brighter_than_their_surroundings():
    image, labels = samples.nuclei()
    inside = np.asarray(labels.data) > 0
    for label in np.unique(labels.data[inside]):
        assert image.data[labels.data == label].mean() > 2 * image.data[~inside].mean()
    assert set(labels.label_names) == set(np.unique(labels.data))
    assert image.spacing == (0.29, 0.26, 0.26)


@pytest.fixture
def manifest() -> PluginManifest:
    return PluginManifest.from_file(Path(napari_seamless.__file__).parent / "napari.yaml")


@pytest.mark.parametrize(("key", "shape"), [("brain", (189, 233, 197)), ("nuclei", (48, 144, 144))])
def test_npe2_opens_the_samples(npe2pm, manifest, key, shape):
    npe2pm.register(manifest)
    (sample,) = [s for s in manifest.contributions.sample_data if s.key == key]
    layers = npe2pm.commands.execute(sample.command)
    assert [kind for _, _, kind in layers] == ["image", "labels"]
    assert all(data.shape == shape for data, _, _ in layers)


def test_npe2_finds_the_widgets(npe2pm, manifest):
    from napari_seamless._qt import SegmentDock
    from napari_seamless._qt.correcting import CorrectDock
    from napari_seamless._qt.distance import DistanceDock
    from napari_seamless._qt.tuning import TuneDock

    docks = {widget.display_name: widget.command for widget in manifest.contributions.widgets}
    assert sorted(docks) == ["Correct and refine", "Distance maps", "Meshes", "Segment volume", "Tune overlap"]
    npe2pm.register(manifest)
    assert npe2pm.commands.get(docks["Segment volume"]) is SegmentDock
    assert npe2pm.commands.get(docks["Tune overlap"]) is TuneDock
    assert npe2pm.commands.get(docks["Correct and refine"]) is CorrectDock
    assert npe2pm.commands.get(docks["Distance maps"]) is DistanceDock
