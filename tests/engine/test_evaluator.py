"""The evaluator: 16 bits only where they hold, flips, less memory, and many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.networks import image, local_network
from torch import nn

from napari_seamless.engine import Warned, segment
from napari_seamless.engine.evaluator import Evaluator, check_finite
from napari_seamless.errors import ModelError, SettingsError
from napari_seamless.models import load_model
from napari_seamless.plan import make_plan
from napari_seamless.recipe import make_settings
from napari_seamless.types import Box

CPU = torch.device("cpu")
ZYX = ("z", "y", "x")


def evaluator(
    network: Any,
    warnings: list[str] | None = None,
    *,
    n: int = 3,
    batch: int = 4,
    activation: str | None = None,
    **settings: Any,
) -> Evaluator:
    plan = make_plan((16,) * n, 8, axes=ZYX[-n:], batch_size=batch)
    warn = ([] if warnings is None else warnings).append
    return Evaluator(load_model(network, activation=activation), CPU, make_settings(**settings), plan, warn)


def voxels(*, n: int = 3, batch: int = 4, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((batch, 1, *(8,) * n), dtype=np.float32))


def in_float32(network: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network(batch)


def test_without_any_choice_the_network_is_called_once_as_it_is() -> None:
    network = local_network(3)
    calls: list[int] = []
    network.register_forward_hook(lambda *_: calls.append(1))
    evaluate = evaluator(network)
    assert not evaluate.needs_verification
    evaluate.verify(voxels())
    assert calls == []
    output = evaluate(voxels())
    assert calls == [1]
    assert torch.equal(output, in_float32(network, voxels()))


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_16_bits_are_used_after_they_agreed_with_float32(precision: str) -> None:
    warnings: list[str] = []
    network = local_network(3)
    evaluate = evaluator(network, warnings, precision=precision)
    assert evaluate.needs_verification
    reference = in_float32(network, voxels())
    assert torch.equal(evaluate(voxels()), reference)  # not verified yet
    evaluate.verify(voxels())
    assert evaluate.dtype == getattr(torch, precision)
    output = evaluate(voxels())
    assert not torch.equal(output, reference)
    torch.testing.assert_close(output, reference, atol=0.02, rtol=0)
    assert warnings == []


class Overflow(nn.Module):
    """Return the input and its half; on the way, values above 1.1 do not fit into float16."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Conv3d(1, 2, 1, bias=False), nn.Conv3d(2, 2, 1, bias=False)
        self.up.weight.data = torch.full_like(self.up.weight, 6e4)
        self.down.weight.data = torch.tensor([[1.0, 0.0], [0.0, 0.5]]).reshape(2, 2, 1, 1, 1) / 6e4

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.down(self.up(batch))


def test_a_network_that_overflows_in_float16_falls_back_with_a_sentence() -> None:
    warnings: list[str] = []
    evaluate = evaluator(Overflow(), warnings, precision="float16")
    evaluate.verify(4 * voxels())
    assert evaluate.dtype == torch.float32
    assert warnings == [
        "The network Overflow runs in float32, because in float16 it gives NaN or infinity for the first batch."
    ]
    assert torch.equal(evaluate(voxels()), in_float32(Overflow(), voxels()))


def test_the_same_network_holds_in_bfloat16_whose_exponent_is_that_of_float32() -> None:
    evaluate = evaluator(Overflow(), precision="bfloat16")
    evaluate.verify(4 * voxels())
    assert evaluate.dtype == torch.bfloat16


def test_an_overflow_in_a_later_batch_is_evaluated_in_float32() -> None:
    warnings: list[str] = []
    evaluate = evaluator(Overflow(), warnings, precision="float16")
    evaluate.verify(voxels())
    assert evaluate.dtype == torch.float16
    for _ in range(2):
        assert torch.equal(evaluate(4 * voxels()), in_float32(Overflow(), 4 * voxels()))
    assert not torch.equal(evaluate(voxels()), in_float32(Overflow(), voxels()))
    assert warnings == ["The network Overflow overflowed in float16; such batches are evaluated in float32."]


def difference_of_large_numbers(batch: torch.Tensor) -> torch.Tensor:
    """Return the input, by way of a number at which bfloat16 has steps of 1."""
    ones = torch.ones(1, 1, 1, 1, 1)
    large = nn.functional.conv3d(batch, ones, bias=torch.full((1,), 200.0))
    return large.float() - 200


def test_a_difference_is_told_in_numbers() -> None:
    warnings: list[str] = []
    evaluate = evaluator(difference_of_large_numbers, warnings, precision="bfloat16")
    evaluate.verify(voxels())
    assert evaluate.dtype == torch.float32
    (warning,) = warnings
    # values in [0, 1) were rounded to whole numbers; 0.02 of the largest value is allowed
    assert "because in bfloat16 it differs by up to 0." in warning
    assert "where 0.02 is allowed for the first batch." in warning


def test_a_network_that_cannot_run_in_16_bits_runs_in_float32() -> None:
    def picky(batch: torch.Tensor) -> torch.Tensor:
        output, bright = torch.zeros_like(batch), batch > 0.5
        output[bright] = nn.functional.conv2d(batch, torch.ones(1, 1, 1, 1))[bright]  # torch wants one type here
        return output

    warnings: list[str] = []
    evaluate = evaluator(picky, warnings, n=2, precision="float16")
    evaluate.verify(voxels(n=2))
    assert evaluate.dtype == torch.float32
    assert warnings[0].startswith("The network picky runs in float32, because in float16 it fails (")
    assert torch.equal(evaluate(voxels(n=2)), voxels(n=2) * (voxels(n=2) > 0.5))


