"""The page on training: its examples run, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from napari_seamless.cli.program import program
from napari_seamless.training.losses import LOSSES

PAGE = (Path(__file__).parents[2] / "docs/how-to/train.md").read_text()


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for example in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(example, {})
    lines = capsys.readouterr().out.splitlines()
    assert "'box'" in lines[0]
    assert "(16, 16, 16)" in lines[0]
    assert lines[1].startswith("torch.Size([16, 16, 16])")
    assert len(lines) == 2 + 6


def test_the_page_names_every_loss_and_only_options_that_there_are() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(LOSSES)
    options = CliRunner().invoke(program, ["train", "--help"]).output
    assert {flag for flag in re.findall(r"--[a-z][\w-]+", PAGE) if flag not in options and flag != "--model"} == set()
