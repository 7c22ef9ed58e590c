"""Witnesses: an attempt of a box, which the policy itself has confirmed to be what it is said to be."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.analysis.formulas import Atom, Box, Effort, within
from tlspolicy.analysis.questions import Other, Recipient, Text, is_pure, truth_in, variables
from tlspolicy.analysis.space import Dimension, Flag, Numbers, Space, Texts, Words, bits
from tlspolicy.analysis.variables import ADDRESSES, DOMAINS, LISTED, default
from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tlspolicy.analysis.texts import TextTest
    from tlspolicy.expressions.values import Value

GUESSES: Final = 100_000
"""What one analysis may spend on guesses: for each, as many as there are questions that are only answered."""

_TRIES: Final = 48
_NO: Final = 0b01
_YES: Final = 0b10
_MOST_VALUES: Final = 16
_TELLING: Final = ("tls", "unauthenticated")
_GUESSES: Final[dict[type, tuple[Value, ...]]] = {
    int: (0, 1, 2, 5, 25, 100, 3_600, 86_400, 1_000_000),
    str: ("", "a.example", "b.example", "mx1.a.example", "jane@a.example", "192.0.2.1", "0", "1"),
    tuple: ((), ("jane@a.example",), ("jane@a.example", "john@b.example")),
}


def witness(
    space: Space, box: Box, confirms: Callable[[DeliveryContext], bool], guesses: Effort | None = None
) -> DeliveryContext | None:
    """An attempt in `box` that `confirms` takes; `None` where none was found.

    Args:
        space: what the box is of.
        box: where to look.
        confirms: whether an attempt is what is wanted; a `PolicyError` is a no.
        guesses: what may be spent on attempts of which it is not known whether they are in `box`.
    """
    for fields in _candidates(space, box, guesses or Effort(GUESSES)):
        try:
            context = DeliveryContext(**fields)
            if confirms(context) and _is_in(space, box, context):
                return context
        except PolicyError:  # There is no such attempt, or no decision for it.
            continue
    return None


def _candidates(space: Space, box: Box, guesses: Effort) -> Iterator[dict[str, Any]]:
    """The fields of attempts that should be in `box`: the plainest, and some others where it is not known to be."""
    exact = _answered(space, box)
    yield _fields(space, exact, {}, None)
    unknown = [
        dimension.question.node
        for dimension, cells in zip(space.dimensions, exact, strict=True)
        if isinstance(dimension, Flag) and isinstance(dimension.question, Other) and cells in (_NO, _YES)
    ]
    if not unknown:
        return
    guessed = sorted({name for node in unknown for name in variables(node)})
    random = Random(0)  # noqa: S311  (the same guesses each time)
    cost = sum(isinstance(dimension, Flag) for dimension in space.dimensions)
    for _ in range(min(_TRIES, guesses.left // cost)):
        guesses.spend(cost)
        yield _fields(space, exact, {name: random.choice(_guesses(name)) for name in guessed}, random)


def _guesses(variable: str) -> tuple[Value, ...]:
    return LISTED.get(variable) or _GUESSES[DELIVERY.variables[variable]]


def _answered(space: Space, box: Box) -> Box:
    """The part of `box` in which as many questions as can have their answer for sure, and the others may have it."""
    possible, sure = [], []
    for flag, variable, yes, no in space.links:
        if box[flag] in (_NO, _YES):
            this, other = (yes, no) if box[flag] == _YES else (no, yes)
            possible.append(Atom(variable, ~other))
            sure.append(Atom(variable, this))
    for atom in (*possible, *sure):
        box = within(box, atom) or box
    return box


def _fields(space: Space, box: Box, guesses: dict[str, Value], random: Random | None) -> dict[str, Any]:
    """The fields of an attempt that should be in `box`, as plain as there is; with `random`, any."""
    fields: dict[str, Any] = dict(guesses)
    recipients: list[str] = []
    parts: dict[str, list[TextTest]] = {}
    for dimension, mask in zip(space.dimensions, box, strict=True):
        match dimension:
            case Flag(Recipient(address)) if mask == _YES:
                recipients.append(address)
            case Flag(Text(variable, test)) if mask == _YES:
                parts.setdefault(variable, []).append(test)
            case Flag():
                pass
            case _:
                variable = dimension.variable
                if random:
                    found = [*_values(dimension, mask), *_shortest(dimension, mask)]
                    if variable in guesses and _cell(dimension, guesses[variable]) & mask:
                        found.append(guesses[variable])
                    fields[variable] = random.choice(found)
                else:
                    fields[variable] = _plainest(dimension, mask)
    for variable, tests in parts.items():
        fields.setdefault(variable, _joined(tests))
    if recipients:
        fields["recipients"] = tuple(recipients)
    return {name: value for name, value in fields.items() if value != default(name)}


def _is_in(space: Space, box: Box, context: DeliveryContext) -> bool:
    """Whether an attempt is known to be in `box`.

    A context takes a domain from an address, and so may have another than it was given.
    """
    pairs = zip(space.dimensions, box, space.full, strict=True)
    return all(_is_among(dimension, mask, context) for dimension, mask, full in pairs if mask != full)


def _is_among(dimension: Dimension, mask: int, context: DeliveryContext) -> bool:
    if not isinstance(dimension, Flag):
        return bool(_cell(dimension, getattr(context, dimension.variable)) & mask)
    match dimension.question:
        case Recipient(address):
            answer: bool | None = address in context.recipients
        case Text(variable, test):
            answer = test.holds(getattr(context, variable))
        case Other(node) if is_pure(node):
            answer = truth_in(node, context)
        case _:
            answer = None  # It depends on where it stands, and on what was asked before.
    return answer is (mask == _YES)


def _cell(dimension: Numbers | Words | Texts, value: Any) -> int:  # noqa: ANN401  (a value of the variable)
    """The cell that a value is in, as a mask."""
    match dimension:
        case Numbers(_, ranges):
            return 1 << bisect_right(ranges, value, key=itemgetter(0)) - 1
        case Words(_, values):
            return 1 << values.index(value)
        case Texts(_, found, masks, numbers):  # pragma: no branch (there is no other kind)
            if value in numbers:
                return 1 << numbers[value]
            cell = (1 << len(found)) - 1
            for test, mask in masks.items():
                cell &= mask if test.holds(value) else ~mask
            return cell


def _joined(tests: list[TextTest]) -> str:
    """A text that may pass all of these tests."""
    constants = {kind: [test.constant for test in tests if test.kind == kind] for kind in ("equals", "starts", "ends")}
    if constants["equals"]:
        return constants["equals"][0]
    middle = [test.constant for test in tests if test.kind == "contains"]
    longest = [max(constants[kind], key=len, default="") for kind in ("starts", "ends")]
    return "".join([longest[0], *middle, longest[1]])


def _plainest(dimension: Numbers | Words | Texts, mask: int) -> Any:  # noqa: ANN401  (a value of the variable)
    usual = default(dimension.variable)
    if _cell(dimension, usual) & mask:
        return usual
    found = _values(dimension, mask)
    if isinstance(dimension, Words):
        return next((value for value in _TELLING if value in found), found[0])
    return min(found, key=len) if isinstance(dimension, Texts) else min(found)


def _values(dimension: Numbers | Words | Texts, mask: int) -> list[Any]:
    """A value of each cell, or of some where there are many."""
    some = list(islice(bits(mask), _MOST_VALUES))  # The least numbers, and the shortest texts, stand first.
    match dimension:
        case Numbers(variable, ranges):
            return [_number(variable, *ranges[cell]) for cell in some]
        case Words(_, values):
            return [values[cell] for cell in some]
        case Texts():  # pragma: no branch (there is no other kind)
            return [_text(dimension, cell) for cell in some]


def _shortest(dimension: Numbers | Words | Texts, mask: int) -> list[str]:
    """Of texts those that are as short as any."""
    some = islice(bits(mask), _MOST_VALUES)
    return [dimension.cells[cell].example for cell in some] if isinstance(dimension, Texts) else []


def _number(variable: str, first: int, last: int) -> int:
    usual = default(variable)
    if isinstance(usual, int) and first <= usual <= last:
        return usual
    return first if first >= 0 else last


def _text(dimension: Texts, number: int) -> str:
    """A text of a cell: one that reads like a host or an address, if such a one is in it."""
    cell = dimension.cells[number]
    variable = dimension.variable
    if cell.alone or not cell.example or variable not in DOMAINS | ADDRESSES:
        return cell.example
    alike = (text for text in _readable(cell.example, variable) if _cell(dimension, text) == 1 << number)
    return next(alike, cell.example)


def _readable(text: str, variable: str) -> Iterator[str]:
    if variable in ADDRESSES:
        yield f"jane{text}" if text.startswith("@") else f"jane@{text.removeprefix('.')}"
    yield f"mx1{text}" if text.startswith(".") else f"mx1.{text}"
    yield f"{text.removesuffix('.')}.example"
    yield "example.org"
