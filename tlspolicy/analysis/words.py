"""Words for a box: the conditions under which an attempt is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.questions import Listed, Number, Other, Question, Recipient, Text
from tlspolicy.analysis.space import Dimension, Flag, Numbers, Space, Texts, Words, bits
from tlspolicy.analysis.variables import integers
from tlspolicy.errors import listed, printable, shortened
from tlspolicy.expressions.printer import printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlspolicy.analysis.formulas import Box
    from tlspolicy.analysis.texts import TextTest

_MOST_NAMED: Final = 5
_LONGEST: Final = 100
_TESTS: Final = {
    "equals": ("{} = {}", "{} ≠ {}"),
    "below": ("{} < {}", "{} ≥ {}"),
    "starts": ("{} starts with {}", "{} does not start with {}"),
    "ends": ("{} ends with {}", "{} does not end with {}"),
    "contains": ("{} contains {}", "{} does not contain {}"),
}


def words(space: Space, box: Box) -> str:
    """`retry_num ≥ 2 and last_error = 'tls'`; `always` for the box of all attempts."""
    parts = [
        _condition(dimension, cells, everything)
        for dimension, cells, everything in zip(space.dimensions, box, space.full, strict=True)
        if cells != everything
    ]
    return " and ".join(parts) or "always"


def _condition(dimension: Dimension, cells: int, everything: int) -> str:
    match dimension:
        case Numbers(variable, ranges):
            return _numbers(variable, ranges, cells, everything)
        case Words(variable, values):
            inside = [_quoted(values[cell]) for cell in bits(cells)]
            outside = [_quoted(values[cell]) for cell in bits(everything & ~cells)]
            return _named(variable, inside) if len(inside) <= len(outside) else _not_named(variable, outside)
        case Texts():
            return _texts(dimension, cells, everything)
        case Flag(question):  # pragma: no branch (there is no other kind)
            return _flag(question, yes=cells != 1)


def _flag(question: Question, *, yes: bool) -> str:
    match question:
        case Recipient(address):
            return f"recipients {'contains' if yes else 'does not contain'} {_quoted(address)}"
        case Text(variable, test):
            return _tested(variable, test, passed=yes)
        case Other(node):
            text = shortened(printed(node), _LONGEST)
            return f"{text} is {'true' if yes else 'false'}"
        case Number() | Listed():  # pragma: no cover (they have dimensions of their own)
            raise AssertionError(question)


def _numbers(variable: str, ranges: tuple[tuple[int, int], ...], cells: int, everything: int) -> str:
    ((least, greatest),) = integers(variable).ranges
    inside, outside = _runs(ranges, cells), _runs(ranges, everything & ~cells)
    if len(inside) > 1 and all(first == last for first, last in inside):
        return _named(variable, [str(first) for first, _ in inside])
    if len(inside) > 1 and all(first == last for first, last in outside):
        return _not_named(variable, [str(first) for first, _ in outside])
    parts = [_range(variable, *run, least, greatest) for run in inside]
    return f"({_some(parts)})" if len(parts) > 1 else parts[0]


def _runs(ranges: tuple[tuple[int, int], ...], cells: int) -> list[tuple[int, int]]:
    """The ranges of some cells, those put together that follow on one another."""
    runs: list[tuple[int, int]] = []
    for cell in bits(cells):
        first, last = ranges[cell]
        if runs and runs[-1][1] == first - 1:
            runs[-1] = (runs[-1][0], last)
        else:
            runs.append((first, last))
    return runs


def _range(variable: str, first: int, last: int, least: int, greatest: int) -> str:
    if first == last:
        return f"{variable} = {first}"
    if last == greatest:
        return f"{variable} ≥ {first}"
    return f"{variable} ≤ {last}" if first == least else f"{first} ≤ {variable} ≤ {last}"


def _texts(dimension: Texts, cells: int, everything: int) -> str:
    variable = dimension.variable
    found = dimension.cells
    if all(found[cell].alone for cell in bits(cells)):
        return _named(variable, [_quoted(found[cell].example) for cell in bits(cells)])
    outside = everything & ~cells
    if all(found[cell].alone for cell in bits(outside)):
        return _not_named(variable, [_quoted(found[cell].example) for cell in bits(outside)])
    literals = [*_literals(dimension, everything)]
    for joined, text in ((" and ", _conjunction(literals, cells, everything)), (" or ", _disjunction(literals, cells))):
        if text:
            parts = [_tested(variable, test, passed=passed) for test, passed in text]
            several = joined == " or " and len(parts) > 1
            return f"({joined.join(parts)})" if several else joined.join(parts)
    examples = [_quoted(found[cell].example) for cell in bits(cells)]
    return f"{variable} is such as {_some(examples)}"


_Literal = tuple["TextTest", bool]


def _literals(dimension: Texts, everything: int) -> Iterator[tuple[_Literal, int]]:
    for test, mask in dimension.masks.items():
        yield (test, True), mask
        yield (test, False), everything & ~mask


def _conjunction(literals: Iterable[tuple[_Literal, int]], cells: int, everything: int) -> list[_Literal]:
    """Tests that together say the same as `cells`; none where there are no such."""
    wider = sorted((each for each in literals if not cells & ~each[1]), key=lambda each: each[1].bit_count())
    left, needed = everything, []
    for literal, mask in wider:
        if left & mask != left:
            left &= mask
            needed.append((literal, mask))
    if left != cells:
        return []
    for each in list(needed):
        rest = everything
        for other in needed:
            if other is not each:
                rest &= other[1]
        if rest == cells:
            needed.remove(each)
    return [literal for literal, _ in needed] if len(needed) <= _MOST_NAMED * 2 else []


def _disjunction(literals: Iterable[tuple[_Literal, int]], cells: int) -> list[_Literal]:
    narrower = sorted((each for each in literals if not each[1] & ~cells), key=lambda each: -each[1].bit_count())
    covered, needed = 0, []
    for literal, mask in narrower:
        if mask & ~covered:
            covered |= mask
            needed.append(literal)
    return needed if covered == cells and len(needed) <= _MOST_NAMED * 2 else []


def _tested(variable: str, test: TextTest, *, passed: bool) -> str:
    return _TESTS[test.kind][not passed].format(variable, _quoted(test.constant))


def _named(variable: str, names: list[str]) -> str:
    return f"{variable} = {names[0]}" if len(names) == 1 else f"{variable} is {_some(names)}"


def _not_named(variable: str, names: list[str]) -> str:
    return f"{variable} ≠ {names[0]}" if len(names) == 1 else f"{variable} is none of {_some(names, 'and')}"


def _some(names: list[str], last: str = "or") -> str:
    more = len(names) - _MOST_NAMED
    return listed([*names[:_MOST_NAMED], f"{more} others"] if more > 1 else names, last)


def _quoted(text: str) -> str:
    return shortened(f"'{printable(text)}'", _LONGEST)
