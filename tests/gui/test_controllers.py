"""Controllers between fake views and a fake core: late answers are dropped, times leave pauses out."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from psygnal import Signal

from napari_seamless._qt.controllers import tiling_controller
from napari_seamless._qt.controllers.clock import RunClock
from napari_seamless._qt.controllers.network_controller import NetworkController
from napari_seamless._qt.controllers.run_controller import RunController
from napari_seamless._qt.core import Core
from napari_seamless._qt.parts import Parts
from napari_seamless._qt.state import WindowState
from napari_seamless._qt.views.run_view import RunView
from napari_seamless._qt.views.tiling_view import TilingView
from napari_seamless._qt.worker import Worker
from napari_seamless.engine import Measuring
from napari_seamless.engine.result import Estimate
from napari_seamless.errors import ModelError, RunCancelledError
from napari_seamless.types import ModelSpec
from napari_seamless.volume import open_volume


class FakeNetworkView:
    """What the controller needs of the view."""

    network_chosen = Signal(object)

    def __init__(self) -> None:
        self.show_network = Mock()


@pytest.fixture
def worker(qapp):
    worker = Worker()
    yield worker
    worker.close()


def core(**functions) -> Core:
    unused = dict.fromkeys(("open_volume", "load_model", "prepare", "make_control"), Mock())
    return Core(**unused | functions)


def model(name: str, **fields) -> SimpleNamespace:
    return SimpleNamespace(spec=ModelSpec(name=name, **fields))


def test_the_network_chosen_last_wins_even_if_it_loads_first(qtbot, worker):
    slow = threading.Event()

    def load(source: str) -> SimpleNamespace:
        if source == "slow":
            slow.wait(5)
        return model(source)

    view, state = FakeNetworkView(), WindowState()
    controller = NetworkController(view, Parts(state, worker, core(load_model=load)))
    view.network_chosen.emit("slow")
    view.network_chosen.emit("fast")
    qtbot.waitUntil(lambda: state.model is not None)
    slow.set()
    qtbot.waitUntil(lambda: not worker.busy)
    assert state.model.spec.name == "fast"
    assert view.show_network.call_args.args[0] == "fast"
    del controller


def test_a_refused_network_leaves_the_earlier_one(qtbot, worker):
    def load(source: str) -> SimpleNamespace:
        if source == "bad":
            raise ModelError("bad is no network.")
        return model(source, patch_size=(32, 32, 32))

    view, state = FakeNetworkView(), WindowState()
    controller = NetworkController(view, Parts(state, worker, core(load_model=load)))
    view.network_chosen.emit("good")
    qtbot.waitUntil(lambda: state.model is not None)
    assert state.values["patch_size"] == 32
    view.network_chosen.emit("bad")
    qtbot.waitUntil(lambda: state.message.severity == "error")
    assert state.message.text == "bad is no network."
    assert state.model.spec.name == "good"
    del controller


def test_the_worker_delivers_in_order_on_the_main_thread(qtbot, worker):
    heard: list[object] = []

    def work() -> str:
        for number in range(100):
            worker.post(lambda n: heard.append((n, threading.current_thread() is threading.main_thread())), number)
        return "end"

    worker.start(work, heard.append, heard.append)
    qtbot.waitUntil(lambda: "end" in heard)
    assert heard == [*((number, True) for number in range(100)), "end"]


def test_a_closed_worker_delivers_nothing(qtbot, worker):
    heard: list[object] = []
    worker.start(lambda: time.sleep(0.1), heard.append, heard.append)
    worker.close()
    qtbot.wait(100)
    assert heard == []
    assert not worker.busy


def test_the_time_left_leaves_pauses_out():
    now = [0.0]
    clock = RunClock(lambda: now[0])
    assert clock.left(1, 11) is None
    now[0] = 4.0
    assert clock.left(3, 11) == pytest.approx(16.0)  # 2 s for each of 8 patches
    clock.pause()
    now[0] = 104.0
    clock.resume()
    now[0] = 106.0
    assert clock.left(4, 11) == pytest.approx(14.0)


class FakeRunView:
    """What the controller needs of the view."""

    run_asked, pause_asked, cancel_asked = Signal(), Signal(), Signal()

    def __init__(self) -> None:
        self.show_phase = self.show_message = self.show_timings = self.show_progress = Mock()
        self.progress = Mock()


def test_the_message_line_tells_how_far_the_measuring_is(qtbot, worker):
    def run(on_event, control):
        on_event(Measuring(34, 100))
        raise RunCancelledError("The run was cancelled.")

    job = SimpleNamespace(plan=SimpleNamespace(n_patches=8), run=run, output=None, volume=None)
    tiling = SimpleNamespace(new_job=lambda: job, settle=lambda job: lambda: job, network_lock=threading.Lock())
    view, state = FakeRunView(), WindowState()
    said: list[str] = []
    state.events.message.connect(lambda message: said.append(message.text))
    controller = RunController(Mock(), view, Parts(state, worker, core()), tiling, Mock())
    view.run_asked.emit()
    qtbot.waitUntil(lambda: "The run was cancelled." in said)
    assert said[-2:] == ["Measuring intensities 34%", "The run was cancelled."]
    controller.close()


def test_a_batch_size_is_measured_off_the_main_thread(qtbot, worker, monkeypatch):
    main: list[object] = []

    def prepare(volume, model, settings, output, **_):
        if threading.current_thread() is threading.main_thread():
            main.append(settings.batch_size)
        size = 16 if settings.batch_size == "auto" else settings.batch_size
        plan = SimpleNamespace(step=(32,) * 3, batch_size=size)
        estimate = Estimate(patches=8, evaluations_per_voxel=1.0, memory_bytes=1, output_bytes=1)
        job = {"volume": volume, "model": model, "output": output, "overwrite": False, "resume": False, "plan": plan}
        return SimpleNamespace(**job, estimate=lambda: estimate, measure=lambda: 0.5)

    monkeypatch.setattr(tiling_controller, "choose_devices", lambda _: [torch.device("cuda")])
    state, view, run_view = WindowState(), TilingView(), RunView()
    qtbot.addWidget(view)
    qtbot.addWidget(run_view)
    controller = tiling_controller.TilingController(view, run_view, Parts(state, worker, core(prepare=prepare)))
    state.model, state.volume = model("net"), open_volume(np.zeros((64,) * 3), axes="zyx")
    qtbot.waitUntil(lambda: run_view.tiles.values["time"].text() == "~ 4.0 s")
    assert set(main) == {1}
    assert controller.job.plan.batch_size == 16
    controller.close()
