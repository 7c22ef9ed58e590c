"""Views: what rule lists decide in a box, as far as a question wants to know it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.analysis.formulas import open_atom, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from tlspolicy.analysis.branches import Branches
    from tlspolicy.analysis.formulas import Atom, Box, Effort

ALL: Final = 1_000_000
"""More branches than there are."""


class Seen(NamedTuple):
    """What a list decides for the attempts in a box.

    Args:
        kind: what it decides for all of them; `None` where that is not one and the same, or not known.
        first: the first branch that may apply.
        atom: what to divide the box by to know more; `None` where nothing helps.
    """

    kind: Hashable
    first: int
    atom: Atom | None


@dataclass(frozen=True, slots=True)
class View:
    """A rule list, seen by a question.

    Args:
        branches: the list.
        kinds: what the question sees in the outcome of each branch; `None` where that is not known.
    """

    branches: Branches
    kinds: tuple[Hashable, ...]

    @classmethod
    def of(cls, branches: Branches, kind: Callable[[object], Hashable]) -> View:
        """The list as `kind` sees the outcome of a branch."""
        return cls(branches, tuple([kind(branch.outcome) for branch in branches.branches]))

    def seen(self, box: Box, effort: Effort, start: int = 0, most: int = ALL) -> Seen:
        """What the list decides for the attempts in `box`.

        Args:
            box: a region of attempts.
            effort: what it may take.
            start: the first branch that may apply, as is known of a box around `box`.
            most: how many branches that may apply to look at; where there are more, nothing is known.
        """
        kinds: list[Hashable] = []
        first, atom = start, None
        for number, certain in self._possible(box, effort, start):
            if not kinds:
                first = number
                atom = None if certain else open_atom(self.branches.branches[number].condition.true, box)
            kinds.append(self.kinds[number])
            if kinds[-1] != kinds[0] or len(kinds) > most:
                return Seen(None, first, atom)
        return Seen(kinds[0], first, atom)

    def _possible(self, box: Box, effort: Effort, start: int) -> Iterator[tuple[int, bool]]:
        """The branches that may be the first to apply in `box`, and whether each does wherever it is tried."""
        for number in self.branches.near(box, start):  # pragma: no branch (the last one applies)
            effort.spend(self.branches.sizes[number])
            known = truth(self.branches.branches[number].condition.true, box)
            if known is not False:
                yield number, known is True
            if known:
                return
