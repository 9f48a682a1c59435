"""Settings: one frozen object, strict about names, each refusal one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_seamless.errors import SettingsError
from napari_seamless.recipe import RunSettings, make_settings, parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GiB", 2**30),
        ("500 MB", 500 * 10**6),
        ("1.5k", 1500),
        (" 64mib ", 64 * 2**20),
        ("2t", 2 * 10**12),
        ("123", 123),
        (".5Ki", 512),
        (77, 77),
    ],
)
def test_sizes_are_read_with_their_units(text: object, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GiB", "1 XB", "-1GB", "1e9", "one", "1ib", "1.2.3k"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="a size is a number with an optional unit"):
        make_settings(memory_budget=text)


@pytest.mark.parametrize(
    ("text", "meant"), [("all", True), ("none", False), ("y", ("y",)), ("z, x", ("z", "x")), (["z", "y"], ("z", "y"))]
)
def test_flips_are_named_by_words_or_axes(text: object, meant: object) -> None:
    settings = make_settings(flips=text)
    assert settings.flips == meant
    assert make_settings(**json.loads(json.dumps(settings.model_dump(mode="json")))) == settings


@given(
    st.integers(1, 500) | st.tuples(st.integers(1, 500), st.integers(1, 500)),
    st.floats(0, 0.99) | st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)),
    st.sampled_from(["squeeze", "edge", "adaptive", "crop"]),
)
def test_settings_survive_json(patch_size: object, overlap: object, border: str) -> None:
    settings = make_settings(patch_size=patch_size, overlap=overlap, border=border, memory_budget="1GiB")
    assert make_settings(**json.loads(json.dumps(settings.model_dump(mode="json")))) == settings


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        make_settings().overlap = 0.75  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"overlap": 1.0}, "overlap must be at least 0 and below 1, got 1; try 0.5."),
        ({"overlap": -0.1}, "overlap must be at least 0 and below 1, got -0.1; try 0.5."),
        ({"overlap": (0.5, 1.5)}, "overlap must be at least 0 and below 1, got 1.5; try 0.5."),
        ({"overlap": float("nan")}, "overlap must be at least 0 and below 1, got nan; try 0.5."),
        ({"batch_size": 0}, "batch_size: input should be greater than or equal to 1 or 'auto', got 0."),
        ({"flips": "z,y,z"}, "flips must name each axis once, got z,y,z; try all."),
        ({"memory_budget": 1000}, "memory_budget: input should be greater than or equal to 1048576, got 1000."),
        ({"channel": -1}, "channel: input should be greater than or equal to 0, got -1."),
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_settings(**values)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    "values",
    [
        {"patch_size": 0},
        {"patch_size": (64, -1)},
        {"chunk_size": 0},
        {"patch_size": "many"},
        {"border": "mirror"},
        {"write": "everything"},
        {"threshold": float("inf")},
        {"threshold": float("nan")},
        {"missing_chunks": "guess"},
        {"batch_size": "many"},
        {"precision": "int8"},
        {"channels_last": "first"},
        {"compile": "soon"},
        {"flips": 3},
    ],
)
def test_every_refusal_is_one_sentence_that_names_the_setting(values: dict[str, object]) -> None:
    (name,) = values
    with pytest.raises(SettingsError) as caught:
        make_settings(**values)
    text = str(caught.value)
    assert name.split("_")[0] in text or "sizes" in text
    assert text.endswith(".")
    assert "\n" not in text
    assert "Value error" not in text


def test_an_unknown_name_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(
        SettingsError, match=r"^patchsize is not a setting; the settings are patch_size, overlap"
    ) as caught:
        make_settings(patchsize=64)
    assert all(name in str(caught.value) for name in RunSettings.model_fields)
