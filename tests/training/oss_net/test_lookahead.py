"""Lookahead follows the published rule, written out by hand."""

from __future__ import annotations

import pytest
import torch

from napari_seamless.errors import SettingsError
from napari_seamless.training.oss_net import Lookahead


def by_hand(steps: int, k: int, alpha: float, rate: float) -> float:
    """Minimise w^2 from 3 by plain gradient descent inside the loop of the publication."""
    slow = 3.0
    fast = slow
    for t in range(1, steps + 1):
        fast -= rate * 2 * fast
        if t % k == 0:
            slow = slow + alpha * (fast - slow)
            fast = slow
    return fast


@pytest.mark.parametrize(("k", "alpha"), [(5, 0.8), (1, 0.5), (3, 1.0)])
@pytest.mark.parametrize("steps", [4, 5, 13])
def test_the_rule_is_the_published_one(k, alpha, steps):
    weight = torch.nn.Parameter(torch.tensor(3.0, dtype=torch.float64))
    optimizer = Lookahead(torch.optim.SGD([weight], lr=0.1), k, alpha)
    for _ in range(steps):
        optimizer.zero_grad()
        weight.square().backward()
        optimizer.step()
    assert weight.item() == pytest.approx(by_hand(steps, k, alpha, 0.1), rel=1e-12)


def test_a_restored_state_goes_on_as_if_nothing_had_been():
    def make():
        weight = torch.nn.Parameter(torch.tensor([3.0, -1.0]))
        return weight, Lookahead(torch.optim.RAdam([weight], lr=0.01), 5, 0.8)

    def walk(weight, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()

    whole, optimizer = make()
    walk(whole, optimizer, 13)
    first, before = make()
    walk(first, before, 7)
    second, after = make()
    after.load_state_dict(before.state_dict())
    second.data.copy_(first.data)
    walk(second, after, 6)
    assert torch.equal(second, whole)


@pytest.mark.parametrize(("k", "alpha"), [(0, 0.5), (5, 0.0), (5, 1.5)])
def test_numbers_out_of_range_are_refused(k, alpha):
    with pytest.raises(SettingsError, match="Lookahead needs"):
        Lookahead(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0), k, alpha)
