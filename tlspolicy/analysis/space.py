"""The space of all delivery attempts, divided into cells by what some conditions ask of them."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice, pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tlspolicy.analysis.examples import example_values
from tlspolicy.analysis.formulas import FALSE, And, Atom, Box, Formula, Or, TooMuchError, dimensions_of
from tlspolicy.analysis.meanings import Meaning, Reader
from tlspolicy.analysis.questions import Listed, Number, Other, Question, Recipient, Text, value_with
from tlspolicy.analysis.texts import TextCell, TextTest, cells
from tlspolicy.analysis.variables import HOSTS, LISTED, integers
from tlspolicy.expressions.regions import Integers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tlspolicy.expressions.values import Value

_NO: Final = 0b01
_YES: Final = 0b10
_EITHER: Final = 0b11
_MOST_ANSWERS: Final = 20_000
_MOST_QUESTIONS: Final = 20_000
_MOST_EXAMPLES: Final = 1_000


class Numbers(NamedTuple):
    """An integer: its cells are ranges, the first and the last number of each."""

    variable: str
    ranges: tuple[tuple[int, int], ...]


class Words(NamedTuple):
    """A text whose values are all known: each is a cell."""

    variable: str
    values: tuple[str, ...]


class Texts(NamedTuple):
    """A text: its cells are those that some tests make.

    Args:
        variable: its name.
        cells: themselves.
        masks: the cells that pass each test.
        numbers: the cell of each example.
    """

    variable: str
    cells: tuple[TextCell, ...]
    masks: dict[TextTest, int]
    numbers: dict[str, int]


class Flag(NamedTuple):
    """A question that is no more than answered: the cells are no and yes."""

    question: Question


class Link(NamedTuple):
    """How a question that is only answered depends on a variable.

    Args:
        flag: the dimension of the question.
        variable: that of the variable.
        yes: the cells of the variable for which the answer is known to be yes.
        no: those for which it is known to be no.
    """

    flag: int
    variable: int
    yes: int
    no: int


Dimension: TypeAlias = Numbers | Words | Texts | Flag


@dataclass(frozen=True)
class Space:
    """All delivery attempts, as far as some conditions tell them apart.

    Args:
        dimensions: what they ask about.
    """

    dimensions: tuple[Dimension, ...]
    _number_of: dict[object, int] = field(repr=False)

    @classmethod
    def of(cls, read: Callable[[Reader], object]) -> Space:
        """The space of the conditions that `read` has read, which is to be read again with `reader`, in this order.

        Raises:
            TooMuchError: they ask very many questions.
        """
        asked: dict[Question, None] = {}

        def answer(question: Question) -> Meaning:
            asked[question] = None
            return Meaning(FALSE, FALSE)

        read(Reader(answer))
        if len(asked) > _MOST_QUESTIONS:
            raise TooMuchError
        made = tuple(_dimensions(asked))
        return cls(made, {_key(dimension): number for number, dimension in enumerate(made)})

    def reader(self) -> Reader:
        """What makes formulas of the conditions."""
        return Reader(self._answer)

    def _answer(self, question: Question) -> Meaning:
        number = self._number_of[
            question if isinstance(question, (Recipient, Other)) or question in self._number_of else question.variable
        ]
        dimension = self.dimensions[number]
        match question, dimension:
            case Number(_, region), Numbers(_, ranges):
                mask = _cells_of(region, ranges)
            case Text(_, test), Texts(_, _, masks):
                mask = masks[test]
            case Listed(_, chosen), Words(_, values):
                mask = sum(1 << cell for cell, value in enumerate(values) if value in chosen)
            case _:
                mask = _YES
        return Meaning(Atom(number, mask), Atom(number, self.full[number] & ~mask))

    @cached_property
    def full(self) -> Box:
        """The box of all attempts."""
        return tuple(_all_cells(dimension) for dimension in self.dimensions)

    @cached_property
    def axioms(self) -> tuple[Formula, ...]:
        """What is true of every attempt: how questions that are only answered depend on the value that they look at."""
        return tuple(chain.from_iterable(self._axioms.values()))

    def axioms_of(self, formulas: Iterable[Formula]) -> Iterator[Formula]:
        """Those that say something of what `formulas` ask: where there are attempts for these, the others hold, too."""
        if self._axioms:
            for flag in sorted(self._axioms.keys() & dimensions_of(formulas)):
                yield from self._axioms[flag]

    def answers_of(self, formulas: Iterable[Formula]) -> Iterator[Formula]:
        """What is true where the value that they look at is known to give the answer to the questions of `formulas`."""
        if self._axioms:
            asked = dimensions_of(formulas)
            for flag, variable, yes, no in self.links:
                if flag in asked:
                    sure = ((_NO, no), (_YES, yes))
                    known = [And((Atom(flag, answer), Atom(variable, cells))) for answer, cells in sure if cells]
                    yield Or(tuple(known))

    @cached_property
    def _axioms(self) -> dict[int, tuple[Formula, Formula]]:
        """By the dimension of the question."""
        return {
            link.flag: (
                Or((Atom(link.variable, self.full[link.variable] & ~link.yes), Atom(link.flag, _YES))),
                Or((Atom(link.variable, self.full[link.variable] & ~link.no), Atom(link.flag, _NO))),
            )
            for link in self.links
        }

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """How each question that is only answered, and looks at one variable, depends on its value."""
        return tuple(self._links())

    def _links(self) -> Iterator[Link]:
        most = _MOST_ANSWERS // max(1, sum(isinstance(dimension, Flag) for dimension in self.dimensions))
        alone = [dict(_alone(dimension)) for dimension in self.dimensions]
        for number, dimension in enumerate(self.dimensions):
            match dimension:
                case Flag(Other(node, _, variable)) if variable in self._number_of:
                    cells_of = alone[self._number_of[variable]]
                    examples = [value for value in example_values(node, variable) if value in cells_of]
                    values = dict.fromkeys(chain(examples, islice(cells_of, most)))
                    answers = {cells_of[value]: value_with(node, variable, value) for value in values}
                    yield self._link(number, variable, answers)
                case Flag(Text(variable, test)) if variable in self._number_of:
                    some = islice(alone[self._number_of[variable]].items(), most)
                    yield self._link(number, variable, {cell: test.holds(str(value)) for value, cell in some})
                case _:
                    pass

    def _link(self, flag: int, variable: str, answers: Mapping[int, Value | None]) -> Link:
        yes = sum(1 << cell for cell, answer in answers.items() if answer is not None and answer)
        no = sum(1 << cell for cell, answer in answers.items() if answer is not None and not answer)
        return Link(flag, self._number_of[variable], yes, no)


def _cells_of(region: Integers, ranges: Sequence[tuple[int, int]]) -> int:
    """The cells that are in a region, in each of which all numbers are or none."""
    mask = 0
    for first, last in region.ranges:
        start = bisect_left(ranges, first, key=itemgetter(0))
        end = bisect_left(ranges, last + 1, key=itemgetter(0))
        mask |= (1 << end) - (1 << start)
    return mask


def bits(mask: int) -> Iterable[int]:
    """The numbers of the cells in a mask, the lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _key(dimension: Dimension) -> object:
    return dimension.question if isinstance(dimension, Flag) else dimension.variable


