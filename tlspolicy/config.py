"""Files: a file of Stalwart's configuration → its data, as TOML or JSON has it."""

from __future__ import annotations

import json
import re
from os import fsdecode
from os.path import splitext
from typing import TYPE_CHECKING, Final, NoReturn

import tomli

from tlspolicy.errors import Place, PolicySyntaxError, PolicyTypeError, listed, quoted
from tlspolicy.expressions.complaints import json_complaint, toml_complaint
from tlspolicy.layouts import NAMED, SINGLETON, object_of, strategy_name

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    Parse: TypeAlias = Callable[[str, Place], dict[str, object]]

MAX_FILE_SIZE: Final = 32 * 1024 * 1024

# Patterns that only mistakes want are compiled when there is one: `re` keeps them.
_MANY_DIGITS: Final = r"[0-9](?:_?[0-9]){4000,}"
_TOO_LARGE: Final = "an integer of thousands of digits"
_TOO_DEEP: Final = "tables or arrays are nested too deep"
_PLAN_CHANGES: Final = ("update", "upsert", "create", "reconcile")

# The strings, comments and brackets of TOML, and the strings, words and signs of JSON.
_TOML_PIECE: Final = (
    r'(?s)"""(?>(?:[^"\\]|\\.|"(?!""))*)"{3,5}|"(?>(?:[^"\\\n]|\\.)*)"'
    r"|'''(?>(?:[^']|'(?!''))*)'{3,5}|'[^'\n]*'|#[^\n]*|[\[\]{}]"
)
_JSON_PIECE: Final = r'(?s)"(?>(?:[^"\\]|\\.)*)"|[\[\]{}:,]|[^\s\[\]{}:,"]+'


def read(path: str | os.PathLike[str]) -> tuple[str, Parse, Place]:
    """The text of a policy's file, what parses such files, and the file as a place.

    Raises:
        OSError: it can't be read.
        PolicySyntaxError: its name ends in none of `.toml`, `.json` and `.ndjson`, it is too large, or not UTF-8.
        PolicyTypeError: `path` is none.
    """
    try:
        name = fsdecode(path)
    except TypeError:
        raise PolicyTypeError(f"a policy's file is named by a str or a path, not {type(path).__name__}") from None
    place = Place(file=name)
    if "\0" in name:
        raise PolicySyntaxError("no file has a name with a NUL in it", place=place)
    parse = _PARSERS.get(splitext(name)[1].lower())  # noqa: PTH122  (pathlib takes 3 ms to import)
    if parse is None:
        raise PolicySyntaxError(f"the name of a policy's file ends in {listed(_PARSERS)}", place=place)
    with open(name, "rb") as file:  # noqa: PTH123
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise PolicySyntaxError(f"a policy's file may have {MAX_FILE_SIZE} bytes, and this is larger", place=place)
    try:
        return data.decode("utf-8-sig"), parse, place
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: the byte 0x{data[error.start]:02x} can't stand there"
        raise PolicySyntaxError(message, place=Place(file=name, line=line)) from None


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
        at = _deepest(_TOML_PIECE, text)
        _refuse(_TOO_DEEP, text, at, at + 1, place)
    except ValueError:  # Of int(), which tomli lets pass.
        _refuse(_TOO_LARGE, text, *_many_digits(text, 0), place)


def _where(error: tomli.TOMLDecodeError) -> int:
    """Where a mistake stands, of which tomli often says where it was noticed."""
    if error.msg.startswith("Unescaped '\\'"):
        return error.pos - 2  # before the backslash and the character after it
    if error.msg == "Cannot overwrite a value":
        return error.doc.rfind("\n", 0, error.pos) + 1
    return error.pos


def parse_json(text: str, place: Place) -> dict[str, object]:
    """The data of a JSON document.

    Raises:
        PolicySyntaxError: it is none, is no object, has a key twice, or a number that is none.
    """
    data = _json(text, text, 0, place)
    if not isinstance(data, dict):
        raise PolicySyntaxError("a policy in JSON is an object: { … }", text, 0, 1, place)
    return data


