"""The functions on arrays, and those that look at what a value is."""

from __future__ import annotations

from functools import cmp_to_key

from tlspolicy.expressions.values import UnusableValueError, Value, compare, equal, number

MAX_COMPARED_ARRAYS = 1_000


def count(value: Value) -> Value:
    """The elements of an array; of what is none, 0 for `''` and 1 for anything else."""
    return len(_as_array(value))


def winnow(value: Value) -> Value:
    """An array without its elements `''`; what is none comes back as it is."""
    return tuple([item for item in value if item != ""]) if isinstance(value, tuple) else value


def dedup(value: Value) -> Value:
    """The elements without those that equal one before them."""
    first: list[Value] = []
    seen = _Known()
    for item in _as_array(value):
        if item not in seen:
            seen.add(item)
            first.append(item)
    return tuple(first)


def is_intersect(left: Value, right: Value) -> Value:
    """Whether two arrays, or an array and a value, have an element in common."""
    if not isinstance(left, tuple) and not isinstance(right, tuple):
        return 0
    ours, theirs = (value if isinstance(value, tuple) else (value,) for value in (left, right))
    known = _Known()
    for item in ours:
        known.add(item)
    return int(any(item in known for item in theirs))


def sort(value: Value, ascending: Value) -> Value:
    """The elements in rising order where `ascending` is true, else in falling order.

    Numbers stand before texts, and these before arrays; NaN stands before all numbers.
    """
    return tuple(sorted(_as_array(value), key=cmp_to_key(_order), reverse=not ascending))


def _order(left: Value, right: Value) -> int:
    """A total order, which `compare` of mixed types is not."""
    kinds = _kind(left), _kind(right)
    if kinds[0] != kinds[1]:
        return kinds[0] - kinds[1]
    if isinstance(left, tuple) and isinstance(right, tuple):
        orders = (_order(a, b) for a, b in zip(left, right, strict=False))
        return next((order for order in orders if order), len(left) - len(right))
    order = compare(left, right)
    return _is_nan(right) - _is_nan(left) if order is None else order


def _kind(value: Value) -> int:
    return 2 if isinstance(value, tuple) else int(isinstance(value, str))


def _is_nan(value: Value) -> bool:
    return value != value  # noqa: PLR0124


def is_empty(value: Value) -> Value:
    """Whether a value is `''` or `[]`."""
    return int(value in ("", ()))


def is_number(value: Value) -> Value:
    """Whether a value is a number; a text that reads as one is none."""
    return int(isinstance(value, (int, float)))


def if_then(condition: Value, then: Value, otherwise: Value) -> Value:
    """`then` where `condition` is true, else `otherwise`; both are evaluated."""
    return then if condition else otherwise


def _as_array(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else (value,) if value != "" else ()


class _Known:
    """Values, among which one that equals another by `equal` is found without comparing it with each of them.

    Equality depends on both sides: a text equals a text by its characters, and a number by what it reads as; an integer
    equals an integer exactly, and a float as a float.
    """

    def __init__(self) -> None:
        self._texts: set[str] = set()
        self._numbers = _Numbers()
        self._texts_as_numbers = _Numbers()
        self._arrays: list[tuple[Value, ...]] = []

    def add(self, value: Value) -> None:
        match value:
            case str():
                self._texts.add(value)
                self._texts_as_numbers.add(number(value))
            case tuple():
                if len(self._arrays) == MAX_COMPARED_ARRAYS:
                    raise UnusableValueError(f"more than {MAX_COMPARED_ARRAYS} arrays in an array can't be compared")
                self._arrays.append(value)
            case _:
                self._numbers.add(value)

    def __contains__(self, value: Value) -> bool:
        match value:
            case str():
                return value in self._texts or number(value) in self._numbers
            case tuple():
                return any(equal(value, array) for array in self._arrays)
            case _:
                return value in self._numbers or value in self._texts_as_numbers


class _Numbers:
    def __init__(self) -> None:
        self._integers: set[int] = set()
        self._integers_as_floats: set[float] = set()
        self._floats: set[float] = set()

    def add(self, value: float) -> None:
        if isinstance(value, int):
            self._integers.add(value)
            self._integers_as_floats.add(float(value))
        elif not _is_nan(value):
            self._floats.add(value)

    def __contains__(self, value: float) -> bool:
        if isinstance(value, int):
            return value in self._integers or float(value) in self._floats
        return value in self._floats or value in self._integers_as_floats
