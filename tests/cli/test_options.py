"""Options follow the settings object: every setting has one, and values arrive as they are meant."""

from __future__ import annotations

import click
import pytest

from napari_seamless.cli.options import PerAxis, WholeOrWord, field_descriptions, flag_of, run_options
from napari_seamless.cli.program import program
from napari_seamless.cli.segment import segment
from napari_seamless.recipe import RunSettings

WORDS = {
    "memory_budget": ("4GiB", 4 * 2**30),
    "device": ("cpu", "cpu"),
    "patch_size": ("64,32,32", (64, 32, 32)),
    "batch_size": ("4", 4),
    "channels_last": ("off", False),
    "compile": ("on", True),
    "flips": ("z,y", ("z", "y")),
    "region": ("z=2:4", "z=2:4"),
    "window": ("mine.safetensors", "mine.safetensors"),
}


def words_for(option):
    """Return a text for an option, and the value that it means."""
    if option.name in WORDS:
        return WORDS[option.name]
    if isinstance(option.type, click.Choice):
        return option.type.choices[-1], option.type.choices[-1]
    number = (
        option.type.number if isinstance(option.type, PerAxis) else {"integer": int, "float": float}[option.type.name]
    )
    return ("0.25", 0.25) if number is float else ("3", 3)


def test_a_window_is_a_name_or_a_file():
    (window,) = [param for param in segment.params if param.name == "window"]
    assert [window.type.convert(text, None, None) for text in ("hann", "a/b.safetensors")] == [
        "hann",
        "a/b.safetensors",
    ]
    assert window.metavar == "gaussian|constant|hann|triangle|FILE"
    with pytest.raises(click.BadParameter, match=r"'han' is neither gaussian, .* nor a file that ends in .safetensors"):
        window.type.convert("han", None, None)


@pytest.mark.parametrize("name", RunSettings.model_fields)
def test_every_setting_has_an_option_that_reaches_it(name):
    received = {}

    @click.command()
    @run_options()
    def command(**settings):
        received.update({key: value for key, value in settings.items() if value is not None})

    (option,) = [param for param in command.params if param.name == name]
    text, meant = words_for(option)
    command.main([flag_of(name), text], standalone_mode=False)
    assert getattr(RunSettings(**received), name) == meant
    assert list(received) == [name]


def test_an_option_that_is_not_given_leaves_the_default_to_the_settings():
    received = {}

    @click.command()
    @run_options()
    def command(**settings):
        received.update(settings)

    command.main([], standalone_mode=False)
    assert set(received) == set(RunSettings.model_fields)
    assert set(received.values()) == {None}


@pytest.mark.parametrize(
    ("number", "text", "value"),
    [
        (int, "64", 64),
        (int, "64,32,16", (64, 32, 16)),
        (int, "64x32x16", (64, 32, 16)),
        (float, "0.5", 0.5),
        (float, "0.5,0.25", (0.5, 0.25)),
    ],
)
def test_values_per_axis(number, text, value):
    assert PerAxis(number).convert(text, None, None) == value


@pytest.mark.parametrize(("number", "text"), [(int, "1.5"), (int, "64,"), (float, "a"), (int, ""), (float, "0.5 0.5")])
def test_values_per_axis_that_are_none(number, text):
    with pytest.raises(click.BadParameter, match="one per axis"):
        PerAxis(number).convert(text, None, None)


@pytest.mark.parametrize(("text", "value"), [("auto", "auto"), ("1", 1), ("32", 32)])
def test_a_number_or_a_word(text, value):
    assert WholeOrWord(("auto",)).convert(text, None, None) == value


def test_what_is_neither_number_nor_word():
    with pytest.raises(click.BadParameter, match="'many' is neither a whole number nor auto"):
        WholeOrWord(("auto",)).convert("many", None, None)


def test_every_setting_is_described_in_the_help():
    described = field_descriptions(RunSettings.__doc__)
    assert described.keys() == RunSettings.model_fields.keys()
    assert all(text.endswith(".") for text in described.values())


@pytest.mark.parametrize("option", [p for p in segment.params if isinstance(p, click.Option)], ids=lambda p: p.name)
def test_every_option_has_help_without_marks_of_docstrings(option):
    assert option.help
    assert "`" not in option.help


def test_what_none_stands_for_is_the_default_in_the_help():
    (option,) = [param for param in segment.params if param.name == "memory_budget"]
    assert option.help.endswith("[default: half of what is free]")
    assert "None" not in option.help


def test_every_option_is_in_the_documentation(request):
    docs = request.config.rootpath / "docs"
    pages = (docs / "reference" / "settings.md", *(docs / "how-to").glob("*.md"))
    text = "".join(page.read_text() for page in pages)
    flags = {flag for command in program.commands.values() for param in command.params for flag in param.opts}
    assert sorted(flag for flag in flags if flag.startswith("-") and f"`{flag}" not in text) == []