def test_the_decision_depends_on_the_batch_it_is_made_with_alone() -> None:
    first, again = (evaluator(Overflow(), precision="float16") for _ in range(2))
    again(voxels())  # as in a run that is resumed somewhere else
    for evaluate in (first, again):
        evaluate.verify(4 * voxels())
    assert first.dtype == again.dtype == torch.float32


def test_nan_in_float32_is_left_to_the_check() -> None:
    warnings: list[str] = []
    evaluate = evaluator(lambda batch: batch * torch.nan, warnings, precision="bfloat16")
    evaluate.verify(voxels())
    assert warnings == []
    assert evaluate.dtype == torch.float32


def test_flips_are_averaged_after_the_activation() -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(1, 3, 3, padding=1)
    evaluate = evaluator(network, n=2, activation="softmax", flips="x")
    batch = voxels(n=2)
    mean = (in_float32(network, batch).softmax(1) + in_float32(network, batch.flip(3)).softmax(1).flip(3)) / 2
    torch.testing.assert_close(evaluate(batch), mean, atol=1e-6, rtol=0)


def test_flips_of_an_axis_that_is_not_there_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"\(y, x\), got z"):
        evaluator(local_network(2), n=2, flips="z")


def test_channels_last_where_it_does_not_exist_is_left_out_with_a_sentence() -> None:
    warnings: list[str] = []
    evaluate = evaluator(local_network(1), warnings, n=1, channels_last=True)
    assert torch.equal(evaluate(voxels(n=1)), in_float32(local_network(1), voxels(n=1)))
    assert warnings == ["channels_last exists for 2 and 3 spatial axes, not for 1; it is left out."]


def test_channels_last_changes_no_more_than_rounding() -> None:
    evaluate = evaluator(local_network(3), channels_last=True)
    torch.testing.assert_close(evaluate(voxels()), in_float32(local_network(3), voxels()), atol=1e-6, rtol=0)


def test_memory_that_runs_out_halves_the_batch_in_every_precision() -> None:
    warnings: list[str] = []
    network = local_network(3)

    def small(batch: torch.Tensor) -> torch.Tensor:
        if len(batch) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes.")
        return network(batch)

    evaluate = evaluator(small, warnings, precision="bfloat16", flips="z,y")
    evaluate.verify(voxels())
    assert evaluate.dtype == torch.bfloat16
    whole = evaluator(network, precision="bfloat16", flips="z,y")
    whole.verify(voxels())
    torch.testing.assert_close(evaluate(voxels()), whole(voxels()), atol=1e-5, rtol=0)
    assert len(warnings) == 1
    assert "with 4 patches at once; the run went on with batches of 2" in warnings[0]


def test_threads_get_what_one_thread_gets() -> None:
    evaluate = evaluator(local_network(3), precision="bfloat16", flips=True)
    evaluate.verify(voxels())
    batches = [voxels(seed=seed) for seed in range(8)]
    alone = [evaluate(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(evaluate, batches), strict=True):
            assert torch.equal(one, other)


def test_nan_is_reported_with_the_place_of_its_patch() -> None:
    output = torch.zeros(3, 2, 4, 4)
    boxes = [Box((0, 4 * i), (4, 4 * i + 4)) for i in range(3)]
    check_finite(output, boxes, "net")
    check_finite(torch.full_like(output, 3e38), boxes, "net")  # only the sum overflows
    output[1, 0, 2, 2] = torch.nan
    output[2] = torch.inf
    with pytest.raises(
        ModelError, match=r"^The network net returned NaN or infinity for the patch from \(0, 4\) to \(4, 8\)"
    ):
        check_finite(output, boxes, "net")


def test_a_run_flips_every_patch_and_says_what_it_could_not_do() -> None:
    network, volume = local_network(2), image((20, 20))

    def by_hand(batch: torch.Tensor) -> torch.Tensor:
        return (network(batch) + network(batch.flip(2)).flip(2)) / 2

    options = {"patch_size": 8, "write": "probabilities", "device": "cpu"}
    flipped = segment(volume, network, flips="y", compile=False, precision="bfloat16", **options)
    plain, mean = (segment(volume, one, **options).array[...] for one in (network, by_hand))
    np.testing.assert_allclose(flipped.array[...], mean, atol=0.02)
    assert abs(flipped.array[...] - mean).max() < 0.5 * abs(plain - mean).max()

    def huge(batch: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(batch, torch.full((1, 1, 1, 1), 6e4))

    warned: list[str] = []
    result = segment(
        volume.data * 4,
        huge,
        precision="float16",
        on_event=lambda event: warned.append(event.text) if isinstance(event, Warned) else None,
        **options,
    )
    assert result.warnings == tuple(warned)
    assert warned == [
        "The network huge runs in float32, because in float16 it gives NaN or infinity for the first batch."
    ]


@pytest.mark.gpu
def test_a_gpu_computes_in_16_bits_channels_last_by_itself() -> None:
    device, warnings = torch.device("cuda"), []
    network = local_network(3)
    reference = in_float32(network, voxels())
    model = load_model(network)
    model.to(device)
    plan = make_plan((16, 16, 16), 8, axes=ZYX, batch_size=4)
    evaluate = Evaluator(model, device, make_settings(), plan, warnings.append)
    evaluate.verify(voxels().to(device))
    assert evaluate.dtype in {torch.bfloat16, torch.float16}
    torch.testing.assert_close(evaluate(voxels().to(device)).cpu(), reference, atol=0.02, rtol=0)
    assert warnings == []
