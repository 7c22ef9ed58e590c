"""The functions on texts. What is no text is taken as its text.

A function that `maps` is applied to each element where its first argument is an array, and gives an array. Characters,
white space and case are Unicode's, as in Rust's standard library (https://doc.rust-lang.org/std/primitive.str.html).
"""

from __future__ import annotations

import hashlib
import string
import unicodedata
from functools import wraps
from typing import TYPE_CHECKING

from tlspolicy.expressions.values import (
    MAX_ARRAY_LENGTH,
    UnusableValueError,
    Value,
    equal,
    position,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# What Unicode calls White_Space, as Rust trims it; Python's own strip() also takes U+001C to U+001F.
WHITE_SPACE = "".join(
    map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
_WHITE_SPACE_TO_BLANK = dict.fromkeys(map(ord, WHITE_SPACE), " ")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_ALPHABETIC = frozenset({"Nl", "Mc"})
_HASHES = frozenset({"md5", "sha1", "sha256", "sha512"})


def maps(function: Callable[..., Value]) -> Callable[..., Value]:
    """Apply `function` to the text of its first argument, or of each element where that is an array."""

    @wraps(function)
    def mapped(value: Value, *rest: Value) -> Value:
        if isinstance(value, tuple):
            return tuple([function(text(item), *rest) for item in value])
        return function(text(value), *rest)

    return mapped


@maps
def trim(value: str) -> Value:
    """The text without white space at both ends."""
    return value.strip(WHITE_SPACE)


@maps
def trim_start(value: str) -> Value:
    """The text without white space at its start."""
    return value.lstrip(WHITE_SPACE)


@maps
def trim_end(value: str) -> Value:
    """The text without white space at its end."""
    return value.rstrip(WHITE_SPACE)


@maps
def to_lowercase(value: str) -> Value:
    """The text in lower case."""
    return value.lower()


@maps
def to_uppercase(value: str) -> Value:
    """The text in upper case."""
    return value.upper()


@maps
def is_uppercase(value: str) -> Value:
    """Whether no letter of a text is anything but upper case."""
    return int(all(c.isupper() for c in value if _is_letter(c)))


@maps
def is_lowercase(value: str) -> Value:
    """Whether no letter of a text is anything but lower case."""
    return int(all(c.islower() for c in value if _is_letter(c)))


def _is_letter(character: str) -> bool:
    """What Unicode calls Alphabetic, as nearly as Python can tell: letters, Roman numerals, most vowel signs."""
    return (
        character.isalpha()
        or character.isupper()
        or character.islower()
        or unicodedata.category(character) in _ALPHABETIC
    )


@maps
def has_digits(value: str) -> Value:
    """Whether a text has a digit, 0 to 9."""
    return int(any(c in string.digits for c in value))


def length(value: Value) -> Value:
    """The bytes of a text in UTF-8, the elements of an array."""
    return len(value) if isinstance(value, tuple) else len(text(value).encode())


def count_chars(value: Value) -> Value:
    """The characters of a text."""
    return len(text(value))


def count_spaces(value: Value) -> Value:
    """The characters of white space in a text."""
    return sum(c in WHITE_SPACE for c in text(value))


def count_uppercase(value: Value) -> Value:
    """The upper-case characters of a text."""
    return sum(c.isupper() for c in text(value))


def count_lowercase(value: Value) -> Value:
    """The lower-case characters of a text."""
    return sum(c.islower() for c in text(value))


def starts_with(value: Value, prefix: Value) -> Value:
    """Whether a text starts with `prefix`."""
    return int(text(value).startswith(text(prefix)))


def ends_with(value: Value, suffix: Value) -> Value:
    """Whether a text ends with `suffix`."""
    return int(text(value).endswith(text(suffix)))


def contains(value: Value, wanted: Value) -> Value:
    """Whether an array has an element that equals `wanted`, or a text has it as a part."""
    if isinstance(value, tuple):
        return int(any(equal(item, wanted) for item in value))
    return int(text(wanted) in text(value))


def searched(value: Value, wanted: Value) -> tuple[Value, ...]:
    """What `contains` looks at: an array once, and what is wanted for each element that is not compared as text."""
    if not isinstance(value, tuple):
        return (value, wanted)
    text_is_wanted = isinstance(wanted, str)
    return (value, *[wanted for item in value if not (text_is_wanted and isinstance(item, str))])


def contains_ignore_case(value: Value, wanted: Value) -> Value:
    """Whether a text has `wanted` as a part, or an array as an element that is a text, in whatever case.

    In a text the case of no letter matters, in an array that of no ASCII letter. What is neither text nor array is
    searched as `contains` does it.
    """
    if isinstance(value, tuple):
        sought = _ascii_lower(text(wanted))
        return int(any(isinstance(item, str) and _ascii_lower(item) == sought for item in value))
    if isinstance(value, str):
        return int(text(wanted).lower() in value.lower())
    return contains(value, wanted)


def eq_ignore_case(left: Value, right: Value) -> Value:
    """Whether two texts differ at most by the case of ASCII letters."""
    return int(_ascii_lower(text(left)) == _ascii_lower(text(right)))


def _ascii_lower(value: str) -> str:
    return value.translate(_ASCII_LOWER)


def lines(value: Value) -> Value:
    """The lines of a text, which LF or CRLF ends; what is no text comes back as it is."""
    if not isinstance(value, str):
        return value
    # A last line that nothing ends keeps a CR, which is then no part of a line's end.
    *ended, last = value.split("\n")
    return _bounded([*(line.removesuffix("\r") for line in ended), *([last] if last else [])])


def substring(value: Value, start: Value, count: Value) -> Value:
    """`count` characters from `start` on, all the rest where `count` is negative; `''` for a negative `start`."""
    first, number = position(start), position(count)
    if first < 0:
        return ""
    return text(value)[first:] if number < 0 else text(value)[first : first + number]


@maps
def strip_prefix(value: str, prefix: Value) -> Value:
    """What follows `prefix`; `''` where a text does not start with it."""
    start = text(prefix)
    return value[len(start) :] if value.startswith(start) else ""


@maps
def strip_suffix(value: str, suffix: Value) -> Value:
    """What stands before `suffix`; `''` where a text does not end with it."""
    end = text(suffix)
    return value[: len(value) - len(end)] if value.endswith(end) else ""


def split(value: Value, separator: Value) -> Value:
    """The parts between separators. An empty separator stands before, between and after all characters."""
    return _bounded(_parts(text(value), text(separator)))


def rsplit(value: Value, separator: Value) -> Value:
    """As `split`, from the end: the last part first."""
    backwards = _parts(text(value)[::-1], text(separator)[::-1])
    return _bounded([part[::-1] for part in backwards])


def _parts(value: str, separator: str) -> list[str]:
    return value.split(separator) if separator else ["", *value, ""]


def split_once(value: Value, separator: Value) -> Value:
    """The parts before and after the first separator; `''` where there is none."""
    before, found, after = _partition(text(value), text(separator))
    return (before, after) if found else ""


def rsplit_once(value: Value, separator: Value) -> Value:
    """The parts before and after the last separator; `''` where there is none."""
    # Python's own search from the end takes quadratic time.
    after, found, before = _partition(text(value)[::-1], text(separator)[::-1])
    return (before[::-1], after[::-1]) if found else ""


def split_n(value: Value, separator: Value, count: Value) -> Value:
    """The parts before the first `count` separators, and the rest; all of them where `count` is negative."""
    rest, sought, number = text(value), text(separator), position(count)
    if sought:
        return _bounded(rest.split(sought, min(number, MAX_ARRAY_LENGTH)) if number else [rest])
    if not 0 <= number < MAX_ARRAY_LENGTH:
        raise UnusableValueError(f"split_n() of an empty separator gives more than {MAX_ARRAY_LENGTH} elements")
    return (*[""] * number, rest)  # An empty separator is found at the start, again and again.


def _partition(value: str, separator: str) -> tuple[str, bool, str]:
    if not separator:
        return "", True, value
    before, found, after = value.partition(separator)
    return before, bool(found), after


def split_words(value: Value) -> Value:
    """The words between white space that are made of letters and numbers alone."""
    words = text(value).translate(_WHITE_SPACE_TO_BLANK).split(" ")
    return _bounded([word for word in words if word and all(c.isalnum() or _is_letter(c) for c in word)])


def hashed(value: Value, algorithm: Value) -> Value:
    """The digest in lower-case hexadecimal digits; `''` for another algorithm than md5, sha1, sha256 and sha512."""
    if algorithm not in _HASHES:
        return ""
    return hashlib.new(str(algorithm), text(value).encode(), usedforsecurity=False).hexdigest()


def _bounded(parts: list[str]) -> Value:
    if len(parts) > MAX_ARRAY_LENGTH:
        raise UnusableValueError(f"an array grew beyond {MAX_ARRAY_LENGTH} elements")
    return tuple(parts)
