"""Every state of a network can be gone back to, also after a crash."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
import torch

from napari_seamless.errors import ModelError, SettingsError, StorageError
from napari_seamless.sinks.whole_file import WholeFiles
from napari_seamless.training.history import History, load_weights


def network(seed: int, width: int = 4) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width), torch.nn.Conv2d(width, 2, 1)
        )


def test_each_state_comes_back_bitwise_in_another_session(tmp_path: Path) -> None:
    saved = [network(seed).state_dict() for seed in range(3)]
    history = History(tmp_path / "states")
    first = history.save(saved[0], text="as loaded")
    second = history.save(saved[1], parent=first.number, loss=0.5, steps=20)
    third = history.save(saved[2], parent=first.number)
    again = History(tmp_path / "states")
    assert again.states() == (first, second, third)
    assert [(s.number, s.parent) for s in again.states()] == [(0, None), (1, 0), (2, 0)]
    for state, weights in zip(again.states(), saved, strict=True):
        found = again.restore(state.number)
        assert found.keys() == weights.keys()
        assert all(
            torch.equal(found[name], weights[name]) and found[name].dtype == weights[name].dtype for name in weights
        )


def test_weights_that_share_memory_or_are_not_contiguous_are_stored(tmp_path: Path) -> None:
    shared = torch.arange(12.0).reshape(3, 4)
    history = History(tmp_path)
    history.save({"a": shared, "b": shared, "c": shared.T})
    found = history.restore(0)
    assert torch.equal(found["b"], shared)
    assert torch.equal(found["c"], shared.T)


def test_a_limit_keeps_the_first_and_the_last_and_gives_no_number_twice(tmp_path: Path) -> None:
    history = History(tmp_path, limit=3)
    for i in range(6):
        history.save({"w": torch.full((2,), float(i))})
    assert [state.number for state in history.states()] == [0, 4, 5]
    assert history.save({"w": torch.zeros(2)}).number == 6
    with pytest.raises(SettingsError, match=r"no state 2.*there are 0, 5, 6"):
        history.restore(2)
    with pytest.raises(SettingsError, match="at least 2"):
        History(tmp_path, limit=1)


def test_what_a_crash_left_unfinished_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    History(tmp_path).save({"w": torch.zeros(2)})

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crash:
        crash.setattr("napari_seamless.sinks.whole_file._move", killed)
        with pytest.raises(KeyboardInterrupt):
            History(tmp_path).save({"w": torch.ones(2)})
    (tmp_path / "state-000007.safetensors").write_bytes(b"torn")
    history = History(tmp_path)
    assert [state.number for state in history.states()] == [0]
    assert history.save({"w": torch.ones(2)}).number == 8
    with pytest.raises(ModelError, match="cannot be read"):
        history.restore(7)


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WholeFiles, "write", full)
    with pytest.raises(StorageError, match=r"cannot be stored.*No space left on device"):
        History(tmp_path).save({"w": torch.ones(2)})


def test_weights_of_another_network_are_refused_and_change_nothing() -> None:
    module = network(0)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(ModelError, match=r"belong to another network: 0\.weight has the shape \(4, 1, 3, 3\) here"):
        load_weights(module, network(1, width=5).state_dict(), "state 3")
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    load_weights(module, network(1).state_dict(), "state 3")
    assert torch.equal(module.state_dict()["0.weight"], network(1).state_dict()["0.weight"])