def _all_cells(dimension: Dimension) -> int:
    match dimension:
        case Numbers(_, counted) | Words(_, counted) | Texts(_, counted):
            return (1 << len(counted)) - 1
        case Flag(Recipient(address)) if not _is_as_kept(address):
            return _NO
        case _:
            return _EITHER


def _is_as_kept(host: str) -> bool:
    return host == host.lower() and not host.endswith(".")


def _alone(dimension: Dimension) -> Iterable[tuple[Value, int]]:
    """The cells that hold a single value, by it."""
    match dimension:
        case Numbers(_, ranges):
            yield from ((first, cell) for cell, (first, last) in enumerate(ranges) if first == last)
        case Texts(_, text_cells):  # pragma: no branch (where all values are known, it is asked which of them)
            yield from ((text.example, cell) for cell, text in enumerate(text_cells) if text.alone)


def _dimensions(asked: Iterable[Question]) -> Iterable[Dimension]:
    numbers: dict[str, list[Integers]] = {}
    texts: dict[str, dict[TextTest, None]] = {}
    listed: dict[str, None] = {}
    flags: list[Question] = []
    for question in asked:
        match question:
            case Number(variable, region):
                numbers.setdefault(variable, []).append(region)
            case Text(variable, test):
                texts.setdefault(variable, {})[test] = None
            case Listed(variable):
                listed[variable] = None
            case Recipient() | Other():  # pragma: no branch (there is no other kind)
                flags.append(question)
    examples: dict[str, dict[TextTest, None]] = {}
    of_one = [question for question in flags if isinstance(question, Other) and question.variable]
    for question in of_one:
        for value in islice(example_values(question.node, question.variable), _MOST_EXAMPLES // len(of_one) + 1):
            if isinstance(value, str):
                examples.setdefault(question.variable, {})[TextTest("equals", value)] = None
            else:
                numbers.setdefault(question.variable, []).append(Integers.of([value]))
    for variable, regions in numbers.items():
        yield Numbers(variable, tuple(_ranges(integers(variable), regions)))
    for variable in listed:
        yield Words(variable, LISTED[variable])
    for variable in {**texts, **examples}:
        yield from _text_dimensions(variable, [*texts.get(variable, ())], [*examples.get(variable, ())])
    yield from map(Flag, flags)


def _ranges(natural: Integers, regions: Sequence[Integers]) -> Iterable[tuple[int, int]]:
    """The ranges of `natural` within which no region begins or ends."""
    ((least, greatest),) = natural.ranges
    starts = {edge for region in regions for first, last in region.ranges for edge in (first, last + 1)}
    edges = [least, *sorted(edge for edge in starts if least < edge <= greatest), greatest + 1]
    return ((first, following - 1) for first, following in pairwise(edges))


def _text_dimensions(variable: str, asked: list[TextTest], examples: list[TextTest]) -> Iterable[Dimension]:
    """A text, and the tests of it that would make too many cells."""
    fewer = [test for test in asked if test.kind != "contains"]
    for tests in ([*dict.fromkeys(asked + examples)], asked, fewer):
        found = cells(tests, hosts=variable in HOSTS) if tests else None
        if found is not None:
            break
    else:
        tests = []
    yield from (Flag(Text(variable, test)) for test in asked if test not in tests)
    if found is None:
        return
    masks = dict.fromkeys(tests, 0)
    for number, cell in enumerate(found):
        for bit in bits(cell.passed):
            masks[tests[bit]] |= 1 << number
    yield Texts(variable, tuple(found), masks, {cell.example: number for number, cell in enumerate(found)})
