"""The summary's shares are those of the work, which several threads do at once."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from napari_seamless.cli.report import _evaluated, _time


def test_shares_add_up_though_the_stages_were_busy_for_longer_than_the_run() -> None:
    timings = {"read": 2.0, "forward": 36.0, "blend": 1.0, "write": 1.0, "wait": 3.0, "total": 20.0}
    text = _time(timings, patches=40)
    assert text.startswith("20.0 s, 2 patches/s\n")
    assert [int(share) for share in re.findall(r"(\d+)%", text)] == [5, 90, 2, 2]
    assert text.endswith("waited 3.0 s")


def test_a_run_without_work_has_no_shares() -> None:
    assert "read 0.0 s (0%)" in _time({"read": 0.0, "total": 0.0}, patches=0)


@pytest.mark.parametrize(
    ("evaluated", "workers", "text"),
    [
        (40, 2, ""),
        (10, None, "\n10 of them in this run"),
        (50, 2, "\n10 of them (25%) evaluated again, at the borders between tasks"),
        (50, None, "\n10 beside the region, in the same batches"),
    ],
)
def test_patches_that_were_not_evaluated_once(evaluated: int, workers: int | None, text: str) -> None:
    result, job = SimpleNamespace(evaluated=evaluated, patches=40), SimpleNamespace(workers=workers, scheduler=None)
    outcome: Any = SimpleNamespace(result=result, job=job)
    assert _evaluated(outcome) == text
