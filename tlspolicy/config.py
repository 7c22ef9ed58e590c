"""Documents: Stalwart's configuration file → the rule list of each setting.

A document is Stalwart's own: what it says of other things is no concern of a policy and is passed over. A key that is
not known inside the table of the policy is an error.

See https://stalw.art/docs/0.11/smtp/outbound/tls and https://stalw.art/docs/0.11/smtp/outbound/timeouts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from os import fsdecode
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import tomli

from tlspolicy.errors import Place, PolicyError, PolicySyntaxError, did_you_mean, quoted
from tlspolicy.expressions.complaints import toml_complaint

if TYPE_CHECKING:
    import os

MAX_FILE_SIZE: Final = 32 * 1024 * 1024

_TLS: Final = ("queue", "outbound", "tls")
_TIMEOUTS: Final = ("queue", "outbound", "timeouts")
_TLS_KEYS: Final = {
    "starttls": "starttls",
    "allow-invalid-certs": "allow_invalid_certs",
    "dane": "dane",
    "mta-sts": "mta_sts",
}
_TIMEOUT_KEYS: Final = {"tls": "tls_timeout", "mta-sts": "mta_sts_timeout"}
_OTHERS: Final = frozenset({"hostname", "ip-strategy", "limits", "next-hop", "source-ip", "timeouts"})
_MANY_DIGITS: Final = re.compile(r"[0-9](?:_?[0-9]){4000,}")


class Configured(NamedTuple):
    """What a document says of a setting, and where."""

    data: object
    place: Place


def read(path: str | os.PathLike[str]) -> str:
    """The text of a policy's file.

    Raises:
        OSError: it can't be read.
        PolicySyntaxError: its name does not end in `.toml`, it is too large, or not UTF-8.
    """
    path = Path(fsdecode(path))
    place = Place(file=str(path))
    if "\0" in str(path):
        raise PolicySyntaxError("no file has a name with a NUL in it", place=place)
    if path.suffix.lower() != ".toml":
        raise PolicySyntaxError("the name of a policy's file ends in .toml", place=place)
    with path.open("rb") as file:
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise PolicySyntaxError(f"a policy's file may have {MAX_FILE_SIZE} bytes, and this is larger", place=place)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: the byte 0x{data[error.start]:02x} can't stand there"
        raise PolicySyntaxError(message, place=Place(file=str(path), line=line)) from None


def parse_toml(text: str, place: Place) -> dict[str, object]:
    """The data of a TOML document.

    Raises:
        PolicySyntaxError: it is none.
    """
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        start = _where(error)
        raise PolicySyntaxError(toml_complaint(error.msg), text, start, start + 1, place) from None
    except RecursionError:
        raise PolicySyntaxError("tables or arrays are nested too deep", place=place) from None
    except ValueError:  # Of int(), which tomli lets pass.
        digits = _MANY_DIGITS.search(text)
        start, end = digits.span() if digits else (0, 0)
        raise PolicySyntaxError("an integer of thousands of digits", text, start, end, place) from None


def _where(error: tomli.TOMLDecodeError) -> int:
    """Where a mistake stands, of which tomli often says where it was noticed."""
    if error.msg.startswith("Unescaped '\\'"):
        return error.pos - 2  # before the backslash and the character after it
    if error.msg == "Cannot overwrite a value":
        return error.doc.rfind("\n", 0, error.pos) + 1
    return error.pos


def settings(document: Mapping[str, object], place: Place) -> dict[str, Configured]:
    """What a document says of each setting, by the setting's name; settings that it leaves out are not there.

    Raises:
        PolicySyntaxError: it says nothing of outbound TLS, a table is none, a key is not known, a text holds a control
            character.
    """
    tls = _table(document, _TLS, place)
    timeouts = _table(document, _TIMEOUTS, place)
    if tls is None:
        _refuse_misspelt(document, place)
        if not (timeouts and timeouts.keys() & _TIMEOUT_KEYS):
            message = "there is no TLS policy in this document: looked for the table [queue.outbound.tls]"
            raise PolicySyntaxError(message, place=place)
    for key in tls or {}:
        if key not in _TLS_KEYS:
            message = f"unknown key {quoted(key)}{did_you_mean(str(key), _TLS_KEYS)}"
            raise PolicySyntaxError(message, place=_at(place, (*_TLS, str(key))))
    return {
        **_configured(tls or {}, _TLS, _TLS_KEYS, place),
        **_configured(timeouts or {}, _TIMEOUTS, _TIMEOUT_KEYS, place),
    }


def _refuse_misspelt(document: Mapping[str, object], place: Place) -> None:
    """Refuse a table beside which the one of the policy is missing, and whose name is nearly that."""
    outbound = _table(document, _TLS[:-1], place) or {}
    for key in outbound:
        if key not in _OTHERS and did_you_mean(str(key), _TLS[-1:]):
            message = f"unknown table {quoted(key)}; did you mean 'tls'?"
            raise PolicySyntaxError(message, place=_at(place, (*_TLS[:-1], str(key))))


def _table(document: Mapping[str, object], path: tuple[str, ...], place: Place) -> Mapping[str, object] | None:
    """The table at `path`; `None` where there is none."""
    table: object = document
    for depth, key in enumerate(path):
        if not isinstance(table, Mapping):
            raise PolicySyntaxError("this must be a table", place=_at(place, path[:depth]))
        if key not in table:
            return None
        table = table[key]
    if not isinstance(table, Mapping):
        raise PolicySyntaxError("this must be a table", place=_at(place, path))
    return table


def _configured(
    table: Mapping[str, object], path: tuple[str, ...], keys: Mapping[str, str], place: Place
) -> dict[str, Configured]:
    return {name: Configured(table[key], _at(place, (*path, key))) for key, name in keys.items() if key in table}


def _at(place: Place, path: tuple[str, ...]) -> Place:
    return Place(file=place.file, key=".".join(path))


def line_of(error: PolicyError, document: str) -> int | None:
    """The line on which the expression begins that `error` is about.

    `None` unless it stands in `document` just once, as a whole string, and not in a comment. One that is written with
    escapes does not stand there as it is.
    """
    if not error.source or error.source == document or document.count(error.source) != 1:
        return None
    start = document.index(error.source)
    line_start = document.rfind("\n", 0, start) + 1
    around = document[start - 1 : start] + document[start + len(error.source) :][:1]
    if around.strip("\"'\n") or "#" in document[line_start:start]:
        return None
    return document.count("\n", 0, start) + 1
