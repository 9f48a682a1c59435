"""The documentation names what there is: every setting with its flag and default, every dependency with its reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from napari_seamless.cli.segment import segment
from napari_seamless.recipe import RunSettings

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())

# The settings of a run as the table shows them: name, flag, default.
ROWS = re.findall(
    r"^\| `(\w+)` \| `(--[\w-]+)` \| ([^|]*?) \|", (DOCS / "reference/settings.md").read_text(), re.MULTILINE
)


def test_the_table_of_settings_lists_each_setting_once_and_in_order() -> None:
    assert [name for name, _, _ in ROWS] == list(RunSettings.model_fields)


@pytest.mark.parametrize(("name", "flag", "default"), ROWS, ids=[name for name, _, _ in ROWS])
def test_a_row_of_the_table_says_the_flag_and_the_default(name: str, flag: str, default: str) -> None:
    (option,) = [option for option in segment.params if option.name == name]
    assert flag in option.opts
    value = RunSettings.model_fields[name].default
    if isinstance(value, bool):
        assert default in {"off", "none"}
        assert not value
    elif isinstance(value, int | float):
        assert float(default.rsplit(maxsplit=1)[-1]) == value  # "the network's own, else 64"
    elif value is not None:
        assert default == f"`{value}`"


def test_the_page_on_the_command_line_names_every_other_option() -> None:
    page = (DOCS / "how-to/command-line.md").read_text()
    others = [option for option in segment.params if option.name not in RunSettings.model_fields]
    missing = [flag for option in others for flag in option.opts if flag.startswith("--") and flag not in page]
    assert missing == []


def requirements() -> set[str]:
    """Name every package that `pyproject.toml` asks for, groups and extras included."""
    project = PROJECT["project"]
    lists = [
        project["dependencies"],
        *project["optional-dependencies"].values(),
        *PROJECT["dependency-groups"].values(),
    ]
    names = {Requirement(text).name for texts in lists for text in texts if isinstance(text, str)}
    return names - {project["name"]}


def test_the_page_on_dependencies_says_why_for_each() -> None:
    words = set(re.findall(r"[\w-]+", (DOCS / "dependencies.md").read_text()))
    assert requirements() - words == set()


def test_the_table_of_extras_in_the_readme_is_complete() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (CHECKOUT / "README.md").read_text(), re.MULTILINE)
    assert set(rows) == set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_links_between_files_lead_somewhere(page: str) -> None:
    path = CHECKOUT / page
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []
