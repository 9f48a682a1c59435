"""Networks in files: what is saved comes back, and what is no network is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from napari_seamless.errors import ModelError
from napari_seamless.models import load_model, save_torchscript
from napari_seamless.models.torchscript import SPEC_FILE
from napari_seamless.types import ModelSpec, Normalization

SPEC = ModelSpec(
    name="tissue",
    n_spatial=2,
    in_channels=1,
    out_channels=2,
    classes=("background", "tissue"),
    colors=((0, 0, 0, 0), (1, 2, 3, 255)),
    divisor=(4, 8),
    normalization=Normalization(kind="zscore"),
    activation="softmax",
    patch_size=(32, 64),
)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2)).eval()


def save_bare(module: nn.Module, path: Path, **extra: object) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.script(module).save(str(path), **extra)


def test_a_network_comes_back_with_its_description(tmp_path: Path) -> None:
    path, module, batch = tmp_path / "net.pt", network(), torch.randn(1, 1, 16, 16)
    save_torchscript(module, path, SPEC)
    model = load_model(path)
    assert model.spec.source == str(path)
    assert model.spec.sha256 is not None
    for name in SPEC.__slots__:
        if name not in {"sha256", "source"}:
            assert getattr(model.spec, name) == getattr(SPEC, name), name
    with torch.inference_mode():
        torch.testing.assert_close(model(batch), module(batch).softmax(1))
    assert load_model(str(path), activation="none").spec.activation == "none"


def test_a_file_without_description_is_blended_as_it_comes(tmp_path: Path) -> None:
    path, module, batch = tmp_path / "net.pt", network(), torch.randn(1, 1, 16, 16)
    save_bare(module, path)
    model = load_model(path)
    assert (model.spec.name, model.spec.n_spatial) == ("net", 2)
    assert (model.spec.activation, model.spec.normalization.kind) == ("none", "none")
    with torch.inference_mode():
        torch.testing.assert_close(model(batch), module(batch))


def test_the_hash_changes_with_the_weights(tmp_path: Path) -> None:
    module = network()
    save_torchscript(module, tmp_path / "a.pt", SPEC)
    with torch.no_grad():
        next(module.parameters()).add_(1)
    save_torchscript(module, tmp_path / "b.pt", SPEC)
    assert load_model(tmp_path / "a.pt").spec.sha256 == load_model(tmp_path / "a.pt").spec.sha256
    assert load_model(tmp_path / "a.pt").spec.sha256 != load_model(tmp_path / "b.pt").spec.sha256


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing\.pt does not exist"):
        load_model(tmp_path / "nothing.pt")
    (tmp_path / "text.pt").write_text("weights")
    torch.save(network().state_dict(), tmp_path / "state.pt")
    for name in ("text.pt", "state.pt"):
        with pytest.raises(ModelError, match=f"{name} is not a TorchScript file; save the network with"):
            load_model(tmp_path / name)


@pytest.mark.parametrize("text", ["{", "[1]", '{"name": "n", "flavour": "sweet"}', '{"classes": ["a"]}'])
def test_a_description_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    save_bare(network(), tmp_path / "net.pt", _extra_files={SPEC_FILE: text})
    with pytest.raises(ModelError, match=r"description inside .*net\.pt is not one that this version reads"):
        load_model(tmp_path / "net.pt")
