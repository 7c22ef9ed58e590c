"""A policy as branches: which outcomes each of its settings may have, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.analysis.formulas import FALSE, TRUE, Box, projection, size
from tlspolicy.analysis.meanings import Meaning, Reader, both
from tlspolicy.analysis.questions import asks
from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.expressions.checker import is_constant, result_types
from tlspolicy.expressions.evaluator import evaluate
from tlspolicy.expressions.nodes import Call, Node, every
from tlspolicy.expressions.scope import Scope
from tlspolicy.settings import SETTINGS, Setting
from tlspolicy.strategies import Strategy, choice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.rules import RuleList
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.policy import TlsPolicy

_ALWAYS: Final = Meaning(TRUE, FALSE)
_NOTHING_KNOWN: Final = DeliveryContext()
_MANY: Final = 8


class Unknown(NamedTuple):
    """An outcome that nothing is known of but the expression that gives it."""

    result: Node


class Branch(NamedTuple):
    """What a setting is where no branch before applies, and its condition is true.

    Args:
        condition: where it applies.
        outcome: what the setting then is, as `TlsDecision` has it; a whole `TlsDecision` where the rules choose a
            strategy; or `Unknown`.
        rule: the index of its rule; `None` for the `else`.
    """

    condition: Meaning
    outcome: object
    rule: int | None


@dataclass(frozen=True)
class Branches:
    """A setting's rule list.

    Args:
        name: the setting's name.
        rules: the list itself.
        branches: tried in order; the last one applies everywhere.
        conditions: where each rule's condition is true.
        full: the box of all attempts.
    """

    name: str
    rules: RuleList
    branches: tuple[Branch, ...]
    conditions: tuple[Meaning, ...]
    full: Box

    def before(self, rule: int) -> list[int]:
        """The rules before one that may apply to an attempt to which it does, as far as one dimension shows."""
        if not self._masks:
            return list(range(rule))
        masks = self._rule_masks
        return [number for number, mask in enumerate(masks[:rule]) if mask & masks[rule]]

    @cached_property
    def sizes(self) -> list[int]:
        """What it takes to look at each branch."""
        return [size(branch.condition.true) for branch in self.branches]

    @cached_property
    def _rule_masks(self) -> list[int]:
        return [projection(condition.true, self._pivot, self.full) for condition in self.conditions]

    def near(self, box: Box, start: int) -> Iterator[int]:
        """The branches from `start` on that may apply to an attempt in `box`, as far as one dimension shows."""
        masks = self._masks
        if not masks:
            yield from range(start, len(self.branches))
            return
        cells = box[self._pivot]
        for number in range(start, len(masks)):  # pragma: no branch (who asks stops at the last, which applies)
            if masks[number] & cells:
                yield number

    @cached_property
    def _pivot(self) -> int:
        """The dimension that has the most cells."""
        return max(range(len(self.full)), key=lambda number: self.full[number].bit_count())

    @cached_property
    def _masks(self) -> list[int]:
        """The cells of that dimension in which each branch may apply; none where that is not worth while."""
        if not self.full or len(self.branches) < _MANY:
            return []
        return [projection(branch.condition.true, self._pivot, self.full) for branch in self.branches]


MAX_RULES: Final = 2_000
"""How many rules a policy may have of which all is asked."""


def is_large(policy: TlsPolicy) -> bool:
    """Whether a policy has more than `MAX_RULES`."""
    return sum(len(rules.rules) for rules in policy.rules.values()) > MAX_RULES


def read(policy: TlsPolicy, reader: Reader, full: Box = ()) -> tuple[Branches, ...]:
    """The rule lists of a policy; `full` is the box of all attempts."""
    chosen = choice(tuple([Strategy(*each) for each in policy.strategies.items()]))
    settings = {setting.name: setting for setting in (*SETTINGS, chosen)}
    return tuple([_Lists(rules, settings[name], reader, full).branches() for name, rules in policy.rules.items()])


@dataclass(frozen=True, slots=True)
class _Lists:
    """Reads a rule list."""

    rules: RuleList
    setting: Setting
    reader: Reader
    full: Box

    def branches(self) -> Branches:
        found: list[Branch] = []
        conditions: list[Meaning] = []
        for index, rule in enumerate(self.rules.rules):
            conditions.append(self.reader.meaning(rule.condition.node))
            found += self._of_result(conditions[-1], rule.result.node, index)
        found += self._of_result(_ALWAYS, self.rules.default.node, None)
        return Branches(self.setting.name, self.rules, tuple(found), tuple(conditions), self.full)

    def _of_result(self, condition: Meaning, result: Node, rule: int | None) -> list[Branch]:
        match result:
            case Call("if_then", (asked, then, otherwise)):
                narrower = both(condition, self.reader.meaning(asked))
                return [*self._of_result(narrower, then, rule), *self._of_result(condition, otherwise, rule)]
            case _ if is_constant(result, DELIVERY):
                outcome = self.setting.convert(evaluate(result, Scope(DELIVERY, _NOTHING_KNOWN)))
                return [Branch(condition, outcome, rule)]
            case _ if takes_truth(self.setting.name, result, self.rules.schema):
                true = Branch(both(condition, self.reader.meaning(result)), outcome=True, rule=rule)
                return [true, Branch(condition, outcome=False, rule=rule)]
            case _:
                return [Branch(condition, Unknown(result), rule)]


def takes_truth(setting: str, result: Node, schema: Schema) -> bool:
    """Whether a setting is the truth of a result: a flag is, of what can be no text."""
    return setting == "allow_invalid_certs" and str not in result_types(result, schema)


def asks_nobody(policy: TlsPolicy) -> bool:
    """Whether no rule of a policy calls a function of its user's: to evaluate it then has no effects."""
    lists = [rules for rules in policy.rules.values() if rules.schema.functions]
    expressions = (each for rules in lists for each in (*chain.from_iterable(rules.rules), rules.default))
    return not any(asks(node) for expression in expressions for node in every(expression.node))
