"""What the vectors leave open: limits, what Python supplies, and laws that hold for all values."""

from __future__ import annotations

import math
import struct
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy.expressions import values
from tlspolicy.expressions.values import (
    INT_MAX,
    INT_MIN,
    MAX_ARRAY_LENGTH,
    MAX_TEXT_LENGTH,
    MAX_VALUE_DEPTH,
    UnusableValueError,
    Value,
    add,
    compare,
    equal,
    index,
    language_value,
    negate,
    number,
    subtract,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

VALUES = st.recursive(
    st.integers(INT_MIN, INT_MAX)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.sampled_from(["0", "1e3", "-5", "inf", "nan", ".5", " 5", "1_0", "٣"]),
    lambda items: st.lists(items, max_size=3).map(tuple),
    max_leaves=5,
)


def deep(levels: int) -> Value:
    value: Value = ()
    for _ in range(levels - 1):
        value = (value,)
    return value


def shared(levels: int) -> object:
    """What takes little memory and would grow without end where it is copied."""
    value: object = []
    for _ in range(levels):
        value = [value, value]
    return value


@pytest.mark.parametrize(
    ("supplied", "value"),
    [(True, 1), (None, ""), ([1, [None, 2.5]], (1, ("", 2.5))), (INT_MAX, INT_MAX), ("é", "é")],
)
def test_python_value(supplied: object, value: Value) -> None:
    assert repr(language_value(supplied)) == repr(value)


@pytest.mark.parametrize(
    ("supplied", "error"),
    [
        pytest.param(INT_MAX + 1, ValueError, id="beyond-64-bits"),
        pytest.param(INT_MIN - 1, ValueError, id="below-64-bits"),
        pytest.param("\ud800", ValueError, id="lone-surrogate"),
        pytest.param(["x", "\udfff"], ValueError, id="lone-surrogate-inside"),
        pytest.param("x" * (MAX_TEXT_LENGTH + 1), ValueError, id="text-too-long"),
        pytest.param([0] * (MAX_ARRAY_LENGTH + 1), ValueError, id="array-too-long"),
        pytest.param([[0] * 30_000] * 3, ValueError, id="array-too-large-in-all"),
        pytest.param(shared(60), ValueError, id="array-that-is-shared"),
        pytest.param(deep(MAX_VALUE_DEPTH + 1), ValueError, id="array-too-deep"),
        pytest.param(b"x", TypeError, id="bytes"),
        pytest.param({"x": 1}, TypeError, id="dict"),
        pytest.param([object()], TypeError, id="object-inside"),
    ],
)
def test_what_is_no_value(supplied: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        language_value(supplied)


@pytest.mark.parametrize(
    "supplied",
    ["x" * MAX_TEXT_LENGTH, [0] * MAX_ARRAY_LENGTH, deep(MAX_VALUE_DEPTH)],
    ids=["longest-text", "longest-array", "deepest-array"],
)
def test_value_at_its_limit(supplied: object) -> None:
    assert language_value(supplied)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("+5", 5),
        ("-0", 0),
        ("9223372036854775807", INT_MAX),
        ("9223372036854775808", 9223372036854775808.0),
        ("-9223372036854775808", INT_MIN),
        ("0" * 5000 + "7", 7),
        ("1" * 5000, math.inf),
        ("1.", 1.0),
        ("1E2", 100.0),
        ("-Infinity", -math.inf),
        ("1_0", 0),
        (" 1", 0),
        ("1 ", 0),
        ("٣", 0),
        (".", 0),
        ("e5", 0),
        ("+", 0),
        ("", 0),
        ((), 1),
        (("x",), 0),
    ],
)
def test_number(read: Value, expected: float) -> None:
    assert repr(number(read)) == repr(expected)


@pytest.mark.parametrize(
    ("position", "found"),
    [
        ("1", "b"),
        ("+1", "b"),
        ("-1", "a"),
        ("18446744073709551615", ""),
        ("18446744073709551616", "a"),
        ("1" * 5000, "a"),
        (1.9, "b"),
        (-1.5, "a"),
        (math.nan, "a"),
        (math.inf, ""),
        (-1, ""),
        (2, ""),
        ((1,), "a"),
    ],
)
def test_index(position: Value, found: str) -> None:
    assert index(("a", "b"), position) == found


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "NaN"),
        (-math.inf, "-inf"),
        (-0.0, "-0"),
        (4503599627370496.5 / 3, "1501199875790165.3"),
        (-4503599627370496.5 / 3, "-1501199875790165.3"),
        (0.1 + 0.2, "0.30000000000000004"),
        (5e-324, "0." + "0" * 323 + "5"),
        (("", "a", ("x",), 1.0), "a\r\n\r\n1"),
    ],
)
def test_text(value: Value, written: str) -> None:
    assert text(value) == written


@pytest.mark.parametrize(
    "grow",
    [
        lambda: add("x" * MAX_TEXT_LENGTH, "y"),
        lambda: add((0,) * MAX_ARRAY_LENGTH, 1),
        lambda: add(1, (0,) * MAX_ARRAY_LENGTH),
        lambda: add((0,), (0,) * MAX_ARRAY_LENGTH),
        lambda: text(("x" * MAX_TEXT_LENGTH,) * 1000),
    ],
    ids=["text", "append", "prepend", "concatenate", "array-text"],
)
def test_growth_is_limited(grow: Callable[[], Value]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnusableValueError, match="grew beyond"):
            grow()
        assert tracemalloc.get_traced_memory()[1] < 10 * MAX_TEXT_LENGTH
    finally:
        tracemalloc.stop()


def test_negating_the_least_integer_saturates() -> None:
    assert negate(INT_MIN) == INT_MAX


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_agrees_with_order(left: Value, right: Value) -> None:
    assert equal(left, right) == equal(right, left)
    if equal(left, right):
        assert compare(left, right) == 0


@given(VALUES, VALUES)
def test_arithmetic_stays_in_the_language(left: Value, right: Value) -> None:
    for operate in values.BINARY.values():
        result = operate(left, right)
        assert repr(language_value(result)) == repr(result)
        assert not isinstance(result, bool)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_from_its_text(value: float) -> None:
    written = text(value)
    assert "e" not in written
    assert struct.pack("d", float(written)) == struct.pack("d", value)


@given(st.lists(VALUES).map(tuple), VALUES)
def test_nothing_equal_is_left_after_subtracting_from_an_array(items: tuple[Value, ...], item: Value) -> None:
    left = subtract(items, item)
    assert isinstance(left, tuple)
    assert not any(equal(element, item) for element in left)
