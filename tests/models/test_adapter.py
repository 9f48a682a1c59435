"""Modules and callables as models."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_seamless.errors import ModelError
from napari_seamless.models import MeshNet, TorchModel, load_model
from napari_seamless.models.adapter import module_hash
from napari_seamless.types import Model, ModelSpec


def test_the_activation_is_applied_to_what_the_network_returns() -> None:
    batch = torch.randn(2, 3, 4, 4, 4)
    softmax = load_model(lambda x: x, activation="softmax")(batch)
    torch.testing.assert_close(softmax.sum(1), torch.ones(2, 4, 4, 4))
    torch.testing.assert_close(softmax, batch.exp() / batch.exp().sum(1, keepdim=True))
    torch.testing.assert_close(load_model(lambda x: x, activation="sigmoid")(batch), 1 / (1 + (-batch).exp()))
    assert torch.equal(load_model(lambda x: x)(batch), batch)


def test_modules_run_in_evaluation_mode_without_gradients_in_float32() -> None:
    network = nn.Sequential(nn.Conv3d(1, 2, 1), nn.Dropout(0.9))
    network.train()
    model = load_model(network)
    batch = torch.randn(1, 1, 4, 4, 4)
    outputs = [model(batch) for _ in range(3)]
    assert all(torch.equal(outputs[0], other) for other in outputs)
    assert not outputs[0].requires_grad
    assert load_model(lambda x: x.half())(batch).dtype == torch.float32


def test_channels_and_axes_are_read_from_the_first_convolution() -> None:
    spec = load_model(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 2, 1))).spec
    assert (spec.in_channels, spec.n_spatial) == (3, 2)
    assert spec.classes == ()


def test_the_hash_tells_weights_and_architecture_apart() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(1, 2, 3), nn.BatchNorm3d(2))
    first = module_hash(network)
    assert module_hash(network) == first
    with torch.no_grad():
        network[0].weight[0, 0, 0, 0, 0] += 1e-3
    changed = module_hash(network)
    network[1].running_mean += 1
    assert len({first, changed, module_hash(network), module_hash(nn.Sequential(network, nn.ReLU()))}) == 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_every_type_have_a_hash(dtype: torch.dtype) -> None:
    network = nn.Conv3d(1, 2, 3)
    assert module_hash(network) != module_hash(network.to(dtype))


def test_a_refusal_names_the_shape_and_the_reason() -> None:
    with pytest.raises(ModelError, match=r"cannot take a batch of shape \(1, 2, 4, 4, 4\).*2 channels.*check its ch"):
        load_model(nn.Conv3d(1, 2, 3))(torch.zeros(1, 2, 4, 4, 4))
    with pytest.raises(ModelError, match="returned tuple where a tensor"):
        load_model(lambda x: (x, x))(torch.zeros(1, 1, 4, 4, 4))


def test_running_out_of_memory_is_no_refusal() -> None:
    def network(_: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        load_model(network)(torch.zeros(1, 1, 4, 4, 4))


def test_models_pass_through_and_other_things_are_refused() -> None:
    model = TorchModel(nn.Identity(), ModelSpec(name="identity"))
    assert load_model(model) is model
    assert isinstance(model, Model)
    again = load_model(model, activation="softmax")
    assert again.spec.activation == "softmax"
    assert model.spec.activation == "none"
    with pytest.raises(ModelError, match="model must be a path, 'demo', a torch module or a callable, got int"):
        load_model(3)  # type: ignore[arg-type]


def test_meshnet_sees_exactly_95_voxels_along_each_axis() -> None:
    torch.manual_seed(0)
    network = MeshNet(1, 2, 2).double().eval()
    with torch.no_grad():  # every path counts: positive weights, no path cut off by a ReLU
        for parameter in network.parameters():
            parameter.abs_().add_(0.1)
    for axis in range(3):
        shape = [1, 1, 3, 3, 3]
        shape[2 + axis] = 121
        seen = torch.ones(shape, dtype=torch.float64, requires_grad=True)
        output = network(seen)
        centre = [slice(None), slice(None), 1, 1, 1]
        centre[2 + axis] = 60
        output[tuple(centre)].sum().backward()
        assert seen.grad is not None
        reached = seen.grad.abs().amax(tuple(i for i in range(5) if i != 2 + axis)).nonzero().flatten()
        assert (int(reached[0]), int(reached[-1]), len(reached)) == (60 - 47, 60 + 47, 95)


def test_meshnet_keeps_the_shape() -> None:
    assert MeshNet(2, 3, 4)(torch.zeros(1, 2, 5, 6, 7)).shape == (1, 3, 5, 6, 7)
