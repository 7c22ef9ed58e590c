"""Where each value of a document stands in its text.

The parsers of TOML and JSON give data without places. What reads the text here once more wants the places alone, and
of a text that one of these parsers has taken already: it looks at names, brackets and strings, and believes the rest.
JSON is close enough to the values of TOML to be read as these.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import tomli

from tlspolicy.layouts import NAMED, SINGLETON, object_of, strategy_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Unquoted: TypeAlias = Callable[[str], str]

# The patterns are compiled when they are wanted, which most policies never do: `re` keeps them.
_SKIPPED: Final = r"(?:[\s,]++|#[^\n]*+)*+"
_QUOTED: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_LITERAL: Final = r"'[^'\n]*+'"
_PART: Final = rf"""(?:{_QUOTED}|{_LITERAL}|[^\s.=,:#"'\[\]{{}}]++)"""
_DOTTED: Final = rf"{_PART}(?:[ \t]*+\.[ \t]*+{_PART})*+"
# In a document: the header of a table, or a key.
_STATEMENT: Final = rf"(?s){_SKIPPED}(?:(?P<header>\[\[?)[ \t]*+)?(?P<name>{_DOTTED})[ \t]*+(?:=|\]\]?)"
# In a value: a key, a bracket, a string or something else.
_PIECE: Final = (
    rf"(?s){_SKIPPED}(?:(?P<name>{_DOTTED}[ \t]*+=|{_QUOTED}\s*+:)|(?P<open>[\[{{])|(?P<close>[\]}}])"
    rf"""|(?P<long>\"""|''')|(?P<text>{_QUOTED}|{_LITERAL})|(?P<plain>[^,\[\]{{}}#\n]++))"""
)
_LONG_ENDS: Final = {'"""': r'(?s)\\.|"{3,5}', "'''": "'{3,5}"}
_FOLDED: Final = r"\\[ \t]*\n[ \t\n]*"

_INDEX: Final = r"\[([0-9]{1,9})\]"
_SEPARATOR: Final = r"[.\[]|\Z"
_NUMBER: Final = r"[0-9]{1,9}"
_LONGEST_PATH: Final = 4096


@dataclass(slots=True, eq=False)
class _Value:
    """A value, and where it begins."""

    start: int


@dataclass(slots=True, eq=False)
class _Array(_Value):
    items: list[_Value] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Table(_Value):
    fields: dict[str, _Value] = field(default_factory=dict)


class Positions:
    """The offsets of the values of a text, by their paths as `Place.key` spells these.

    A text begins after its opening quotes, and after a line break that is no part of it; an array or a table in
    brackets at its bracket; and a table of TOML that has none, with the name that it has in its header or in a dotted
    key.
    """

    def __init__(self, root: _Table) -> None:
        self._root = root
        self._entries: dict[_Value, list[_Value]] = {}

    def find(self, path: str) -> int | None:
        """The offset of the value at `path`.

        `None` where there is none, or where names with dots, brackets or nothing in them make more than one of it; and
        where it is longer than any path that would be shown.
        """
        found: set[int] = set()
        pending: list[tuple[_Value, int]] = [(self._root, 0)] if 0 < len(path) <= _LONGEST_PATH else []
        while pending:
            value, at = pending.pop()
            if at == len(path):
                found.add(value.start)
            else:
                pending += self._entry(value, path, at)
            if isinstance(value, _Table):
                pending += _fields(value, path, at)
        return found.pop() if len(found) == 1 else None

    def _entry(self, value: _Value, path: str, at: int) -> Iterator[tuple[_Value, int]]:
        """The entry of a list that the path goes on with."""
        index = re.compile(_INDEX).match(path, at)
        if index and value not in self._entries:
            self._entries[value] = _entries(value)
        if index and int(index[1]) < len(self._entries[value]):
            yield self._entries[value][int(index[1])], index.end()


def _fields(table: _Table, path: str, at: int) -> Iterator[tuple[_Value, int]]:
    """The fields of a table that the path may go on with."""
    if "" in table.fields:  # A path is spelt without it.
        yield table.fields[""], at
    if at and not path.startswith(".", at):
        return
    start = at + 1 if at else 0
    for separator in re.compile(_SEPARATOR).finditer(path, start + 1):
        name = path[start : separator.start()]
        if name in table.fields:
            yield table.fields[name], separator.start()


def _entries(value: _Value) -> list[_Value]:
    """The entries of a list of rules, in whichever way that `RuleList.parse` takes it is written."""
    if not isinstance(value, _Table) or "else" not in value.fields or not value.fields.keys() <= {"match", "else"}:
        return _in_order(value)
    default = value.fields["else"]
    rules = _in_order(value.fields["match"]) if "match" in value.fields else []
    return [*rules, _Table(default.start, {"else": default})]


def _in_order(value: _Value) -> list[_Value]:
    """The items of an array, or of a table by number."""
    if isinstance(value, _Array):
        return value.items
    fields = value.fields if isinstance(value, _Table) else {}
    return [fields[key] for key in sorted(fields, key=int)] if all(re.fullmatch(_NUMBER, key) for key in fields) else []


def of_toml(text: str) -> Positions:
    """The positions of a valid TOML document whose line breaks are LF."""
    root = table = _Table(0)
    statement = re.compile(_STATEMENT)
    at = 0
    while piece := statement.match(text, at):
        names, start = _names(piece["name"], _unquoted_toml), piece.start("name")
        if piece["header"]:
            table = _headed(root, names, start, many=piece["header"] == "[[")
            at = piece.end()
        else:
            value, at = _value(text, piece.end(), _unquoted_toml)
            _put(table, names, start, value)
    return Positions(root)


def of_json(text: str) -> Positions:
    """The positions of a valid JSON document, which is an object."""
    return Positions(cast("_Table", _value(text, 0, json.loads)[0]))


def of_plan(text: str) -> Positions:
    """The positions of a plan's objects, as if they were those of one document: where those changes stand that win."""
    singleton: dict[str, _Value] = {}
    strategies: dict[object, _Value] = {}
    starts: dict[str, int] = {}
    start = 0
    for line in text.split("\n"):
        change: Any = json.loads(line) if line.strip() else None
        name = object_of(change)
        if name in (SINGLETON, NAMED):
            changed = cast("_Table", cast("_Table", _value(text, start, json.loads)[0]).fields["value"])
            starts[name] = changed.start
            if name == SINGLETON:
                singleton.update(changed.fields)
            else:
                data = change["value"]
                strategies.update({strategy_name(key, data[key]): at for key, at in changed.fields.items()})
        start += len(line) + 1
    root = _Table(0)
    for name, start in starts.items():
        root.fields[name] = _Table(start, singleton) if name == SINGLETON else _Array(start, [*strategies.values()])
    return Positions(root)


def _value(text: str, at: int, unquoted: Unquoted) -> tuple[_Value, int]:
    """The value at `at`, and where it ends.

    What is open is kept in a list, for a recursion might come to Python's limit.
    """
    whole = _Array(at)
    opened: list[_Value] = [whole]
    names, named_at = [""], at
    pieces = re.compile(_PIECE)
    while len(opened) > 1 or not whole.items:
        piece = cast("re.Match[str]", pieces.match(text, at))  # In a valid document, something stands there.
        kind, at = piece.lastgroup or "", piece.end()
        start = piece.start(kind)
        if kind == "name":
            names, named_at = _names(piece[kind], unquoted), start
            continue
        if kind == "close":
            opened.pop()
        else:
            if kind == "open":
                value: _Value = _Table(start) if piece[kind] == "{" else _Array(start)
            elif kind == "long":
                value = _Value(_long_start(text, at, piece[kind]))
                at = _long_end(text, at, piece[kind])
            else:
                value = _Value(start + (kind == "text"))
            _put(opened[-1], names, named_at, value)
            if kind == "open":
                opened.append(value)
    return whole.items[0], at


def _long_start(text: str, at: int, quotes: str) -> int:
    """Where a text of several lines begins: not with the line break after its quotes, nor with one that is folded."""
    at += text.startswith("\n", at)
    while quotes == '"""' and (folded := re.compile(_FOLDED).match(text, at)):
        at = folded.end()
    return at


def _long_end(text: str, at: int, quotes: str) -> int:
    """The index after a text of several lines, whose last one or two characters may be quotes, too."""
    return next(end.end() for end in re.compile(_LONG_ENDS[quotes]).finditer(text, at) if end[0].startswith(quotes))


def _put(parent: _Value, names: list[str], start: int, value: _Value) -> None:
    """Add a value to an array, or to a table by its dotted name, which begins at `start`."""
    if isinstance(parent, _Array):
        parent.items.append(value)
        return
    table = cast("_Table", parent)
    for name in names[:-1]:
        table = _table_in(table, name, start)
    table.fields[names[-1]] = value


def _headed(root: _Table, names: list[str], start: int, *, many: bool) -> _Table:
    """The table of a header, or the next one of an array of tables."""
    table = root
    for name in names[:-1]:
        table = _table_in(table, name, start)
    if many:
        headed = _Table(start)
        _put(table.fields.setdefault(names[-1], _Array(start)), names, start, headed)
        return headed
    headed = _table_in(table, names[-1], start)
    headed.start = start
    return headed


def _table_in(table: _Table, name: str, start: int) -> _Table:
    """The table of that name, or the last one of an array of them; made where it is not there."""
    found = table.fields.setdefault(name, _Table(start))
    return cast("_Table", found.items[-1] if isinstance(found, _Array) else found)


def _names(dotted: str, unquoted: Unquoted) -> list[str]:
    """The parts of a dotted name."""
    return [_name(part, unquoted) for part in re.findall(rf"(?s){_PART}", dotted)]


def _name(part: str, unquoted: Unquoted) -> str:
    if part[0] not in "\"'":
        return part
    return unquoted(part) if part[0] == '"' and "\\" in part else part[1:-1]


def _unquoted_toml(quoted: str) -> str:
    return str(tomli.loads(f"x = {quoted}")["x"])
