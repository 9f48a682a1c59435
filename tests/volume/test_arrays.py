"""Arrays in memory, memory-mapped, in torch and behind dask, and the axes they get."""

import dask.array as da
import numpy as np
import pytest
import torch

from napari_seamless.errors import AxesError, VolumeError, VolumeNotFoundError
from napari_seamless.volume import open_volume


@pytest.fixture
def numbers():
    return np.random.default_rng(5).integers(0, 1000, (3, 8, 9, 10)).astype(np.int16)


def test_array_stays_the_same_object(numbers):
    volume = open_volume(numbers, axes="czyx", name="cells")
    assert volume.data is numbers
    assert (volume.name, volume.axes, volume.n_channels) == ("cells", ("c", "z", "y", "x"), 3)
    assert volume.spatial_shape == (8, 9, 10)
    assert volume.spacing == (1.0, 1.0, 1.0)
    assert volume.units == (None, None, None)
    assert volume.source is None


@pytest.mark.parametrize(("shape", "axes"), [((4,), "x"), ((4, 5), "yx"), ((4, 5, 6), "zyx")])
def test_short_arrays_are_spatial_by_convention(shape, axes):
    assert open_volume(np.zeros(shape)).axes == tuple(axes)


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [
        ((2, 3, 4, 5), None, 'axes="czyx"'),
        ((1, 2, 3, 4, 5), None, 'axes="tczyx"'),
        ((3, 4), "zyx", "2 dimensions"),
        ((3, 4), "yy", "own name"),
        ((3, 4), "tc", "no spatial axis"),
        ((3, 4), [None, "x"], "must name every axis"),
        ((), None, "single number"),
    ],
)
def test_axes_are_never_guessed(shape, axes, words):
    with pytest.raises(AxesError, match=words):
        open_volume(np.zeros(shape), axes=axes)


def test_long_axis_names_and_overrides():
    volume = open_volume(
        np.zeros((2, 4, 5)), axes=("Channel", "Y", "X"), spacing=(2, 0.5), units=("um", None), translation=(7, -1)
    )
    assert volume.axes == ("c", "y", "x")
    assert volume.spacing == (2.0, 0.5)
    assert volume.translation == (7.0, -1.0)
    assert volume.units == ("micrometer", None)
    assert open_volume(np.zeros((4, 5)), spacing=3, units="mm").spacing == (3.0, 3.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"spacing": (1, 2)}, "spacing must be"),
        ({"spacing": (1, 2, 0)}, "positive spacing"),
        ({"spacing": "wide"}, "spacing must be"),
        ({"spacing": float("nan")}, "positive spacing"),
        ({"translation": (1, 2, 3, 4)}, "translation must be"),
        ({"translation": float("inf")}, "finite translation"),
        ({"units": ("mm",)}, "units must be"),
        ({"missing_chunks": "panic"}, "missing_chunks must be"),
    ],
)
def test_overrides_that_do_not_fit_are_refused(wrong, words):
    with pytest.raises(VolumeError, match=words):
        open_volume(np.zeros((2, 3, 4)), **wrong)


@pytest.mark.parametrize(
    "dtype", [np.complex64, object, "U5", "datetime64[s]", [("r", "u1"), ("g", "u1")], np.longdouble]
)
def test_elements_that_are_no_numbers_are_refused(dtype):
    with pytest.raises(VolumeError, match="holds elements of type"):
        open_volume(np.zeros((2, 3, 4), dtype=dtype))


def test_empty_axis_is_refused():
    with pytest.raises(VolumeError, match="empty along y"):
        open_volume(np.zeros((2, 0, 4)))


@pytest.mark.parametrize("source", [42, None, [[1, 2], [3, 4]], {"a": 1}])
def test_what_is_no_array_is_refused(source):
    with pytest.raises(VolumeError, match="source must be"):
        open_volume(source)


def test_dask_stays_lazy():
    def explode(block):
        raise AssertionError("a block was computed")

    volume = open_volume(da.zeros((4, 8, 8), chunks=4).map_blocks(explode, dtype=float, meta=np.empty((0, 0, 0))))
    assert volume.shape == (4, 8, 8)


def test_dask_of_unknown_length_is_refused():
    unknown = da.arange(10, chunks=5)
    with pytest.raises(VolumeError, match="unknown length"):
        open_volume(unknown[unknown > 3])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float16, torch.float32, torch.bool])
def test_tensor_reads_as_numpy(dtype):
    tensor = torch.arange(24).reshape(2, 3, 4).to(dtype).requires_grad_(dtype.is_floating_point)
    volume = open_volume(tensor)
    np.testing.assert_array_equal(volume.data[1:, :2], tensor.detach().numpy()[1:, :2])
    assert volume.dtype == tensor.detach().numpy().dtype


def test_tensor_shares_memory_and_bfloat16_is_read_as_float32():
    tensor = torch.zeros(4, 4)
    volume = open_volume(tensor)
    tensor[2, 3] = 9
    assert volume.data[2, 3] == 9
    half = open_volume(torch.full((2, 2), 1.5, dtype=torch.bfloat16))
    assert half.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(half.data), np.full((2, 2), 1.5, np.float32))


def test_sparse_tensor_is_refused():
    with pytest.raises(VolumeError, match="to_dense"):
        open_volume(torch.eye(3).to_sparse())


def test_npy_is_mapped(tmp_path, numbers):
    path = tmp_path / "stack.npy"
    np.save(path, numbers[0])
    volume = open_volume(path)
    assert isinstance(volume.data, np.memmap)
    assert (volume.name, volume.source) == ("stack", str(path))
    np.testing.assert_array_equal(volume.data[2:5, 1], numbers[0, 2:5, 1])
    again = open_volume(np.load(path, mmap_mode="r"))
    assert again.name == "stack"


def test_npy_of_objects_is_refused(tmp_path):
    path = tmp_path / "stack.npy"
    np.save(path, np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(VolumeError, match="cannot be mapped"):
        open_volume(path)


def test_volume_is_returned_as_it_is_or_with_overrides(numbers):
    volume = open_volume(numbers, axes="czyx", spacing=2, translation=5, units="mm")
    assert open_volume(volume) is volume
    finer = open_volume(volume, spacing=0.5, name="finer")
    assert (finer.spacing, finer.name, finer.axes) == ((0.5,) * 3, "finer", volume.axes)
    assert finer.units == volume.units


def test_path_that_does_not_exist(tmp_path):
    with pytest.raises(VolumeNotFoundError, match=r"nowhere\.zarr' does not exist") as caught:
        open_volume(tmp_path / "nowhere.zarr")
    assert isinstance(caught.value, FileNotFoundError)


@pytest.mark.parametrize(
    ("name", "content", "words"), [("notes.txt", b"hello", "begins with"), ("a.tif", b"", "is empty")]
)
def test_file_that_is_no_volume(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VolumeError, match=f"{words}.*OME-Zarr and Zarr folders, TIFF, NIfTI and .npy"):
        open_volume(str(tmp_path / name))
