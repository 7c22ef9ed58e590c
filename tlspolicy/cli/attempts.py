"""Delivery attempts, as a command line or a line of JSON gives them, and as a command shows them."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.cli.arguments import CommandError
from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.errors import PolicyError, did_you_mean, printable, quoted
from tlspolicy.expressions.complaints import json_complaint

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

STREAM: Final = "-"
"""What stands for the attempts that come in on standard input."""
LONGEST_LINE: Final = 1_048_576
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,20}")


def add_attempt(parser: argparse.ArgumentParser) -> None:
    """The arguments `name=value …`, or `-`."""
    parser.add_argument(
        "attempt",
        metavar="NAME=VALUE",
        nargs="*",
        default=[],
        help="what is known of the attempt, by the variables of rules: retry_num=1 recipients=a@b.example,c@d.example; "
        'or -, for an attempt a line on standard input, as JSON: {"retry_num": 1}. A line that is none is reported, '
        "and makes the exit status 2",
    )


def is_stream(words: Sequence[str]) -> bool:
    """Whether the attempts come in on standard input.

    Raises:
        CommandError: that, and an attempt besides.
    """
    if STREAM in words and len(words) > 1:
        raise CommandError("- stands for the attempts on standard input, and takes no NAME=VALUE beside it")
    return STREAM in words


def attempt_of_words(words: Sequence[str]) -> DeliveryContext:
    """The attempt that `name=value …` says.

    Raises:
        CommandError: it says none.
    """
    return _attempt(_fields(words))


def fields_of_words(words: Sequence[str]) -> dict[str, Any]:
    """The fields that `name=value …` says, as an attempt has them.

    Raises:
        CommandError: no attempt has them.
    """
    fields = _fields(words)
    attempt = _attempt(fields)
    return {name: getattr(attempt, name) for name in fields}


def _fields(words: Sequence[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandError(f"{quoted(word)} is not NAME=VALUE")
        if name in fields:
            raise CommandError(f"{quoted(name)} is given twice")
        fields[name] = _value(name, text)
    return fields


def attempt_of_line(line: bytes) -> DeliveryContext:
    """The attempt that an object of JSON says.

    Raises:
        CommandError: it says none.
    """
    if len(line) > LONGEST_LINE:
        raise CommandError(f"a line of more than {LONGEST_LINE} bytes")
    try:
        fields = json.loads(line.decode(), object_pairs_hook=_once_each)
    except UnicodeDecodeError as error:
        raise CommandError(f"not UTF-8: the byte 0x{line[error.start]:02x} can't stand there") from None
    except json.JSONDecodeError as error:
        raise CommandError(f"column {error.colno}: {json_complaint(error.msg)}") from None
    except (ValueError, RecursionError):  # Of int(), and of what is nested very deep.
        raise CommandError("a number too large, or nested too deep") from None
    if not isinstance(fields, dict):
        raise CommandError('an attempt is an object of JSON: {"retry_num": 1, …}')
    return _attempt(fields)


def fields_given(context: DeliveryContext) -> dict[str, object]:
    """The fields of `context` that are not what they are where nothing is known."""
    values = {name: getattr(context, name) for name in DELIVERY.variables}
    return {name: value for name, value in values.items() if value != getattr(_NOTHING_KNOWN, name)}


def as_words(context: DeliveryContext) -> str:
    """`retry_num=2 last_error=tls`: those fields, as a shell would pass them to `tlspolicy eval`."""
    given = fields_given(context)
    words = (f"{name}={_word(value)}" for name, value in given.items())
    return " ".join(printable(shlex.quote(word)) for word in words) or "a first attempt of which nothing else is known"


_NOTHING_KNOWN: Final = DeliveryContext()


def _once_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise CommandError("a name is given twice")
    return fields


def _word(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _value(name: str, text: str) -> object:
    kind = DELIVERY.variables.get(name)
    if kind is int:
        if not _INTEGER.fullmatch(text):
            raise CommandError(f"{name} is a number, not {quoted(text)}")
        return int(text)
    if kind is tuple:
        return tuple(text.split(",")) if text else ()
    return text


def _attempt(fields: Mapping[str, object]) -> DeliveryContext:
    for name in fields:
        if name not in DELIVERY.variables:
            hint = did_you_mean(name, DELIVERY.variables)
            raise CommandError(f"unknown variable {quoted(name)}{hint}")
    try:
        return DeliveryContext(**fields)  # type: ignore[arg-type]  # (it checks them itself)
    except PolicyError as error:
        field = error.place.key.removeprefix("DeliveryContext.")
        raise CommandError(f"{field}: {error.message}") from None
