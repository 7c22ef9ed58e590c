"""Formulas over cells: what is true in a box, and where all of some formulas are.

A box is a region of attempts: for each dimension the cells that are left, as bits of an integer. A formula is made of
atoms, each a set of cells of one dimension, by "and" and "or"; a "not" is pushed down to the atoms, which have a
complement. Where three-valued truth does not settle a question the box is divided, as the procedure of Davis, Putnam,
Logemann and Loveland (1962) does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Box: TypeAlias = tuple[int, ...]


class Atom(NamedTuple):
    """True in these `cells` of a dimension."""

    dimension: int
    cells: int


class And(NamedTuple):
    """True where all of `parts` are."""

    parts: tuple[Formula, ...]


class Or(NamedTuple):
    """True where one of `parts` is."""

    parts: tuple[Formula, ...]


Formula: TypeAlias = "Atom | And | Or"

TRUE: Final = And(())
FALSE: Final = Or(())


@dataclass(slots=True)
class Effort:
    """How many formulas may still be looked at.

    Args:
        left: so many.
    """

    left: int

    def spend(self, looks: int = 1) -> None:
        """Account for some; raises `TooMuchError` where there are none left."""
        self.left -= looks
        if self.left < 0:
            raise TooMuchError


class TooMuchError(Exception):
    """A question takes more effort than it was given."""


def truth(formula: Formula, box: Box) -> bool | None:
    """Whether `formula` is true in all of `box`, or in none of it; `None` where that is not seen at once."""
    match formula:
        case Atom(dimension, cells):
            left = box[dimension]
            return False if not left & cells else None if left & ~cells else True
        case And(parts):
            return _run(parts, box, decisive=False)
        case Or(parts):  # pragma: no branch (there is no other kind)
            return _run(parts, box, decisive=True)


def _run(parts: tuple[Formula, ...], box: Box, *, decisive: bool) -> bool | None:
    result: bool | None = not decisive
    for part in parts:
        known = truth(part, box)
        if known is decisive:
            return decisive
        if known is None:
            result = None
    return result


def within(box: Box, atom: Atom) -> Box | None:
    """The part of `box` in which `atom` is true; `None` where there is none."""
    left = box[atom.dimension] & atom.cells
    return (*box[: atom.dimension], left, *box[atom.dimension + 1 :]) if left else None


def conjunction(parts: Iterable[Formula]) -> Formula:
    """What is true where all of `parts` are."""
    kept: list[Formula] = []
    for part in parts:
        if isinstance(part, And):
            kept += part.parts
        elif part == FALSE:
            return FALSE
        else:
            kept.append(part)
    return kept[0] if len(kept) == 1 else And(tuple(kept))


def disjunction(parts: Iterable[Formula]) -> Formula:
    """What is true where one of `parts` is."""
    kept: list[Formula] = []
    for part in parts:
        if isinstance(part, Or):
            kept += part.parts
        elif part == TRUE:
            return TRUE
        else:
            kept.append(part)
    return kept[0] if len(kept) == 1 else Or(tuple(kept))


def model(formulas: Sequence[Formula], box: Box, effort: Effort) -> Box | None:
    """A part of `box` in which all of `formulas` are true; `None` where there is proof that there is none.

    Raises:
        TooMuchError: it takes too much effort.
    """
    branches: list[tuple[Sequence[Formula], Box]] = [(formulas, box)]
    while branches:
        wanted, left = branches.pop()
        narrowed = _narrowed(wanted, left, effort)
        if narrowed is None:
            continue
        choices, left = narrowed
        if not choices:
            return left
        choice = min(choices, key=lambda each: len(each.parts))
        others = [each for each in choices if each is not choice]
        # The first alternative is tried first. What an alternative that was tried left out, the next need not look at.
        tried: list[tuple[Sequence[Formula], Box]] = []
        rest: Box | None = left
        for part in choice.parts:
            if rest is None:
                break
            tried.append(([part, *others], rest))
            if isinstance(part, Atom):
                rest = within(rest, Atom(part.dimension, ~part.cells))
        branches += reversed(tried)
    return None


def _narrowed(formulas: Sequence[Formula], box: Box, effort: Effort) -> tuple[list[Or], Box] | None:
    """The part of `box` that is left by all that follows at once, and what is still to be chosen there."""
    pending = list(formulas)
    while True:
        choices: list[Or] = []
        before = box
        effort.spend(len(pending) + 1)
        while pending:
            formula = pending.pop()
            match formula:
                case Atom():
                    narrower = within(box, formula)
                    if narrower is None:
                        return None
                    box = narrower
                case And(parts):
                    pending += parts
                case Or(parts):  # pragma: no branch (there is no other kind)
                    effort.spend(sum(1 if isinstance(part, Atom) else size(part) for part in parts))
                    truths = [truth(part, box) for part in parts]
                    if True in truths:
                        continue
                    open_parts = tuple([part for part, known in zip(parts, truths, strict=True) if known is None])
                    if not open_parts:
                        return None
                    if len(open_parts) == 1:
                        pending.append(open_parts[0])
                    else:
                        choices.append(Or(open_parts))
        if box == before:
            return choices, box
        pending = list(choices)


def size(formula: Formula) -> int:
    """How many formulas a formula is made of, itself included: what it may take to look at it."""
    match formula:
        case Atom():
            return 1
        case And(parts) | Or(parts):  # pragma: no branch (there is no other kind)
            return 1 + sum(map(size, parts))


def dimensions_of(formulas: Iterable[Formula]) -> set[int]:
    """The dimensions that some formulas speak of."""
    found: set[int] = set()
    pending = list(formulas)
    while pending:
        match pending.pop():
            case Atom(dimension):
                found.add(dimension)
            case And(parts) | Or(parts):  # pragma: no branch (there is no other kind)
                pending += parts
    return found


def open_atom(formula: Formula, box: Box) -> Atom:
    """An atom of a formula whose truth is not settled in `box`, that is not settled there either."""
    match formula:
        case Atom():
            return formula
        case And(parts) | Or(parts):  # pragma: no branch (there is no other kind)
            return next(open_atom(part, box) for part in parts if truth(part, box) is None)


def projection(formula: Formula, dimension: int, full: Box) -> int:
    """The cells of a dimension outside which `formula` is false, and perhaps more."""
    match formula:
        case Atom(about, cells):
            return cells if about == dimension else full[dimension]
        case And(parts):
            left = full[dimension]
            for part in parts:
                left &= projection(part, dimension, full)
            return left
        case Or(parts):  # pragma: no branch (there is no other kind)
            found = 0
            for part in parts:
                found |= projection(part, dimension, full)
            return found
