"""What a run computes: equal to MONAI, to a whole-volume pass, and to itself however it is cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from tests.engine.networks import Counting, as_model, image, local_network, numbered, whole_pass
from tests.strategies import BORDERS
from torch import nn

from napari_seamless import segment
from napari_seamless.plan import make_plan
from napari_seamless.types import BorderMode, WindowKind
from napari_seamless.volume import open_volume

SHAPE = (21, 26, 19)


@pytest.mark.parametrize("window", ["gaussian", "constant"])
@pytest.mark.parametrize(
    ("patch", "overlap", "batch"),
    [(8, 0.5, 1), (8, 0.0, 4), (12, 0.75, 3), ((16, 8, 19), 0.25, 2), ((7, 9, 5), (0.5, 0.25, 0.0), 5)],
)
def test_probabilities_equal_the_sliding_window_of_monai(
    patch: int | tuple[int, ...], overlap: float | tuple[float, ...], batch: int, window: WindowKind
) -> None:
    volume, network = image(SHAPE), local_network()
    result = segment(
        volume,
        network,
        patch_size=patch,
        overlap=overlap,
        border="edge",
        window=window,
        write="probabilities",
        batch_size=batch,
        device="cpu",
        chunk_size=10,
    )
    with torch.inference_mode():
        theirs = sliding_window_inference(
            torch.from_numpy(np.asarray(volume.data)[None, None]),
            (patch,) * 3 if isinstance(patch, int) else patch,
            batch,
            network,
            overlap=overlap,
            mode=window,
        )[0].numpy()
    assert np.asarray(result.array).dtype == np.float32
    np.testing.assert_allclose(np.asarray(result.array), theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "crop"])
@pytest.mark.parametrize("window", ["gaussian", "constant"])
@pytest.mark.parametrize("shape", [(50,), (30, 17), SHAPE])
def test_a_pointwise_network_gives_the_whole_volume_pass(
    shape: tuple[int, ...], window: WindowKind, border: BorderMode
) -> None:
    volume, network = image(shape), local_network(len(shape), kernel=1)
    result = segment(
        volume, network, patch_size=9, overlap=0.4, border=border, window=window, write="probabilities", device="cpu"
    )
    np.testing.assert_allclose(np.asarray(result.array), whole_pass(network, volume), rtol=0, atol=1e-5)


class Trusted(nn.Module):
    """Zero what lies within the receptive radius of a patch's border, so that only exact outputs are blended.

    The outputs carry one more channel, the number of exact outputs (1 inside, 0 at the border): dividing by it undoes
    the blending of zeros.
    """

    def __init__(self, network: nn.Module, halo: int) -> None:
        super().__init__()
        self.network, self.halo = network, halo

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        output = self.network(batch)
        inside = torch.zeros_like(output[:, :1])
        core = (slice(None), slice(None), *(slice(self.halo, n - self.halo) for n in batch.shape[2:]))
        inside[core] = 1
        return torch.cat([output * inside, inside], 1)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("shape", "patch"), [((60,), 15), ((40, 33), 12), ((24, 20, 22), 10)])
def test_once_the_overlap_covers_the_halo_tiled_equals_whole(
    shape: tuple[int, ...], patch: int, border: BorderMode
) -> None:
    halo = 2  # two 3^n convolutions
    volume, network = image(shape), local_network(len(shape))
    result = segment(
        volume,
        Trusted(network, halo),
        patch_size=patch,
        overlap=2 * halo / patch,
        border=border,
        window="constant",
        write="probabilities",
        device="cpu",
    )
    blended = np.asarray(result.array)
    covered = [grid.interval(len(grid) - 1)[1] for grid in result.plan.grids]
    inner = (slice(None), *(slice(halo, n - halo) for n in covered))
    # every voxel a halo away from the end of what is covered has an exact output from some patch
    assert blended[-1:][inner].min() > 0
    tiled = blended[:-1][inner] / blended[-1:][inner]
    np.testing.assert_allclose(tiled, whole_pass(network, volume)[inner], rtol=0, atol=1e-5)


def test_a_patch_as_large_as_the_volume_is_the_whole_pass_for_any_network() -> None:
    volume, network = image(SHAPE), local_network()
    result = segment(volume, network, patch_size=SHAPE, write="probabilities", device="cpu")
    assert result.patches == result.evaluated == 1
    np.testing.assert_allclose(np.asarray(result.array), whole_pass(network, volume), rtol=0, atol=1e-5)


def test_labels_are_the_largest_of_the_probabilities() -> None:
    volume, network = image(SHAPE), local_network()
    options = {"patch_size": 8, "device": "cpu", "chunk_size": 7}
    means = segment(volume, network, write="probabilities", **options)  # type: ignore[arg-type]
    labels = segment(volume, network, **options)  # type: ignore[arg-type]
    best = np.sort(np.asarray(means.array), axis=0)
    clear = best[-1] - best[-2] > 1e-6
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(np.asarray(labels.array)[clear], np.asarray(means.array).argmax(0)[clear])
    assert np.asarray(labels.array).dtype == np.uint8


def test_crop_leaves_uncovered_voxels_empty_and_says_so() -> None:
    volume = image((21, 30))
    result = segment(
        volume, as_model(lambda x: 1 + x, 2), patch_size=8, overlap=0.0, border="crop", write="probabilities",
        device="cpu", chunk_size=5,
    )  # fmt: skip
    array = np.asarray(result.array)[0]
    assert array[:16, :24].min() >= 1
    assert not array[16:].any()
    assert not array[:, 24:].any()
    (warning,) = result.warnings
    assert f"left {21 * 30 - 16 * 24} voxels" in warning


def test_adaptive_patches_are_smaller_only_where_they_must() -> None:
    shapes: set[tuple[int, ...]] = set()

    def network(x: torch.Tensor) -> torch.Tensor:
        shapes.add(tuple(x.shape[2:]))
        return torch.cat([x, 1 - x], 1)

    volume = image((22, 16))
    result = segment(
        volume, as_model(network, 2, divisor=(4,)), patch_size=8, overlap=0.0, border="adaptive",
        write="probabilities", device="cpu",
    )  # fmt: skip
    assert shapes == {(8, 8)}
    assert result.plan.grids[0].starts == (0, 8, 14)
    shapes.clear()
    segment(volume, as_model(network, 2), patch_size=8, overlap=0.0, border="adaptive", device="cpu")
    assert shapes == {(8, 8), (6, 8)}


def test_one_channel_of_several_is_chosen() -> None:
    voxels = np.random.default_rng(0).random((3, 12, 14), np.float32)
    volume, network = open_volume(voxels, axes="cyx"), local_network(2)
    result = segment(volume, network, patch_size=(12, 14), channel=2, write="probabilities", device="cpu")
    with torch.inference_mode():
        truth = network(torch.from_numpy(voxels[None, 2:3]))[0].numpy()
    np.testing.assert_allclose(np.asarray(result.array), truth, atol=1e-6)
    several = local_network(2, channels=3)
    both = segment(volume, several, patch_size=(12, 14), write="probabilities", device="cpu")
    np.testing.assert_allclose(np.asarray(both.array), whole_pass(several, volume), atol=1e-6)


def test_one_output_is_compared_with_the_threshold() -> None:
    volume = image((16, 16))
    model = as_model(lambda x: x, 2)
    result = segment(volume, model, patch_size=8, threshold=0.25, window="constant", device="cpu")
    truth = np.asarray(volume.data) > 0.25
    np.testing.assert_array_equal(np.asarray(result.array), truth)
    assert result.classes == ("background", "foreground")


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("batch", [1, 3])
def test_every_patch_is_evaluated_once(border: BorderMode, batch: int) -> None:
    shape, network = (23, 18), Counting()
    result = segment(
        numbered(shape), as_model(network, 2), patch_size=7, overlap=0.5, border=border, batch_size=batch, device="cpu",
        chunk_size=4, memory_budget="1MiB",
    )  # fmt: skip
    plan = make_plan(shape, 7, 0.5, border=border)
    starts = [plan.patch_box(i).start for i in np.ndindex(*plan.grid_shape)]
    assert sorted(network.corners) == [int(np.ravel_multi_index(start, shape)) for start in starts]
    assert result.evaluated == result.patches == len(starts)


@pytest.mark.parametrize("write", ["labels", "probabilities"])
def test_bytes_do_not_depend_on_chunks_budget_or_sink(write: str, tmp_path: Path) -> None:
    volume, network = image((30, 27, 24)), local_network()
    seen = set()
    cases = [(None, None), (8, "1700k"), (13, "2MiB"), ((30, 5, 9), "2MiB"), (5, "1100k")]
    for i, (chunk, budget) in enumerate(cases):
        result = segment(
            volume, network, tmp_path / f"{i}" if i % 2 else None, patch_size=12, overlap=0.5, chunk_size=chunk,
            memory_budget=budget, write=write, device="cpu",
        )  # fmt: skip
        seen.add(np.asarray(result.array[...]).tobytes())
    assert len(seen) == 1


def test_a_scripted_network_gives_the_same_bytes_from_its_first_call_on() -> None:
    """Scripted code is specialised after the first calls; a resumed run must not tell."""
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.conv(x)
            return torch.tanh(y) * torch.sigmoid(y) + 0.1 * y

    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        scripted = torch.jit.script(Net().eval())
    batch = torch.from_numpy(np.asarray(image((1, 1, 33, 31), axes="bcyx").data))
    model = as_model(scripted, 2)
    outputs = {model(batch).numpy().tobytes() for _ in range(5)}
    assert len(outputs) == 1


def test_a_run_inside_inference_mode_is_like_any_other() -> None:
    network, volume = local_network(), image((24, 20, 22))
    with torch.inference_mode():
        inside = segment(volume, network, patch_size=12, device="cpu", write="probabilities")
    outside = segment(volume, network, patch_size=12, device="cpu", write="probabilities")
    np.testing.assert_array_equal(inside.array, outside.array)
