"""One step: the update is that of plain torch, in the precision that was asked for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_seamless.errors import ModelError
from napari_seamless.training import StepSettings, TrainingStep, make_loss


def network() -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(1, 2, 3, padding=1)


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(-1, 2, (3, 6, 5), generator=generator)
    return {"image": torch.randn(3, 1, 6, 5, generator=generator), "labels": labels}


def test_a_step_is_that_of_plain_torch() -> None:
    ours, plain, data = network(), network(), batch()
    step = TrainingStep(ours, make_loss("cross_entropy"), StepSettings(learning_rate=0.1, weight_decay=0.01))
    optimizer = torch.optim.AdamW(plain.parameters(), lr=0.1, weight_decay=0.01)
    loss = nn.CrossEntropyLoss(ignore_index=-1)
    for rate in (0.1, 0.1, 0.02):
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        expected = loss(plain(data["image"]), data["labels"])
        expected.backward()
        optimizer.step()
        step.set_learning_rate(rate)
        assert step(data).loss == pytest.approx(expected.item(), rel=1e-6)
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())


def test_the_state_of_a_step_is_all_that_the_next_one_needs() -> None:
    first = TrainingStep(network(), make_loss("dice"))
    first(batch())
    second = TrainingStep(nn.Conv2d(1, 2, 3, padding=1), make_loss("dice"))
    second.load_state_dict(first.state_dict())
    for step in (first, second):
        step(batch())
    for a, b in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_sixteen_bits_compute_the_network_and_not_the_weights(precision: str) -> None:
    step = TrainingStep(network(), make_loss("cross_entropy+dice"), StepSettings(precision=precision))
    stepped = step(batch())
    assert stepped.logits.dtype == getattr(torch, precision)
    assert {p.dtype for p in step.network.parameters()} == {torch.float32}
    full = TrainingStep(network(), make_loss("cross_entropy+dice"))(batch())
    assert full.logits.dtype == torch.float32
    assert stepped.loss == pytest.approx(full.loss, rel=0.02)
    assert stepped.loss != full.loss
    assert not stepped.logits.requires_grad


def test_a_loss_that_is_not_finite_changes_nothing() -> None:
    step = TrainingStep(network(), make_loss("cross_entropy"))
    before = [p.clone() for p in step.network.parameters()]
    data = batch()
    data["image"][0, 0, 0, 0] = torch.inf
    data["labels"][:] = 0
    with pytest.raises(ModelError, match=r"The loss became (nan|inf); lower the learning rate"):
        step(data)
    assert all(torch.equal(a, b) for a, b in zip(before, step.network.parameters(), strict=True))


def test_a_network_without_weights_is_refused() -> None:
    with pytest.raises(ModelError, match="no weights to train"):
        TrainingStep(nn.Identity(), make_loss("dice"))


@pytest.mark.gpu
def test_the_gpu_takes_sixteen_bits_by_itself() -> None:
    step = TrainingStep(network(), make_loss("cross_entropy+dice"), device=torch.device("cuda"))
    losses = [step(batch()).loss for _ in range(20)]
    assert step(batch()).logits.dtype in {torch.bfloat16, torch.float16}
    assert losses[-1] < losses[0]
