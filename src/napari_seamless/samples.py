"""Sample volumes with reference labels, for the window, the demo, and the training of the demo network."""

from __future__ import annotations

import importlib.util
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_seamless.errors import MissingDependencyError
from napari_seamless.types import Level, Volume

BRAIN_CLASSES = {0: "background", 1: "white matter", 2: "grey matter"}
"""Names of the reference labels of the brain, which are the classes of the demo network."""

_TEMPLATE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"
_XYZ_FROM_ZYX = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=np.float64)

Array = npt.NDArray[Any]


def brain() -> tuple[Volume, Volume]:
    """Return the MNI152 T1 template and reference labels that follow from its tissue probability maps.

    The template is the symmetric nonlinear average of 152 adults (ICBM 2009a, 1 mm) that nilearn ships; nothing is
    downloaded.

    Returns
    -------
    image, labels : Volume
        uint8 arrays of shape (189, 233, 197), axes z, y, x, spacing 1 millimeter. The labels are `BRAIN_CLASSES`.

    Raises
    ------
    MissingDependencyError
        nilearn or nibabel is not installed.

    Examples
    --------
    >>> image, labels = brain()  # doctest: +SKIP
    >>> image.shape, labels.label_names[1]  # doctest: +SKIP
    ((189, 233, 197), 'white matter')
    """
    folder = _template_folder()
    image, affine = _read_nifti(folder / _TEMPLATE.format("t1"))
    white, _ = _read_nifti(folder / _TEMPLATE.format("wm"))
    grey, _ = _read_nifti(folder / _TEMPLATE.format("gm"))
    geometry: dict[str, Any] = {
        "units": ("millimeter",) * 3,
        "spacing": tuple(float(n) for n in np.linalg.norm(affine[:3, :3], axis=0)),
        "translation": tuple(float(n) for n in affine[2::-1, 3]),
        "affine": affine,
    }
    return (
        _volume("brain T1", image, **geometry),
        _volume("brain reference", most_probable_tissue(white, grey), label_names=BRAIN_CLASSES, **geometry),
    )


def most_probable_tissue(white: Array, grey: Array) -> npt.NDArray[np.uint8]:
    """Turn two probability maps into labels: the largest of background, white matter and grey matter.

    Parameters
    ----------
    white, grey : numpy.ndarray
        uint8, 255 standing for a probability of 1. What remains of 1 is background. On a tie the first class wins.

    Returns
    -------
    numpy.ndarray
        uint8 labels 0 (background), 1 (white matter), 2 (grey matter), of the same shape.

    Examples
    --------
    >>> most_probable_tissue(np.uint8([10, 200, 20]), np.uint8([20, 50, 180])).tolist()
    [0, 1, 2]
    """
    # In whole 255ths the comparison is exact; a float division would decide ties by rounding.
    white, grey = white.astype(np.int16), grey.astype(np.int16)
    background = 255 - white - grey
    labels = np.where(white > background, np.uint8(1), np.uint8(0))
    labels[grey > np.maximum(white, background)] = 2
    return labels


def nuclei() -> tuple[Volume, Volume]:
    """Return a confocal stack of cell nuclei and its instance labels, shipped with the package.

    Returns
    -------
    image, labels : Volume
        uint8 arrays of shape (48, 144, 144), axes z, y, x, spacing (0.29, 0.26, 0.26) micrometer; label 0 is
        background, every other label is one nucleus.

    Examples
    --------
    >>> image, labels = nuclei()
    >>> image.shape, image.spacing, int(labels.data[:].max())
    ((48, 144, 144), (0.29, 0.26, 0.26), 14)
    """
    with files("napari_seamless").joinpath("data/nuclei.npz").open("rb") as file, np.load(file) as arrays:
        image, labels, spacing = arrays["image"], arrays["labels"], arrays["spacing_um"]
    geometry: dict[str, Any] = {
        "units": ("micrometer",) * 3,
        "spacing": tuple(float(n) for n in spacing),
        "translation": (0.0,) * 3,
    }
    names = {0: "background"} | {int(n): f"nucleus {n}" for n in np.unique(labels) if n}
    return _volume("nuclei", image, **geometry), _volume("nuclei reference", labels, label_names=names, **geometry)


def _template_folder() -> Path:
    """Return the folder of nilearn's bundled files without importing nilearn, which takes seconds."""
    spec = importlib.util.find_spec("nilearn")
    if spec is None or spec.origin is None or importlib.util.find_spec("nibabel") is None:
        raise MissingDependencyError(
            "The brain sample needs nilearn, which ships the template, and nibabel, which reads it; "
            "try pip install 'napari-seamless[samples]'."
        )
    return Path(spec.origin).parent / "datasets" / "data"


def _read_nifti(path: Path) -> tuple[Array, npt.NDArray[np.float64]]:
    """Return voxels as stored in axes z, y, x, and the matrix from (z, y, x, 1) to world (x, y, z, 1)."""
    import nibabel

    image: Any = nibabel.load(path)
    voxels = np.ascontiguousarray(np.asanyarray(image.dataobj).T)
    return voxels, np.asarray(image.affine, dtype=np.float64) @ _XYZ_FROM_ZYX


def _volume(
    name: str,
    data: Array,
    *,
    spacing: tuple[float, ...],
    translation: tuple[float, ...],
    **fields: Any,
) -> Volume:
    level = Level(data=data, spacing=spacing, translation=translation)
    return Volume(name=name, axes=("z", "y", "x"), levels=(level,), is_labels="label_names" in fields, **fields)
