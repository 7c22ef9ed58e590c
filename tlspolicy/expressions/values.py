"""What values mean: truth, numbers, text, equality, order, arithmetic, index.

A value is an `int` of 64 bits, a `float`, a `str` or a `tuple` of values. There is no boolean type and no null:
1 and 0 stand for true and false, and a variable that was not set is `''`. Truth is Python's own: 0, 0.0, `''` and
`()` are false, all else is true, NaN and `'0'` included.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

Value: TypeAlias = "int | float | str | tuple[Value, ...]"

INT_MIN = -(2**63)
INT_MAX = 2**63 - 1
MAX_TEXT_LENGTH = 1_048_576
MAX_ARRAY_LENGTH = 65_536
MAX_VALUE_DEPTH = 64

_INTEGER = r"[+-]?[0-9]+"
_UNSIGNED = r"\+?[0-9]+"
_FLOAT = r"(?ai)[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)"
_UNSIGNED_MAX = 2**64 - 1
_EVERY_INTEGER = 2**53  # Below it a float may have a fraction.
_LONGEST_INTEGER = len(str(INT_MAX))
_LONGEST_UNSIGNED = len(str(_UNSIGNED_MAX))
_SEPARATOR = "\r\n"


class UnusableValueError(Exception):
    """A value that evaluation can't go on with. Internal: the evaluator makes a `PolicyEvaluationError` of it."""


def language_value(value: object) -> Value:
    """Take what Python code supplies as a value of the language.

    Args:
        value: an `int` of 64 bits, `float`, `str`, or a `tuple` or `list` of such values; a `bool` becomes 1 or 0,
            `None` becomes `''`.

    Raises:
        TypeError: it is of another type.
        ValueError: an integer beyond 64 bits, a text with a lone surrogate, or a value beyond the limits.
    """
    return _language_value(value, MAX_VALUE_DEPTH, iter(range(MAX_ARRAY_LENGTH)))


def _language_value(value: object, depth: int, budget: Iterator[int]) -> Value:
    """As `language_value`; `budget` gives one item for each element that the value may have in all."""
    match value:
        case None:
            return ""
        case int():
            if not INT_MIN <= value <= INT_MAX:
                raise ValueError("an integer beyond 64 bits")
            return int(value)
        case float():
            return float(value)
        case str():
            return checked_text(value)
        case tuple() | list():
            if not depth:
                raise ValueError(f"an array of more than {MAX_VALUE_DEPTH} levels")
            return tuple([_element(item, depth - 1, budget) for item in value])
        case _:
            raise TypeError(f"{type(value).__name__} is no type of the language: int, float, str or tuple")


def _element(item: object, depth: int, budget: Iterator[int]) -> Value:
    if next(budget, None) is None:
        raise ValueError(f"an array of more than {MAX_ARRAY_LENGTH} elements")
    return _language_value(item, depth, budget)


def checked_text(text: str) -> str:
    """`text` as a plain `str`; `ValueError` when it is too long, or UTF-8 can't say it (a lone surrogate)."""
    text = str.__str__(text)  # A class derived from str may say anything of itself.
    if len(text) > MAX_TEXT_LENGTH:
        raise ValueError(f"a text of more than {MAX_TEXT_LENGTH} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text with a lone surrogate") from None
    return text


def number(value: Value) -> int | float:
    """`value` read as a number.

    A text is read by the syntax of Rust's `i64`, then `f64`: no blanks, no underscores; what is no number is 0.
    An array is 1 when it is empty and 0 when it is not.
    """
    match value:
        case int() | float():
            return value
        case str():
            return _number_in(value)
        case tuple():  # pragma: no branch (there is no other kind)
            return int(not value)


def _number_in(text: str) -> int | float:
    if re.fullmatch(_INTEGER, text):
        # int() refuses thousands of digits, leading zeros included.
        digits = text.lstrip("+-0")[: _LONGEST_INTEGER + 1] or "0"
        integer = -int(digits) if text[0] == "-" else int(digits)
        return integer if INT_MIN <= integer <= INT_MAX else float(text)
    return float(text) if re.fullmatch(_FLOAT, text) else 0


def text(value: Value) -> str:
    """`value` as text.

    Floats as Rust's `Display` writes them: the shortest digits that read back, no exponent, no `.0`. The elements of
    an array are joined by CRLF, an array among them counting as an empty one; no CRLF is written before there is text.
    """
    match value:
        case str():
            return value
        case int():
            return str(value)
        case float():
            return _float_text(value)
        case tuple():  # pragma: no branch (there is no other kind)
            return _array_text(value)


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return format(_shortest(value), "f").removesuffix(".0")


def _shortest(value: float) -> Decimal:
    """The fewest digits that read back as `value`.

    Where two such numbers are equally near, Python takes the even digit and Rust the one further from 0.
    """
    from decimal import Decimal  # noqa: PLC0415  (wanted by few rules)

    shortest, exact = Decimal(repr(value)), Decimal(value)
    away = 2 * (exact - shortest)
    is_tie = abs(away) == Decimal(1).scaleb(int(shortest.as_tuple().exponent)) and abs(value) < _EVERY_INTEGER
    if is_tie and abs(shortest) < abs(exact) and float(shortest + away) == value:
        return (shortest + away).quantize(shortest)
    return shortest


def _array_text(items: tuple[Value, ...]) -> str:
    joined: list[str] = []
    length = 0
    for item in items:
        element = "" if isinstance(item, tuple) else text(item)
        if joined or element:
            length += len(element) + len(_SEPARATOR)
            check_text_length(length)
            joined.append(element)
    return _SEPARATOR.join(joined)


