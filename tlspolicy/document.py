"""Document: the text of a policy, and what stands where in it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from tlspolicy.config import parse_json, parse_plan, parse_toml
from tlspolicy.positions import Positions, of_json, of_plan, of_toml

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy.config import Parse
    from tlspolicy.errors import Place

_POSITIONS: Final[dict[Parse, Callable[[str], Positions]]] = {
    parse_toml: of_toml,
    parse_json: of_json,
    parse_plan: of_plan,
}


@dataclass(frozen=True)
class Document:
    """A text that one of the parsers of `config` takes.

    Args:
        text: the text, with LF for its line breaks.
        parse: that parser.
        place: its file.
    """

    text: str
    parse: Parse
    place: Place

    def located(self, place: Place) -> Place:
        """The same place, with its line and column.

        It stays as it is where it is in another file, or nowhere in the text. The text must be one that `parse` takes.
        """
        at = self._positions.find(place.key) if place.file == self.place.file else None
        if at is None:
            return place
        line = bisect_right(self._lines, at)
        return replace(place, line=line, column=at - self._lines[line - 1] + 1)

    @cached_property
    def _positions(self) -> Positions:
        return _POSITIONS[self.parse](self.text)

    @cached_property
    def _lines(self) -> array[int]:
        """Where each line begins."""
        return array("Q", accumulate((len(line) + 1 for line in self.text.split("\n")), initial=0))