def parse_plan(text: str, place: Place) -> dict[str, object]:
    """The objects of a plan, one change a line, as a JSON document of them.

    A later change of the same strategy, or of the singleton, wins.

    Raises:
        PolicySyntaxError: a line is no change.
    """
    singleton: dict[str, object] = {}
    strategies: dict[object, object] = {}
    start = 0
    for line in text.split("\n"):
        if line.strip():
            change = _json(line, text, start, place)
            name = object_of(change)
            if name is None:
                message = "a line of a plan is an object that names the 'object' it changes"
                raise PolicySyntaxError(message, text, start, start + len(line), place)
            if name in (SINGLETON, NAMED):
                value = _change(change, text, start, start + len(line), place)
                if name == SINGLETON:
                    singleton.update(value)
                else:
                    strategies.update(_by_name(value, text, start, start + len(line), place))
        start += len(line) + 1
    document = {SINGLETON: singleton, NAMED: list(strategies.values())}
    return {name: data for name, data in document.items() if data}


def _by_name(value: dict[str, object], text: str, start: int, end: int, place: Place) -> dict[object, object]:
    """The strategies of one change, by the name that a later change of the same has, too."""
    strategies: dict[object, object] = {}
    for key, strategy in value.items():
        name = strategy_name(key, strategy)
        if name in strategies:
            message = f"there are two strategies of the name {quoted(name)} in this change"
            raise PolicySyntaxError(message, text, start, end, place)
        strategies[name] = strategy
    return strategies


def _change(change: object, text: str, start: int, end: int, place: Place) -> dict[str, object]:
    kind, value = (change.get("@type"), change.get("value")) if isinstance(change, dict) else (None, None)
    if kind not in _PLAN_CHANGES:
        message = f"the change {quoted(kind)} of a policy is none of {listed(_PLAN_CHANGES)}"
        raise PolicySyntaxError(message, text, start, end, place)
    if not isinstance(value, dict):
        raise PolicySyntaxError("a change has a 'value', which is an object", text, start, end, place)
    return value


class _DuplicateKeyError(Exception):
    """An object of JSON has a key twice."""


class _NoNumberError(Exception):
    """A number of JSON is none: `NaN`, `Infinity`."""


def _json(line: str, text: str, start: int, place: Place) -> object:
    """The data of a line of `text`, which begins at `start`."""
    try:
        return json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        at = start + error.pos
        raise PolicySyntaxError(json_complaint(error.msg), text, at, at + 1, place) from None
    except _DuplicateKeyError:
        first = next(_duplicates(line))
        _refuse("this key stands twice in its object", text, start + first.start(), start + first.end(), place)
    except _NoNumberError:
        constants = (piece for piece in re.finditer(_JSON_PIECE, line) if piece.group() in _CONSTANTS)
        first = next(constants)
        _refuse("this is no number of JSON", text, start + first.start(), start + first.end(), place)
    except RecursionError:
        at = start + _deepest(_JSON_PIECE, line)
        _refuse(_TOO_DEEP, text, at, at + 1, place)
    except ValueError:  # Of int().
        _refuse(_TOO_LARGE, text, *_many_digits(text, start), place)


_CONSTANTS: Final = frozenset({"NaN", "Infinity", "-Infinity"})


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise _DuplicateKeyError
    return data


def _no_number(_word: str) -> NoReturn:
    raise _NoNumberError


def _duplicates(text: str) -> Iterator[re.Match[str]]:
    """The keys that an object of JSON has once more; one is enough to find."""
    keys: list[set[str]] = []
    string: re.Match[str] | None = None
    for piece in re.finditer(_JSON_PIECE, text):  # pragma: no branch (it has one)
        match piece.group()[0]:
            case '"':
                string = piece
            case "{" | "[":
                keys.append(set())
            case "}" | "]":
                keys.pop()
            case ":" if string:
                key = json.loads(string.group())
                if key in keys[-1]:
                    yield string
                keys[-1].add(key)
            case _:
                pass


def _deepest(pieces: str, text: str) -> int:
    """The index of the bracket that is nested deepest."""
    level = deepest = at = 0
    for piece in re.finditer(pieces, text):
        level += (piece.group() in ("[", "{")) - (piece.group() in ("]", "}"))
        if level > deepest:
            deepest, at = level, piece.start()
    return at


def _many_digits(text: str, start: int) -> tuple[int, int]:
    found = re.compile(_MANY_DIGITS).search(text, start)
    return found.span() if found else (start, start)


def _refuse(message: str, text: str, start: int, end: int, place: Place) -> NoReturn:
    raise PolicySyntaxError(message, text, start, end, place) from None


_PARSERS: Final = {".toml": parse_toml, ".json": parse_json, ".ndjson": parse_plan}
