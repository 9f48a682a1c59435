"""Opening reads metadata and no voxel, whatever the source."""

import nibabel
import numpy as np
import pytest
import tifffile
import torch
import zarr

from napari_seamless.volume import open_volume


class WatchedStore(zarr.storage.WrapperStore):
    """Remember every key that is read."""

    def __init__(self, store):
        super().__init__(store)
        self.keys = []

    async def get(self, key, prototype, byte_range=None):
        self.keys.append(key)
        return await super().get(key, prototype, byte_range)


def _chunks(keys):
    return [
        key
        for key in keys
        if key.rsplit("/", 1)[-1] not in {"zarr.json", ".zarray", ".zattrs", ".zgroup", ".zmetadata"}
    ]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_and_ome_zarr(zarr_format):
    store = WatchedStore(zarr.storage.MemoryStore())
    group = zarr.create_group(store, zarr_format=zarr_format)
    group.create_array("0", data=np.ones((8, 8), "u1"), chunks=(4, 4))
    image = {"axes": ["y", "x"], "datasets": [{"path": "0"}]}
    group.attrs.update({"multiscales": [image]} if zarr_format == 2 else {"ome": {"multiscales": [image]}})
    store.keys.clear()
    volume = open_volume(zarr.open_group(store, mode="r+"))
    open_volume(group["0"])
    assert store.keys
    assert _chunks(store.keys) == []
    volume.data[:4, :4]
    assert len(_chunks(store.keys)) == 1


def test_array():
    class Counting:
        shape, dtype, reads = (400, 400, 400), np.dtype("f4"), 0

        def __getitem__(self, key):
            self.reads += 1
            return np.zeros((1, 1, 1))

    array = Counting()
    assert open_volume(array).shape == (400, 400, 400)
    assert array.reads == 0


def test_tensor_is_not_copied():
    tensor = torch.empty(1).expand(10**4, 10**4, 10**4)  # four terabytes that are not there
    volume = open_volume(tensor)
    assert volume.shape == (10**4,) * 3
    assert volume.data[5, 5, :7].shape == (7,)


@pytest.mark.parametrize("ending", ["nii", "nii.gz"])
def test_nifti(tmp_path, ending, monkeypatch):
    nibabel.save(nibabel.Nifti1Image(np.zeros((50, 60, 70), np.uint8), np.eye(4)), tmp_path / f"a.{ending}")
    reads = []
    unscaled = nibabel.arrayproxy.ArrayProxy._get_unscaled
    monkeypatch.setattr(
        nibabel.arrayproxy.ArrayProxy,
        "_get_unscaled",
        lambda self, slicer: reads.append(slicer) or unscaled(self, slicer),
    )
    volume = open_volume(tmp_path / f"a.{ending}")
    assert (volume.shape, reads) == ((70, 60, 50), [])
    assert volume.data[3:5, 4].shape == (2, 50)
    assert reads == [(slice(None), 4, slice(3, 5))]


def test_tiff(tmp_path, monkeypatch):
    tifffile.imwrite(
        tmp_path / "a.tif", np.ones((9, 64, 64), np.uint8), tile=(16, 16), compression="zlib", photometric="minisblack"
    )
    reads = []
    read = tifffile.tifffile.FileCache.read
    monkeypatch.setattr(
        tifffile.tifffile.FileCache, "read", lambda self, *args, **kw: reads.append(args) or read(self, *args, **kw)
    )
    volume = open_volume(tmp_path / "a.tif")
    assert (volume.shape, reads) == ((9, 64, 64), [])
    assert volume.data[8, :16, :32].all()
    assert len(reads) == 2


def test_npy(tmp_path):
    shape = (3000, 1000, 1000)  # three gigabytes, all a hole in the file
    np.lib.format.open_memmap(tmp_path / "a.npy", mode="w+", dtype=np.uint8, shape=shape).flush()
    volume = open_volume(tmp_path / "a.npy")
    assert isinstance(volume.data, np.memmap)
    assert volume.shape == shape
