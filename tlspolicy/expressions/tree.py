"""Several rule lists as one decision tree, which asks each condition once and none whose answer is known."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tlspolicy.expressions.conditions import Within, literal, within
from tlspolicy.expressions.nodes import Binary, Call, Logical, Name, Node, String, Unary
from tlspolicy.expressions.values import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tlspolicy.expressions.regions import Region
    from tlspolicy.expressions.schema import Schema

MAX_LEAVES: Final = 32
_MAX_ATOMS: Final = 64
_MAX_PARTS: Final = 1_000


class Branch(NamedTuple):
    """Conditions that must all be true, in which case the outcome has this number."""

    conditions: tuple[Node, ...]
    outcome: int


class Fork(NamedTuple):
    """Where to go on if a condition is true, and if it is false."""

    condition: Node
    true: Tree
    false: Tree


Tree: TypeAlias = "Fork | tuple[int, ...]"


def tree(lists: Sequence[Sequence[Branch]], schema: Schema) -> Tree | None:
    """The decision tree of lists whose branches are tried in order; the last branch of each has no conditions.

    Returns:
        A tree whose leaves have the outcome of each list; `None` where it would be large, or a condition takes so long
        that none should be asked before its turn.
    """
    atoms = [atom for branches in lists for branch in branches for node in branch.conditions for atom in _atoms(node)]
    if len(atoms) > _MAX_ATOMS or not all(_is_quick_atom(atom, schema) for atom in atoms):
        return None
    found = {atom: within(atom, schema) for atom in atoms}
    if sum(each.region.parts for each in found.values() if each) > _MAX_PARTS:
        return None
    maker = _Maker(lists, found, schema)
    try:
        return maker.tree(_Known({}, {}))
    except _LargeError:
        return None


def _atoms(node: Node) -> Iterator[Node]:
    """The conditions that one is made of."""
    match node:
        case Logical(_, operands):
            for operand in operands:
                yield from _atoms(operand)
        case Unary("!", operand):
            yield from _atoms(operand)
        case _:
            yield node


def is_quick(node: Node, schema: Schema) -> bool:
    """Whether a condition may as well be asked before its turn, or not at all: it takes little time and can't fail."""
    return all(_is_quick_atom(atom, schema) for atom in _atoms(node))


def looks_first(node: Node, schema: Schema) -> bool:
    """Whether evaluating a condition begins with a look at a variable, before anything else is done."""
    first = next(_atoms(node))
    return _is_quick_atom(first, schema) and literal(first, schema) is None


def _is_quick_atom(node: Node, schema: Schema) -> bool:
    match node:
        case Binary(operator, Name(name), constant) | Binary(operator, constant, Name(name)) if operator in COMPARISONS:
            return _is_scalar(name, schema) and isinstance(literal(constant, schema), (int, float, str))
        case Call("starts_with" | "ends_with", (Name(name), String())):
            return _is_scalar(name, schema)
        case Call("contains"):
            found = within(node, schema)
            return found is not None and bool(found.region)
        case Name(name):
            return _is_scalar(name, schema)
        case _:
            return literal(node, schema) is not None


def _is_scalar(name: str, schema: Schema) -> bool:
    return schema.variables.get(name, tuple) is not tuple


class _Known(NamedTuple):
    """What is known on the way to a place in the tree: where variables are, and the truth of other conditions."""

    regions: dict[str, Region]
    truths: dict[Node, bool]


class _LargeError(Exception):
    """The tree has too many leaves."""


class _Maker:
    def __init__(self, lists: Sequence[Sequence[Branch]], atoms: Mapping[Node, Within | None], schema: Schema) -> None:
        self._schema = schema
        self._lists = lists
        self._atoms = atoms
        self._leaves = 0

    def tree(self, known: _Known) -> Tree:
        wanted: Counter[Node] = Counter()
        outcomes = [self._outcome(branches, known, wanted) for branches in self._lists]
        if not wanted:
            self._leaves += 1
            if self._leaves > MAX_LEAVES:
                raise _LargeError
            return tuple([outcome for outcome in outcomes if outcome is not None])
        # What the most branches ask, and of these conditions the one that is asked first.
        ((atom, _),) = wanted.most_common(1)
        true, false = (self.tree(self._assume(atom, known, truth=truth)) for truth in (True, False))
        return true if true == false else Fork(atom, true, false)

    def _outcome(self, branches: Sequence[Branch], known: _Known, wanted: Counter[Node]) -> int | None:
        """The outcome, if it is known; otherwise the conditions that it depends on are counted."""
        open_branches: list[Branch] = []
        for branch in branches:  # pragma: no branch (the last has no conditions)
            truths = [self._truth(condition, known) for condition in branch.conditions]
            if False in truths:
                continue
            if None not in truths:
                if not open_branches:
                    return branch.outcome
                break
            open_branches.append(branch)
        for branch in open_branches:
            for condition in branch.conditions:
                wanted.update(atom for atom in _atoms(condition) if self._truth(atom, known) is None)
        return None

    def _truth(self, node: Node, known: _Known) -> bool | None:
        match node:
            case Logical(operator, operands):
                truths = {self._truth(operand, known) for operand in operands}
                decisive = operator == "||"
                return decisive if decisive in truths else None if None in truths else not decisive
            case Unary("!", operand):
                truth = self._truth(operand, known)
                return None if truth is None else not truth
            case _:
                return self._atom_truth(node, known)

    def _atom_truth(self, atom: Node, known: _Known) -> bool | None:
        constant = literal(atom, self._schema)
        if constant is not None:
            return bool(constant)
        found = self._atoms[atom]
        if found is None:
            return known.truths.get(atom)
        before = known.regions.get(found.variable)
        if not (before.both(found.region) if before else found.region):
            return False
        others = found.region.others()
        return None if (before.both(others) if before else others) else True

    def _assume(self, atom: Node, known: _Known, *, truth: bool) -> _Known:
        found = self._atoms[atom]
        if found is None:
            return known._replace(truths={**known.truths, atom: truth})
        region = found.region if truth else found.region.others()
        before = known.regions.get(found.variable)
        return known._replace(regions={**known.regions, found.variable: before.both(region) if before else region})
