"""The U-Net takes patches of any size, is the same for the same seed, and lies in a file with what was measured."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_seamless.engine import segment
from napari_seamless.errors import ModelError
from napari_seamless.models import UNet, load_model, load_performance, make_unet, save_torchscript
from napari_seamless.models.stored_performance import PERFORMANCE_FILE
from napari_seamless.quality import PatchPerformance
from napari_seamless.types import ModelSpec


@pytest.mark.parametrize("norm", ["instance", "group", "batch"])
@pytest.mark.parametrize("shape", [(8, 8, 8), (7, 9, 5), (1, 1, 1), (13, 4), (1, 3)])
def test_any_size_gives_logits_of_that_size(shape: tuple[int, ...], norm: str) -> None:
    network = make_unet(2, 3, channels=(4, 6, 8), n_spatial=len(shape), norm=norm)
    output = network(torch.randn(2, 2, *shape))
    assert output.shape == (2, 3, *shape)
    assert output.isfinite().all()


def test_padding_repeats_the_last_voxels() -> None:
    network = make_unet(1, 2, channels=(4, 6, 8)).eval()
    x = torch.randn(1, 1, 7, 9, 5)
    padded = torch.from_numpy(np.pad(x.numpy(), [(0, 0), (0, 0), (0, 1), (0, 3), (0, 3)], mode="edge"))
    torch.testing.assert_close(network(x), network(padded)[..., :7, :9, :5])


def test_the_seed_decides_the_weights_and_nothing_else_changes() -> None:
    before = torch.get_rng_state()
    first, again, other = (make_unet(1, 2, channels=(4, 8), seed=seed) for seed in (5, 5, 6))
    assert torch.equal(torch.get_rng_state(), before)
    x = torch.randn(1, 1, 8, 8, 8)
    assert torch.equal(first(x), again(x))
    assert not torch.equal(first(x), other(x))


def test_every_weight_gets_a_gradient() -> None:
    network = make_unet(1, 3, channels=(4, 6, 8), n_spatial=2)
    network(torch.randn(2, 1, 12, 10)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"n_spatial": 1}, "2 or 3 spatial axes, got 1"),
        ({"channels": ()}, "at least one channel at every level"),
        ({"channels": (4, 0)}, "at least one channel at every level"),
        ({"norm": "layer"}, "norm must be one of instance, group, batch"),
    ],
)
def test_what_makes_no_network_is_refused(values: dict[str, object], match: str) -> None:
    with pytest.raises(ModelError, match=match):
        UNet(1, 2, **values)


def saved(path: Path, performance: PatchPerformance | None = None) -> Path:
    spec = ModelSpec(name="net", n_spatial=3, spacing=(2.0, 0.5, 0.5), units=("micrometer", None, None))
    state = None if performance is None else performance.state_dict()
    save_torchscript(make_unet(1, 2, channels=(4, 8)), path, spec, performance=state)
    return path


def test_a_file_holds_network_spacing_and_performance(tmp_path: Path) -> None:
    performance = PatchPerformance("error_rate_with_logits")
    labels = torch.randint(-1, 2, (3, 4, 5, 6))  # some voxels count less often than others
    performance.observe(torch.randn(3, 2, 4, 5, 6), labels)
    path = saved(tmp_path / "net.pt", performance)
    stored = PatchPerformance("error_rate_with_logits")
    stored.load_state_dict(load_performance(path))
    assert stored.n_patches_seen == 3
    for name in ("mean", "variance", "count"):
        torch.testing.assert_close(getattr(stored, name), getattr(performance, name), rtol=0, atol=0, equal_nan=True)
    spec = load_model(path).spec
    assert (spec.spacing, spec.units) == ((2.0, 0.5, 0.5), ("micrometer", None, None))
    assert segment(np.zeros((9, 8, 7), np.float32), path, patch_size=5, device="cpu").array.shape == (9, 8, 7)


def test_a_file_without_performance_says_so(tmp_path: Path) -> None:
    assert load_performance(saved(tmp_path / "net.pt")) is None


def test_what_is_no_network_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.pt").write_text("weights")
    for name in ("text.pt", "nothing.pt"):
        with pytest.raises(ModelError, match=f"{name} is not a network file"):
            load_performance(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 20])
def test_a_damaged_performance_is_refused(content: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "net.pt", "w") as file:
        file.writestr(f"net/extra/{PERFORMANCE_FILE}", content)
    with pytest.raises(ModelError, match=r"performance inside .*net\.pt cannot be read"):
        load_performance(tmp_path / "net.pt")