def compare(left: Value, right: Value) -> int | None:
    """Order two values: negative, 0 or positive as `left` is less, equal or greater; `None` when one is NaN.

    Two texts compare bytewise as UTF-8, which is by code point; anything else that is no array as numbers. An array is
    greater than all that is no array, but a text is greater than an array, too.
    """
    match left, right:
        case tuple(), tuple():
            return _compare_arrays(left, right)
        case tuple(), _:
            return 1
        case _, tuple():
            return 1 if isinstance(left, str) else -1
        case str(), str():
            return (left > right) - (left < right)
        case _:
            a, b = _comparable(number(left), number(right))
            return None if a != a or b != b else (a > b) - (a < b)  # noqa: PLR0124  (NaN)


def _compare_arrays(left: tuple[Value, ...], right: tuple[Value, ...]) -> int | None:
    for a, b in zip(left, right, strict=False):
        order = compare(a, b)
        if order != 0:
            return order
    return (len(left) > len(right)) - (len(left) < len(right))


def equal(left: Value, right: Value) -> bool:
    """Whether two values are equal: texts by characters, arrays element by element, anything else as numbers."""
    match left, right:
        case tuple(), tuple():
            return len(left) == len(right) and all(map(equal, left, right))
        case (tuple(), _) | (_, tuple()):
            return False
        case str(), str():
            return left == right
        case _:
            a, b = _comparable(number(left), number(right))
            return a == b


def _comparable(left: float, right: float) -> tuple[int | float, int | float]:
    """Two integers as they are; an integer beside a float as a float, so that 2⁵³+1 equals 2⁵³ as a float."""
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    return left, right


def shorter(left: Value, right: Value) -> tuple[Value, ...]:
    """What is looked at to compare two values: of two texts the shorter one, otherwise both values."""
    if isinstance(left, str) and isinstance(right, str):
        return (left if len(left) < len(right) else right,)
    return (left, right)


def add(left: Value, right: Value) -> Value:
    """`left + right`: concatenates arrays, puts an element before or after one, joins texts, or adds numbers.

    `''` joins nothing: the other side keeps its type.

    Raises:
        UnusableValueError: the result is too large.
    """
    match left, right:
        case tuple(), tuple():
            return _limited_array(left + right)
        case tuple(), _:
            return _limited_array((*left, right))
        case _, tuple():
            return _limited_array((left, *right))
        case "", _:
            return right
        case _, "":
            return left
        case (str(), _) | (_, str()):
            joined = text(left) + text(right)
            check_text_length(len(joined))
            return joined
        case _:
            return _saturated(number(left) + number(right))


def subtract(left: Value, right: Value) -> Value:
    """`left - right`: numbers; or the array on either side without the elements that equal the other side."""
    match left, right:
        case tuple(), _:
            return tuple([item for item in left if not equal(item, right)])
        case _, tuple():
            return tuple([item for item in right if not equal(item, left)])
        case _:
            return _saturated(number(left) - number(right))


def multiply(left: Value, right: Value) -> Value:
    """`left * right`, both read as numbers."""
    return _saturated(number(left) * number(right))


def divide(left: Value, right: Value) -> float:
    """`left / right`, both read as numbers: always a float, and 0.0 when `right` is 0."""
    divisor = float(number(right))
    return float(number(left)) / divisor if divisor else 0.0


def negate(value: Value) -> Value:
    """`-value`, read as a number."""
    return _saturated(-number(value))


def index(value: Value, place: Value) -> Value:
    """`value[place]`; `''` where there is no such element.

    What is no array is an array of itself, `''` an empty one. A float is cut to an unsigned integer (a negative one and
    NaN to 0), a text read as one; what can't be read counts as 0.
    """
    items = value if isinstance(value, tuple) else (value,) if value != "" else ()
    at = position(place)
    return items[at] if 0 <= at < len(items) else ""


def position(value: Value) -> int:
    """`value` read as a place in a text or an array, as `index` does it; negative where an integer is."""
    match value:
        case int():
            return value
        case float():
            return int(min(INT_MAX, value)) if value > 0 else 0
        case str():
            digits = value.lstrip("+0") or "0"
            if not re.fullmatch(_UNSIGNED, value) or len(digits) > _LONGEST_UNSIGNED:
                return 0
            return unsigned if (unsigned := int(digits)) <= _UNSIGNED_MAX else 0
        case tuple():  # pragma: no branch (there is no other kind)
            return 0


def _saturated(result: float) -> int | float:
    return max(INT_MIN, min(INT_MAX, result)) if isinstance(result, int) else result


def check_text_length(length: int) -> None:
    """Raise `UnusableValueError` for a text that is too long to go on with."""
    if length > MAX_TEXT_LENGTH:
        raise UnusableValueError(f"a text grew beyond {MAX_TEXT_LENGTH} characters")


def _limited_array(result: tuple[Value, ...]) -> tuple[Value, ...]:
    if len(result) > MAX_ARRAY_LENGTH:
        raise UnusableValueError(f"an array grew beyond {MAX_ARRAY_LENGTH} elements")
    return result


BINARY: dict[str, Callable[[Value, Value], Value]] = {
    "^": lambda left, right: int(bool(left) != bool(right)),
    "==": lambda left, right: int(equal(left, right)),
    "!=": lambda left, right: int(not equal(left, right)),
    "<": lambda left, right: int(_ordered(left, right, (-1,))),
    "<=": lambda left, right: int(_ordered(left, right, (-1, 0))),
    ">": lambda left, right: int(_ordered(left, right, (1,))),
    ">=": lambda left, right: int(_ordered(left, right, (0, 1))),
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
}
COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
UNARY: dict[str, Callable[[Value], Value]] = {
    "!": lambda value: int(not value),
    "-": negate,
}


def _ordered(left: Value, right: Value, orders: tuple[int, ...]) -> bool:
    return compare(left, right) in orders
