"""What regions are shown by: their conditions in words, and an attempt in each that the policies have confirmed."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.findings import Undecided
from tlspolicy.analysis.formulas import Effort, TooMuchError
from tlspolicy.analysis.witness import GUESSES, witness
from tlspolicy.analysis.words import words
from tlspolicy.errors import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

    from tlspolicy.analysis.regions import Region
    from tlspolicy.analysis.space import Space
    from tlspolicy.context import DeliveryContext

MOST_SHOWN: Final = 100
EFFORT: Final = 8_000_000
"""What it may take to look for all of them."""


@dataclass(slots=True)
class Shown:
    """Regions that are looked for, as they are shown.

    Args:
        things: what they are: `ways`, `differences`.
        question: what is asked of an attempt: `clear text is allowed`.
        found: the conditions of each, and an attempt that shows it.
        undecided: what was left open.
    """

    things: str
    question: str
    found: list[tuple[str, DeliveryContext]] = field(default_factory=list)
    undecided: list[Undecided] = field(default_factory=list)

    def leave(self, why: str) -> None:
        """Leave a question open."""
        self.undecided.append(Undecided(Place(), why))

    def look(
        self,
        space: Callable[[], Space],
        regions: Callable[[Space], Iterable[Region]],
        confirms: Callable[[Hashable, DeliveryContext], bool] | None,
    ) -> None:
        """Look for all of them.

        Args:
            space: what they are of.
            regions: themselves.
            confirms: whether an attempt is of a region's kind; `None` where to ask would have effects.
        """
        guesses = Effort(GUESSES)
        try:
            made = space()
            for box, kind in regions(made):
                if len(self.found) + len(self.undecided) == MOST_SHOWN:
                    self.leave(f"there are more than {MOST_SHOWN} {self.things}")
                    return
                context = witness(made, box, partial(confirms, kind), guesses) if confirms else None
                if context:
                    self.found.append((words(made, box), context))
                else:
                    self.leave(f"it is not known whether {self.question} where {words(made, box)}")
        except TooMuchError:
            self.leave(f"the rules are too many or too intricate to look for all {self.things}")
