"""Weights go to files and come back; those of another setting are refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.oss_net.weights import keys, network_of, small

from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models.oss_net import SETTINGS, OSSNet, load, save
from napari_seamless.models.oss_net.weights import fill, fitting


def same(one: OSSNet, other: OSSNet) -> bool:
    mine, theirs = one.state_dict(), other.state_dict()
    return mine.keys() == theirs.keys() and all(torch.equal(mine[key], theirs[key]) for key in mine)


def test_safetensors_bring_their_settings(tmp_path: Path) -> None:
    network, _ = small("oss_net_D2_lits", classes=4, channels=3)
    save(network, tmp_path / "a.safetensors")
    loaded = load(tmp_path / "a.safetensors")
    assert loaded.settings == network.settings
    assert same(loaded, network)
    assert not loaded.training


def test_a_published_state_dict_is_known_by_its_names_and_shapes(tmp_path: Path) -> None:
    network = network_of("vanilla_o_net_bra_ts")
    torch.save(network.state_dict(), tmp_path / "a.pt")
    loaded = load(tmp_path / "a.pt")
    assert loaded.settings.name == "vanilla_o_net_bra_ts"
    assert same(loaded, network)
    assert same(load(str(tmp_path / "a.pt"), "vanilla_o_net_bra_ts"), network)
    assert load(tmp_path / "a.pt", SETTINGS["vanilla_o_net_bra_ts"]).settings.name == "vanilla_o_net_bra_ts"


def test_settings_with_the_same_weights_are_the_same_network() -> None:
    shapes = {key: tuple(shape) for key, shape in keys("oss_net_A_bra_ts").items()}
    assert fitting(shapes) == ["oss_net_A_bra_ts", "oss_net_E1_bra_ts"]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            "oss_net_A_bra_ts",
            r"do not fit oss_net_A_bra_ts: .*patch_mapping.* missing; .* more differ; they fit vanilla_o_net_bra_ts\.$",
        ),
        ("vanilla_o_net_wide_bra_ts", r"instead of \(512, 323\)"),
        ("vanilla_o_net_lits", r"missing; .*they fit vanilla_o_net_bra_ts"),
    ],
)
def test_weights_of_another_setting_are_refused(wanted: str, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        fill(OSSNet.from_settings(wanted), network_of("vanilla_o_net_bra_ts").state_dict())


def test_weights_of_no_setting(tmp_path: Path) -> None:
    state = small("oss_net_A_lits")[0].state_dict()
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="fit none of the 24 published settings"):
        load(tmp_path / "a.pt")
    state["strange"] = state.pop("decoder.final_mapping.0.weight")
    with pytest.raises(ModelError, match=r"weight is missing; strange is not expected; they fit no published setting"):
        fill(OSSNet(small("oss_net_A_lits")[0].settings), state)


class Trap:
    """What a pickle must not be allowed to make."""


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04"])
@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_files_that_are_no_weights(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as a state dict or safetensors"):
        load(path)


def test_what_else_a_pickle_may_hold_is_refused(tmp_path: Path) -> None:
    torch.save({"model": Trap()}, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "a.pt")
    torch.save({"epoch": 3}, tmp_path / "b.pt")
    with pytest.raises(ModelError, match="holds no state dict of tensors"):
        load(tmp_path / "b.pt")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "missing.pt")


def test_an_unknown_setting_is_refused(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "a.pt")
    with pytest.raises(SettingsError, match="no OSS-Net setting 'nothing'"):
        load(tmp_path / "a.pt", "nothing")
