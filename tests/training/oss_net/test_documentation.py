"""The page on training occupancy networks: its example runs, and it names only options that there are."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from napari_seamless.cli.program import program
from napari_seamless.training.oss_net.settings import SHORT_NAMES

PAGE = (Path(__file__).parents[3] / "docs/how-to/oss-net-training.md").read_text()


def test_the_example_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[-1], {})
    assert "{'inside': " in capsys.readouterr().out
    assert (tmp_path / "box.safetensors").exists()


def test_the_page_names_only_options_that_there_are_and_every_setting():
    options = CliRunner().invoke(program, ["train", "oss-net", "--help"]).output
    rows = re.findall(r"^\| `.*?` \| (.*) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 12
    text = "\n".join([re.sub(r"^\|.*$", "", PAGE, flags=re.MULTILINE), *rows])
    assert {flag for flag in re.findall(r"--[a-z][\w-]+", text) if flag not in options} == set()
    for name in SHORT_NAMES:
        assert f"`{name.removeprefix('oss_net_')}`" in PAGE or f"`{name}`" in PAGE
