"""NIfTI files that nibabel wrote: axes, spacing, units, orientation and scaled intensities."""

import gzip
import sys
from pathlib import Path

import nibabel
import nilearn
import numpy as np
import pytest

from napari_seamless.errors import MissingDependencyError, VolumeError
from napari_seamless.volume import cached, nifti, open_volume, useful_cache_bytes

TURNED = np.array([[0, -2, 0, 10], [0, 0, 3, 20], [0.5, 0, 0, 30], [0, 0, 0, 1]], dtype=float)


def _save(path, values, affine, **header):
    image = nibabel.Nifti1Image(values, affine)
    image.header.set_xyzt_units(header.get("unit", "mm"), "sec")
    if "slope" in header:
        image.header.set_slope_inter(header["slope"], header["inter"])
    nibabel.save(image, path)
    return path


@pytest.fixture
def values():
    return np.random.default_rng(10).integers(-99, 999, (5, 6, 7)).astype(np.int16)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_axes_are_reversed(tmp_path, values, ending):
    volume = open_volume(_save(tmp_path / f"brain.{ending}", values, np.diag([0.5, 2, 3, 1])))
    assert (volume.name, volume.axes, volume.shape) == ("brain", ("z", "y", "x"), (7, 6, 5))
    assert (volume.spacing, volume.units, volume.dtype) == ((3, 2, 0.5), ("millimeter",) * 3, np.int16)
    np.testing.assert_array_equal(volume.data[2:, 1, ::2], values.T[2:, 1, ::2])
    np.testing.assert_array_equal(np.asarray(volume.data), values.T)
    np.testing.assert_array_equal(volume.data[..., -1], values.T[..., -1])


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_whole_planes_are_read_at_once(tmp_path, values, ending, monkeypatch):
    monkeypatch.setattr(nifti, "PLANES_BYTES", 2 * 5 * 6 * 2)
    volume = open_volume(_save(tmp_path / f"brain.{ending}", values, np.eye(4)))
    assert volume.data.chunks == (2, 6, 5)
    kept = cached(volume, useful_cache_bytes(volume, (4, 4, 4), 10**6))
    read = []
    monkeypatch.setattr(type(volume.data), "__getitem__", lambda self, key: read.append(key) or values.T[key])
    for z in range(4):
        np.testing.assert_array_equal(kept.data[z : z + 4, 1:5, :4], values.T[z : z + 4, 1:5, :4])
    assert [key[0] for key in read] == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 7)]


def test_planes_of_pictures_and_series(tmp_path):
    for shape, chunks in (((5, 6), (6, 5)), ((5, 6, 7, 3), (1, 7, 6, 5))):
        _save(tmp_path / "a.nii", np.zeros(shape, np.int16), np.eye(4))
        assert open_volume(tmp_path / "a.nii").data.chunks == chunks


def test_orientation_is_kept(tmp_path, values):
    """A voxel's world position is the one that nibabel gives for the same voxel in the file's own order."""
    volume = open_volume(_save(tmp_path / "turned.nii", values, TURNED))
    assert volume.spacing == (3, 2, 0.5)
    x, y, z = 1, 2, 3
    world = nibabel.affines.apply_affine(nibabel.load(tmp_path / "turned.nii").affine, (x, y, z))
    np.testing.assert_allclose((volume.affine @ (z, y, x, 1))[:3], world)
    assert volume.translation == (0, 0, 0)
    assert open_volume(tmp_path / "turned.nii", spacing=1).affine is None


def test_straight_affine_gives_the_translation(tmp_path, values):
    affine = np.diag([1.0, 2, 3, 1])
    affine[:3, 3] = 4, 5, 6
    assert open_volume(_save(tmp_path / "a.nii", values, affine)).translation == (6, 5, 4)


def test_mni_template():
    (path,) = (Path(nilearn.__file__).parent / "datasets" / "data").glob("mni_icbm152_t1_*.nii.gz")
    volume = open_volume(path)
    image = nibabel.load(path)
    assert volume.spacing == (1, 1, 1)
    assert volume.shape == image.shape[::-1]
    np.testing.assert_array_equal(volume.data[90:94, 100:150:7, 60], np.asarray(image.dataobj).T[90:94, 100:150:7, 60])
    # the origin of MNI space, the anterior commissure, seen from both sides
    x, y, z = np.rint(np.linalg.inv(image.affine) @ (0, 0, 0, 1))[:3]
    np.testing.assert_allclose(volume.affine @ (z, y, x, 1), (0, 0, 0, 1), atol=1e-9)


