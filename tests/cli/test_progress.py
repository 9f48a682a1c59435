"""The terminal follows the events of a run, and Ctrl-C ends it cleanly."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
from unittest.mock import create_autospec

import pytest
import tqdm

from napari_seamless.cli.boundary import Stopped
from napari_seamless.cli.progress import TerminalReporter
from napari_seamless.cli.run import Request, run
from napari_seamless.cli.stopping import cancel_on_signals
from napari_seamless.engine import Control, Job, Measuring, Progress, Started, Warned
from napari_seamless.errors import RunCancelledError
from napari_seamless.plan import make_plan
from napari_seamless.types import Volume

PLAN = make_plan((16, 16, 16), 8, 0.5)
REQUEST = Request(source="in.zarr", output="out.zarr", model="demo")


class Screen(io.StringIO):
    """Standard error on a terminal, or not."""

    def __init__(self, is_terminal):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self):
        return self.is_terminal


def show(shown, *, on_terminal, quiet=False):
    """Return what stands on standard error after the events."""
    with contextlib.redirect_stderr(Screen(on_terminal)) as screen, TerminalReporter(quiet=quiet) as reporter:
        for event in shown:
            reporter(event)
    return screen.getvalue()


def events(done=13, seconds=None):
    return [
        Started(plan=PLAN, volume=create_autospec(Volume, instance=True)),
        Progress(done=done, total=PLAN.n_patches, seconds=seconds or {"read": 1.0, "forward": 9.0, "total": 9.5}),
    ]


def test_a_terminal_shows_patches_time_left_and_the_busiest_stage(monkeypatch):
    monkeypatch.setattr("tqdm.tqdm", functools.partial(tqdm.tqdm, mininterval=0, miniters=1))
    text = show(events(), on_terminal=True)
    assert f"13/{PLAN.n_patches} patches" in text
    assert "left" in text
    assert "forward 90%" in text


def test_measuring_has_a_bar_of_its_own(monkeypatch):
    monkeypatch.setattr("tqdm.tqdm", functools.partial(tqdm.tqdm, mininterval=0, miniters=1))
    text = show([Measuring(34, 100), *events()], on_terminal=True)
    assert text.index("Measuring intensities 34%") < text.index(f"13/{PLAN.n_patches} patches")
    assert show([Measuring(34, 100)], on_terminal=False) == ""


@pytest.mark.parametrize(("on_terminal", "quiet"), [(True, True), (False, False)])
def test_no_bar_where_nobody_watches(on_terminal, quiet):
    assert show(events(), on_terminal=on_terminal, quiet=quiet) == ""


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_warning_is_one_line_and_comes_once(on_terminal):
    warning = Warned("chunk (0, 1)\n is missing")
    text = show([*events(), warning, warning], on_terminal=on_terminal)
    lines = [line.split("\r")[-1] for line in text.split("\n")]
    assert [line for line in lines if "missing" in line] == ["Warning: chunk (0, 1) is missing"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_cancels_and_the_handlers_come_back(number):
    before = signal.getsignal(number)
    control = Control()
    with cancel_on_signals(control) as interruption:
        os.kill(os.getpid(), number)
        assert control.cancelled
        assert signal.getsignal(number) is before
    assert interruption.exit_code == 128 + number


def fake_job(monkeypatch, behave):
    job = create_autospec(Job, instance=True)
    job.plan = PLAN
    job.run.side_effect = behave
    monkeypatch.setattr("napari_seamless.cli.run._prepare", lambda request: (job, None))
    return job


def test_ctrl_c_says_how_far_it_came_and_how_to_go_on(monkeypatch):
    def interrupted(on_event, control):
        for event in events():
            on_event(event)
        os.kill(os.getpid(), signal.SIGINT)
        control.checkpoint()

    job = fake_job(monkeypatch, interrupted)
    with pytest.raises(Stopped, match=rf"13 of {PLAN.n_patches} patches.*out\.zarr.*--resume") as stopped:
        run(REQUEST, TerminalReporter())
    assert stopped.value.exit_code == 130
    assert job.run.call_count == 1


def test_a_run_that_stops_before_its_output_exists_says_so(monkeypatch):
    def interrupted(on_event, control):
        raise RunCancelledError("cancelled")

    fake_job(monkeypatch, interrupted)
    with pytest.raises(Stopped, match="before anything was written"):
        run(REQUEST, TerminalReporter())
