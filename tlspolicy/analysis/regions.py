"""Regions of attempts in which something holds: all of them, each as wide as it can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tlspolicy.analysis.formulas import Atom, Box, Effort, TooMuchError, model, truth, within
from tlspolicy.analysis.space import Flag, Space, bits

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

# What conditions should rather speak of than of anything else, the last the most.
_TELLING: Final = ("recipients", "source", "sender_domain", "mx", "rcpt_domain", "retry_num", "last_error")
# To divide a box takes less than to look at all branches that may apply in it.
_MOST_BRANCHES: Final = 8


class Verdict(NamedTuple):
    """What is known of all attempts in a box.

    Args:
        kind: what they all are, such as a decision; `False` where none of them is anything that is looked for; `None`
            where that is not known.
        atom: what to divide the box by to know more; `None` where nothing helps.
        first: for each rule list the first branch that may apply: to a part of the box, none before it does.
    """

    kind: Hashable
    atom: Atom | None = None
    first: tuple[int, ...] = ()


class Judge(Protocol):
    """Says what is known of a box."""

    def __call__(self, box: Box, effort: Effort, first: Sequence[int] = (), most: int = ...) -> Verdict:
        """Judge all attempts in `box`.

        Args:
            box: a region of attempts.
            effort: what it may take.
            first: what is known of a box around it, as `Verdict` has it.
            most: how many branches of a list to look at: where there are more, nothing is known.
        """


class Region(NamedTuple):
    """A box whose attempts are all of one kind; `None` where it could not be known of which, or whether of any."""

    box: Box
    kind: Hashable


def kinds(space: Space, judge: Judge, effort: Effort) -> Iterator[Region]:
    """A region of each kind of what is looked for, and those of which it could not be known whether they are.

    Raises:
        TooMuchError: it takes too much effort; there may be other kinds.
    """
    seen: set[Hashable] = set()
    for region in _leaves(space, judge, effort):
        if region.kind is None or region.kind not in seen:
            seen.add(region.kind)
            yield region


def regions(space: Space, judge: Judge, effort: Effort) -> Iterator[Region]:
    """The regions of what is looked for, or may be: together they have every attempt that is.

    Raises:
        TooMuchError: it takes too much effort; the regions so far are not all.
    """
    found: list[Box] = []
    for box, kind in _leaves(space, judge, effort):
        if any(_is_within(box, other) for other in found):
            continue
        wide = box if kind is None else _widened(space, Region(box, kind), judge, effort)
        found.append(wide)
        yield Region(wide, kind)


def _leaves(space: Space, judge: Judge, effort: Effort) -> Iterator[Region]:
    boxes: list[tuple[Box, tuple[int, ...]]] = [(space.full, ())]
    while boxes:
        box, first = boxes.pop()
        effort.spend(1 + len(space.axioms) + len(box))
        if any(truth(axiom, box) is False for axiom in space.axioms):
            continue
        kind, atom, first = judge(box, effort, first, _MOST_BRANCHES)
        if kind is None and atom:
            parts = (within(box, Atom(atom.dimension, ~atom.cells)), within(box, atom))
            boxes += [(part, first) for part in parts if part]
        elif kind is not False and model(space.axioms, box, effort) is not None:
            yield Region(box, kind)  # All of it: a model is a part only, and this one is not looked at again.


def _is_within(box: Box, other: Box) -> bool:
    return not any(cells & ~others for cells, others in zip(box, other, strict=True))


def _widened(space: Space, region: Region, judge: Judge, effort: Effort) -> Box:
    """A box around a region that can't be wider in any dimension, or not without too much effort."""
    box = region.box

    def alike(added: Box) -> bool:
        return judge(added, effort).kind == region.kind

    try:
        for number in sorted(range(len(box)), key=lambda each: _telling(space, each)):
            box = _grown(box, number, space.full[number] & ~box[number], alike)
    except TooMuchError:
        pass
    return box


def _telling(space: Space, number: int) -> int:
    dimension = space.dimensions[number]
    if isinstance(dimension, Flag) or dimension.variable not in _TELLING:
        return -1
    return _TELLING.index(dimension.variable)


def _grown(box: Box, number: int, more: int, alike: Callable[[Box], bool]) -> Box:
    """`box` with as many of the cells `more` of one dimension as it can have."""
    if not more:
        return box
    # What is added is looked at alone: where it is alike, so is all of the wider box.
    if alike((*box[:number], more, *box[number + 1 :])):
        return (*box[:number], box[number] | more, *box[number + 1 :])
    cells = list(bits(more))
    if len(cells) == 1:
        return box
    for half in (cells[: len(cells) // 2], cells[len(cells) // 2 :]):
        box = _grown(box, number, sum(1 << cell for cell in half), alike)
    return box
