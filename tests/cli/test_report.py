"""The summary's shares are those of the work, which several threads do at once."""

from __future__ import annotations

import re

from napari_seamless.cli.report import _time


def test_shares_add_up_though_the_stages_were_busy_for_longer_than_the_run() -> None:
    timings = {"read": 2.0, "forward": 36.0, "blend": 1.0, "write": 1.0, "wait": 3.0, "total": 20.0}
    text = _time(timings, patches=40)
    assert text.startswith("20.0 s, 2 patches/s\n")
    assert [int(share) for share in re.findall(r"(\d+)%", text)] == [5, 90, 2, 2]
    assert text.endswith("waited 3.0 s")


def test_a_run_without_work_has_no_shares() -> None:
    assert "read 0.0 s (0%)" in _time({"read": 0.0, "total": 0.0}, patches=0)