def test_scaled_intensities(tmp_path, values):
    path = _save(tmp_path / "scaled.nii.gz", values.astype(np.float32), np.eye(4), slope=0.25, inter=-3)
    image = nibabel.load(path)
    image.header.set_data_dtype(np.int16)
    nibabel.save(nibabel.Nifti1Image(image.get_fdata(), np.eye(4), image.header), path)
    assert nibabel.load(path).dataobj.slope != 1
    volume = open_volume(path)
    assert volume.dtype == np.float64
    np.testing.assert_allclose(np.asarray(volume.data), nibabel.load(path).get_fdata().T)
    assert volume.data[1:3, 2].dtype == np.float64


@pytest.mark.parametrize(("shape", "axes"), [((5, 6), "yx"), ((5, 6, 7, 2), "tzyx"), ((5, 6, 7, 1, 3), "ctzyx")])
def test_other_dimensions_follow_the_standard(tmp_path, shape, axes):
    volume = open_volume(_save(tmp_path / "a.nii", np.zeros(shape, np.uint8), np.eye(4)))
    assert volume.axes == tuple(axes)
    assert volume.shape == shape[::-1]
    assert len(volume.spacing) == len(volume.units) == (2 if len(shape) == 2 else 3)


def test_fourth_dimension_can_be_named_channel(tmp_path):
    path = _save(tmp_path / "modalities.nii", np.zeros((5, 6, 7, 2), np.uint8), np.diag([1.0, 2, 3, 1]))
    volume = open_volume(path, axes="czyx")
    assert (volume.n_channels, volume.spacing) == (2, (3, 2, 1))


def test_units_of_micrometers_and_none(tmp_path, values):
    assert open_volume(_save(tmp_path / "a.nii", values, np.eye(4), unit="micron")).units[0] == "micrometer"
    assert open_volume(_save(tmp_path / "b.nii", values, np.eye(4), unit="unknown")).units[0] is None


def test_opposite_byte_order(tmp_path, values):
    header = nibabel.Nifti1Header(endianness=">")
    header.set_data_dtype(np.int16)
    image = nibabel.Nifti1Image(values, np.eye(4), header)
    nibabel.save(image, tmp_path / "big.nii")
    volume = open_volume(tmp_path / "big.nii")
    assert nibabel.load(tmp_path / "big.nii").dataobj.dtype == np.dtype(">i2")
    assert volume.dtype == np.dtype(np.int16)
    assert volume.data[0].dtype.isnative
    np.testing.assert_array_equal(np.asarray(volume.data), values.T)


@pytest.mark.parametrize(
    ("name", "content"), [("a.nii", b"no header at all"), ("a.nii.gz", b"no gzip"), ("b.nii", b"")]
)
def test_file_that_is_no_nifti(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VolumeError, match="is no readable NIfTI image"):
        open_volume(tmp_path / name)


@pytest.mark.parametrize("packed", [False, True])
def test_cut_off_file_is_named(tmp_path, packed):
    values = np.random.default_rng(0).integers(0, 255, (40, 40, 40)).astype(np.uint8)
    raw = _save(tmp_path / "brain.nii", values, np.eye(4)).read_bytes()
    path = tmp_path / ("brain.nii.gz" if packed else "brain.nii")
    path.write_bytes(gzip.compress(raw)[:30000] if packed else raw[:30000])
    data = open_volume(path).data
    assert data[0, 0].shape == (40,)
    with pytest.raises(VolumeError, match=r"brain\.nii.* cannot be read .*cut off or damaged"):
        data[30:]


def test_missing_nibabel_names_the_extra(tmp_path, values, monkeypatch):
    path = _save(tmp_path / "a.nii", values, np.eye(4))
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingDependencyError, match=r"napari-seamless\[nifti\]"):
        open_volume(path)
