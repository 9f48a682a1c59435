"""Statistics by coordinate against NumPy over all patches at once."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st

from napari_seamless.errors import NoPatchesError, SettingsError
from napari_seamless.quality import MEASURES, PatchPerformance, moments


def errors(n: int, *patch: int, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(n).random((n, *patch)) + offset


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.sampled_from([(3,), (2, 3), (2, 1, 3), (1, 2, 2, 2)]))
def test_batches_give_what_all_patches_together_give(sizes: list[int], patch: tuple[int, ...]) -> None:
    # Far from 0: a difference of large sums would lose the variance.
    together = errors(sum(sizes), *patch, offset=1e6)
    performance = PatchPerformance()
    for batch in np.split(together, np.cumsum(sizes)[:-1]):
        performance.add(batch)
    assert performance.n_patches_seen == sum(sizes)
    assert performance.mean.dtype == torch.float64
    np.testing.assert_allclose(performance.mean, together.mean(0), rtol=1e-15)
    np.testing.assert_allclose(performance.variance, together.var(0), rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(performance.count, np.full(patch, sum(sizes)))


@given(st.integers(0, 2**20), st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_what_does_not_count_is_as_if_it_were_not_there(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values, where = rng.random((sum(sizes), 2, 3)), rng.random((sum(sizes), 2, 3)) < 0.5
    values[~where] = np.nan
    performance = PatchPerformance()
    for batch, here in zip(*(np.split(a, np.cumsum(sizes)[:-1]) for a in (values, where)), strict=True):
        performance.add(batch, where=here)
    np.testing.assert_array_equal(performance.count, where.sum(0))
    for at in np.ndindex(2, 3):
        seen = values[:, *at][where[:, *at]]
        np.testing.assert_allclose(performance.mean[at], seen.mean() if seen.size else np.nan)
        np.testing.assert_allclose(performance.variance[at], seen.var() if seen.size else np.nan, atol=1e-15)


def test_merged_parts_equal_the_whole_and_the_other_stays() -> None:
    together = errors(9, 3, 4)
    parts = [PatchPerformance() for _ in range(3)]
    for part, batch in zip(parts, np.split(together, [2, 7]), strict=True):
        part.add(batch)
    total, empty = PatchPerformance(), PatchPerformance()
    for part in [empty, *parts, empty]:
        total.merge(part)
    assert (total.n_patches_seen, parts[0].n_patches_seen, empty.n_patches_seen) == (9, 2, 0)
    np.testing.assert_allclose(total.mean, together.mean(0))
    np.testing.assert_allclose(total.variance, together.var(0))


def test_parts_of_another_measure_or_size_are_refused() -> None:
    performance, other = PatchPerformance("error_rate"), PatchPerformance("l2")
    with pytest.raises(SettingsError, match="other measures l2, but this one error_rate"):
        performance.merge(other)
    performance.add(errors(2, 4, 4))
    with pytest.raises(SettingsError, match=r"shape \(4, 4\), new ones have \(4, 5\)"):
        performance.add(errors(2, 4, 5))
    assert performance.n_patches_seen == 2
    performance.reset()
    performance.add(errors(2, 4, 5))
    assert performance.mean.shape == (4, 5)


def test_the_variance_of_a_ratio_is_that_between_repeated_samples() -> None:
    # The variance between many samples of the same kind is that of one patch divided by their number.
    torch.manual_seed(0)
    repeats, patches = 400, 200
    probability = torch.rand(repeats, patches, 1, 1)
    target = (torch.rand(repeats, patches, 1, 1) < probability).float()
    ratios, variances = [], []
    for p, t in zip(probability, target, strict=True):
        performance = PatchPerformance("soft_dice")
        performance.observe(p.unsqueeze(1).flatten(2), t.unsqueeze(1).flatten(2))
        ratios.append(float(performance.mean))
        variances.append(float(performance.variance))
    assert np.mean(variances) == pytest.approx(patches * np.var(ratios), rel=0.15)


def test_it_asks_for_patches_before_a_result() -> None:
    with pytest.raises(NoPatchesError, match="before the first patch"):
        PatchPerformance().calculate_performance()
    assert issubclass(NoPatchesError, RuntimeError)


def test_an_empty_batch_changes_nothing() -> None:
    performance = PatchPerformance()
    performance.add(np.zeros((0, 3)))
    assert performance.n_patches_seen == 0
    performance.add(errors(3, 3))
    performance.add(np.zeros((0, 3)))
    np.testing.assert_allclose(performance.mean, errors(3, 3).mean(0))


def test_an_unknown_measure_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="soft_dice") as caught:
        PatchPerformance("nonsense")
    assert all(name in str(caught.value) for name in MEASURES)


def test_another_measure_starts_anew() -> None:
    performance = PatchPerformance("l2")
    performance.add(errors(2, 3))
    performance.measure = "l2"
    assert performance.n_patches_seen == 2
    performance.measure = "error_rate"
    assert (performance.measure, performance.n_patches_seen) == ("error_rate", 0)


def test_errors_of_a_ratio_need_prediction_and_target() -> None:
    with pytest.raises(SettingsError, match="use observe"):
        PatchPerformance("soft_dice").add(errors(2, 3))


def test_it_survives_a_copy_a_pickle_and_a_state() -> None:
    performance = PatchPerformance("soft_dice")
    performance.observe(torch.rand(3, 2, 4).softmax(1), torch.ones(3, 4))
    restored = PatchPerformance("soft_dice")
    restored.load_state_dict(performance.state_dict())
    for other in (copy.deepcopy(performance), pickle.loads(pickle.dumps(performance)), restored):
        torch.testing.assert_close(other.variance, performance.variance, rtol=0, atol=0)
        other.observe(torch.rand(1, 2, 4), torch.ones(1, 4))
        assert (other.n_patches_seen, performance.n_patches_seen) == (4, 3)
    with pytest.raises(SettingsError, match="measure soft_dice"):
        PatchPerformance("l2").load_state_dict(performance.state_dict())


def test_threads_lose_no_patch() -> None:
    performance = PatchPerformance()
    batches = [errors(n, 5, 5) for n in range(1, 41)]
    threads = [threading.Thread(target=lambda i=i: [performance.add(b) for b in batches[i::4]]) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = np.concatenate(batches)
    assert performance.n_patches_seen == len(together)
    np.testing.assert_allclose(performance.mean, together.mean(0))
    np.testing.assert_allclose(performance.variance, together.var(0))


def test_a_device_without_float64_leaves_it_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "has_float64", lambda device: torch.device(device).type == "cpu")
    assert moments.has_float64("cpu")
    performance = PatchPerformance()
    performance.add(errors(3, 4))
    assert performance.to("mps").mean.device.type == "cpu"  # there is no such device here: it would fail


def _reduce(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # asks no name server who this machine is
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    performance, states = PatchPerformance(), []
    if rank == 0:  # the other one sees nothing at first
        performance.add(errors(7, 2, 3)[:5])
    states.append(performance.all_reduce().state_dict())
    if rank == 1:
        performance.add(errors(7, 2, 3)[5:])
    states.append(performance.all_reduce().state_dict())
    torch.save([*states, performance.n_patches_seen], f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow  # two processes import torch
@pytest.mark.timeout(400)
def test_processes_agree_on_the_patches_of_all(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_reduce, args=(rank, str(tmp_path)), daemon=True) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(180)
    assert [process.exitcode for process in processes] == [0, 0]
    for rank, own in enumerate([5, 2]):
        *states, seen = torch.load(tmp_path / f"{rank}.pt")
        assert seen == own
        for state, n in zip(states, [5, 7], strict=True):
            total, together = PatchPerformance(), errors(7, 2, 3)[:n]
            total.load_state_dict(state)
            assert total.n_patches_seen == n
            np.testing.assert_allclose(total.mean, together.mean(0))
            np.testing.assert_allclose(total.variance, together.var(0))


def test_a_reduction_without_a_process_group_is_explained() -> None:
    with pytest.raises(SettingsError, match="init_process_group"):
        PatchPerformance().all_reduce()
