"""One forward pass: layout and compilation change the speed, never what the network means."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.engine.networks import local_network
from torch import nn

from napari_seamless.engine.network_call import NetworkCall
from napari_seamless.errors import ModelError
from napari_seamless.models import load_model
from napari_seamless.recipe import RunSettings, make_settings

CPU = torch.device("cpu")


def call(network: Any, warnings: list[str] | None = None, **settings: Any) -> NetworkCall:
    warn = ([] if warnings is None else warnings).append
    return NetworkCall(load_model(network), CPU, make_settings(**settings), warn)


class Formats(nn.Module):
    """Remember whether the voxels and the kernel came channels last."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.conv = {2: nn.Conv2d, 3: nn.Conv3d}[n](2, 3, 3, padding=1)
        self.format = {2: torch.channels_last, 3: torch.channels_last_3d}[n]
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.seen.append(tuple(t.is_contiguous(memory_format=self.format) for t in (batch, self.conv.weight)))
        return self.conv(batch)


@pytest.mark.parametrize("n", [2, 3])
def test_channels_last_is_a_layout_of_voxels_and_kernels_and_can_be_undone(n: int) -> None:
    network, voxels = Formats(n), torch.rand(2, 2, *(6,) * n)
    evaluate = call(network)
    with torch.inference_mode():
        before = evaluate(voxels, None)
    for channels_last in (True, False):
        assert evaluate.lay_out(n, channels_last=channels_last)
        with torch.inference_mode():
            torch.testing.assert_close(evaluate(voxels, None), before, atol=1e-5, rtol=0)
    assert network.seen == [(False, False), (True, True), (False, False)]


def test_channels_last_does_not_exist_along_one_axis() -> None:
    evaluate = call(local_network(1))
    assert not evaluate.lay_out(1, channels_last=True)
    assert evaluate(torch.rand(1, 1, 8), None).shape == (1, 3, 8)


@pytest.mark.parametrize("returned", [(2, 1, 4, 4), (1, 1, 4, 2), (1, 4, 4)])
def test_another_shape_is_refused(returned: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"for a batch of shape \(1, 1, 4, 4\); \(1, class, 4, 4\) was expected"):
        call(lambda batch: torch.zeros(returned))(torch.zeros(1, 1, 4, 4), None)


def test_a_reduced_type_reaches_the_layers_and_float32_comes_back() -> None:
    seen = []
    network = local_network(2)
    network[0].register_forward_hook(lambda _m, _i, output: seen.append(output.dtype))
    for dtype in (None, torch.bfloat16, torch.float16):
        assert call(network)(torch.rand(1, 1, 6, 6), dtype).dtype == torch.float32
    assert seen == [torch.float32, torch.bfloat16, torch.float16]


class Compiler:
    """Stand in for torch.compile: count the batches that come, and fail on demand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, works: bool) -> None:
        self.batches: list[tuple[int, ...]] = []
        self._works = works
        monkeypatch.setattr(torch, "compile", self._compile)

    def _compile(self, module: nn.Module, *, dynamic: bool) -> nn.Module:
        assert not dynamic
        outer = self

        class Compiled(nn.Module):
            def forward(self, batch: torch.Tensor) -> torch.Tensor:
                outer.batches.append(tuple(batch.shape))
                if not outer._works:
                    raise RuntimeError("CppCompileError: no compiler\nlong log")
                return module(batch)

        return Compiled()


def test_a_module_is_compiled_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, warnings = Compiler(monkeypatch, works=True), []
    network, voxels = local_network(2), torch.rand(2, 1, 6, 6)
    evaluate = call(network, warnings, compile=True)
    for _ in range(2):
        with torch.inference_mode():
            assert torch.equal(evaluate(voxels, None), network(voxels))
    assert compiler.batches == [(2, 1, 6, 6)] * 2
    assert warnings == []
    call(network)(voxels, None)
    assert len(compiler.batches) == 2


def test_a_compiler_that_fails_is_left_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, warnings = Compiler(monkeypatch, works=False), []
    network, voxels = local_network(2), torch.rand(2, 1, 6, 6)
    evaluate = call(network, warnings, compile=True)
    for _ in range(3):
        with torch.inference_mode():
            assert torch.equal(evaluate(voxels, None), network(voxels))
    assert len(compiler.batches) == 1
    (warning,) = warnings
    assert warning == (
        "torch.compile failed for the network Sequential (RuntimeError: CppCompileError: no compiler); "
        "it runs uncompiled."
    )


def test_no_compiler_at_all_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: nn.Module, *, dynamic: bool) -> nn.Module:
        raise RuntimeError("torch.compile is not supported on Python 3.99+")

    monkeypatch.setattr(torch, "compile", refuse)
    warnings: list[str] = []
    assert call(local_network(2), warnings, compile=True)(torch.rand(1, 1, 6, 6), None).shape == (1, 3, 6, 6)
    (warning,) = warnings
    assert warning.endswith("(RuntimeError: torch.compile is not supported on Python 3.99+); it runs uncompiled.")


def test_what_the_network_itself_refuses_is_not_blamed_on_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    Compiler(monkeypatch, works=True)
    warnings: list[str] = []
    with pytest.raises(ModelError, match="cannot take a batch"):
        call(local_network(2), warnings, compile=True)(torch.rand(1, 5, 6, 6), None)
    assert warnings == []


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize(("kind", "says"), [("function", "which is a function"), ("script", "which is TorchScript")])
def test_functions_and_scripts_are_not_compiled(monkeypatch: pytest.MonkeyPatch, kind: str, says: str) -> None:
    compiler, warnings = Compiler(monkeypatch, works=True), []
    network = (lambda batch: 2 * batch) if kind == "function" else torch.jit.script(nn.Conv2d(1, 1, 1))
    evaluate = call(network, warnings, compile=True)
    assert evaluate(torch.rand(1, 1, 4, 4), None).shape == (1, 1, 4, 4)
    assert compiler.batches == []
    (warning,) = warnings
    assert says in warning
    assert RunSettings().compile is False


@pytest.mark.gpu
def test_the_real_compiler_gives_the_same_values() -> None:
    network, voxels, warnings = local_network(3).cuda(), torch.rand(1, 1, 16, 16, 16, device="cuda"), []
    evaluate = NetworkCall(load_model(network), torch.device("cuda"), make_settings(compile=True), warnings.append)
    with torch.inference_mode():
        torch.testing.assert_close(evaluate(voxels, None), network(voxels), atol=1e-3, rtol=0)
    assert warnings == []
