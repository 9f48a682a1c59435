"""A function of one's own is tried on zeros, called with means, and told in one sentence what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seamless.errors import ModelError, SettingsError, StorageError
from napari_seamless.reduce import UserFunction
from napari_seamless.types import Box

BOX = Box((8, 0), (12, 6))
MEANS = np.random.default_rng(0).random((3, 4, 6), np.float32)


@pytest.mark.parametrize(
    ("function", "leading", "dtype", "expected"),
    [
        (lambda m, b: m.argmax(0).astype(np.uint16), (), "uint16", MEANS.argmax(0)),
        (lambda m, b: m[0] > 0.5, (), "uint8", MEANS[0] > 0.5),
        (lambda m, b: m.max(0), (1,), "float32", MEANS.max(0)[None]),
        (lambda m, b: m[:2] - m[1:], (2,), "float32", MEANS[:2] - MEANS[1:]),
        (lambda m, b: np.round(100 * m).astype(np.int16), (3,), "int16", np.round(100 * MEANS)),
        (lambda m, b: np.full(b.shape, b.start[0]), (), "int64", np.full((4, 6), 8)),
        (lambda m, b: [[float(b.start[0])] * b.shape[1]] * b.shape[0], (1,), "float64", np.full((1, 4, 6), 8.0)),
    ],
    ids=["labels", "mask", "one channel", "channels", "whole channels", "place", "lists"],
)
def test_what_it_returns_says_what_is_stored(function, leading, dtype, expected) -> None:
    own = UserFunction(function)
    assert own.form(3, BOX) == (leading, np.dtype(dtype))
    result = own(MEANS.copy(), BOX)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda m, b: np.asfortranarray(m),
        lambda m, b: m[::-1, :, ::-1],
        lambda m, b: np.broadcast_to(m[:1], (5, *b.shape)),
        lambda m, b: m.astype(">f8"),
        lambda m, b: m.argmax(0).astype(">u2"),
    ],
    ids=["fortran", "reversed", "broadcast", "big-endian", "big-endian labels"],
)
def test_what_lies_oddly_in_memory_is_put_in_order(function) -> None:
    result = UserFunction(function)(MEANS, BOX)
    assert result.flags.c_contiguous
    assert result.dtype.isnative
    np.testing.assert_array_equal(result, function(MEANS, BOX))


def test_the_form_is_found_by_one_call_on_zeros() -> None:
    calls = []

    def function(means, box):
        calls.append((means.copy(), box))
        return means

    own = UserFunction(function)
    own.form(3, BOX)
    own.form(3, BOX)
    own(MEANS, BOX)
    assert len(calls) == 2
    np.testing.assert_array_equal(calls[0][0], np.zeros((3, 4, 6), np.float32))
    assert calls[0][1] == calls[1][1] == BOX


def test_the_chunk_at_the_volumes_end_may_be_smaller() -> None:
    own = UserFunction(lambda m, b: m.argmax(0))
    own.form(3, BOX)
    assert own(MEANS[:, :2, :1], Box((12, 6), (14, 7))).shape == (2, 1)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda m, b: 1 / 0, "ZeroDivisionError"),
        (lambda m, b: m[7], "IndexError"),
        (lambda m: m, "TypeError"),
        (lambda m, b: m.sum(), r"shape \(\)"),
        (lambda m, b: m[:, :-1], r"shape \(3, 3, 6\).*\(4, 6\)"),
        (lambda m, b: m[None], r"shape \(1, 3, 4, 6\)"),
        (lambda m, b: m[:0], r"shape \(0, 4, 6\)"),
        (lambda m, b: m[0] * 1j, "complex64"),
        (lambda m, b: m[0].astype(str), "<U"),
        (lambda m, b: None, r"shape \(\)"),
    ],
)
def test_what_cannot_be_stored_is_found_on_zeros(function, said) -> None:
    with pytest.raises(ModelError, match=said) as refused:
        UserFunction(function).form(3, BOX)
    text = str(refused.value)
    assert "given as reduce" in text
    assert "zeros" in text
    assert "<lambda>" in text


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (lambda m: m.astype(np.float64), "returned float64.*float32.*was expected"),
        (lambda m: m[:2], r"shape \(2, 4, 6\).*\(3, 4, 6\)"),
        (lambda m: m[0], r"shape \(1, 4, 6\).*\(3, 4, 6\)"),
        (lambda m: m[:, 0], r"shape \(3, 6\)"),
        (lambda m: m.no_such_name, "AttributeError.*no_such_name"),
    ],
)
def test_a_call_that_differs_from_the_first_names_its_chunk(later, said) -> None:
    own = UserFunction(lambda m, b: later(m) if m.any() else m)
    own.form(3, BOX)
    with pytest.raises(ModelError, match=said) as refused:
        own(MEANS, BOX)
    assert "from (8, 0) to (12, 6)" in str(refused.value)


def test_errors_with_a_sentence_of_their_own_are_kept() -> None:
    def function(means, box):
        raise StorageError("The table is full; remove it.")

    with pytest.raises(StorageError, match=r"^The table is full; remove it.$"):
        UserFunction(function).form(2, BOX)


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"reduce must be a function.*str"):
        UserFunction("argmax")
