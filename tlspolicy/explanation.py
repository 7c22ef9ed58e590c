"""Why a policy decided what it decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tlspolicy.decision import Requirement
from tlspolicy.expressions.outline import WIDTH, Line, printed
from tlspolicy.expressions.values import text
from tlspolicy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.decision import TlsDecision
    from tlspolicy.expressions.explanation import Explanation


@dataclass(frozen=True, slots=True)
class PolicyExplanation:
    """Why a policy decided what it decided.

    Args:
        decision: what it decided.
        settings: how each setting came to its value, by the setting's name.
    """

    decision: TlsDecision
    settings: dict[str, Explanation] = field(hash=False)

    def as_data(self) -> dict[str, Any]:
        """The same in the types that JSON has.

        Returns:
            `decision`: each setting, levels by name and times in seconds; `settings`: what `Explanation.as_data` gives
            of each rule list.
        """
        decision = {setting.name: getattr(self.decision, setting.name) for setting in SETTINGS}
        return {
            "decision": {name: str(each) if isinstance(each, Requirement) else each for name, each in decision.items()},
            "settings": {name: explanation.as_data() for name, explanation in self.settings.items()},
        }

    def lines(self, width: int = WIDTH) -> Iterator[Line]:
        """The lines that it prints as: the settings, and below each how its rule list came to it.

        Args:
            width: the columns that they should fit into.
        """
        for name, explanation in self.settings.items():
            yield self._head(name, explanation, width)
            whole = explanation.tried[0]
            if whole.key or not whole.literal:
                yield from explanation.lines(1, width)
        for setting in SETTINGS:
            if setting.name not in self.settings:
                yield self._decided(setting.name)

    def _head(self, name: str, explanation: Explanation, width: int) -> Line:
        """A setting of the decision, or the strategy that was chosen, and decides them all."""
        if hasattr(self.decision, name):
            return self._decided(name)
        return Line(0, name, value=text(explanation.value)).fitted(width)

    def _decided(self, name: str) -> Line:
        return Line(0, name, value=str(getattr(self.decision, name)).lower())

    def __str__(self) -> str:
        """A paragraph for each setting that rules decide, a line for each that is a literal."""
        return printed(self.lines())
