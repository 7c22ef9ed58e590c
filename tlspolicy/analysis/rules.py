"""Rules that can't do what they seem to: never the first to match, or with conditions that are always or never true."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis import reasons
from tlspolicy.analysis.branches import takes_truth
from tlspolicy.analysis.findings import Finding, Severity, Undecided, about
from tlspolicy.analysis.formulas import Box, Effort, Formula, TooMuchError, model
from tlspolicy.analysis.meanings import conditions_in
from tlspolicy.analysis.questions import Other, asks, is_pure, truth_of_constant
from tlspolicy.analysis.space import Flag, Space
from tlspolicy.analysis.witness import witness
from tlspolicy.errors import listed
from tlspolicy.expressions.nodes import Call, Logical, every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.analysis.branches import Branches
    from tlspolicy.context import DeliveryContext
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.nodes import Node
    from tlspolicy.policy import TlsPolicy

_EFFORT: Final = 50_000
_COVERING: Final = 8
_MOST_LISTED: Final = 5


def _is_chosen_constant(node: Node, part: Node) -> bool:
    """Whether a part of an `if_then` is one of the constants that this chooses from: those are meant as they are."""
    return isinstance(node, Call) and part is not node.arguments[0] and truth_of_constant(part) is not None


@dataclass(frozen=True, slots=True)
class RuleChecks:
    """Looks at the rules of one list.

    Args:
        space: of the whole policy.
        branches: the list.
        policy: confirms what was found; `None` where to evaluate it would ask the world.
        effort: what all may take together.
        guesses: what all may spend on guesses at attempts.
    """

    space: Space
    branches: Branches
    policy: TlsPolicy | None
    effort: Effort
    guesses: Effort

    def findings(self) -> Iterator[Finding | Undecided]:
        """What there is to say of the rules, in their order.

        Raises:
            TooMuchError: there is no effort left.
        """
        first: dict[Node, int] = {}
        for index, rule in enumerate(self.branches.rules.rules):
            said = list(self._constant_part(rule.condition, rule.condition.node))
            yield from said
            earlier = first.setdefault(rule.condition.node, index)
            if earlier != index and is_pure(rule.condition.node):
                yield self._repeated(index, earlier)
            else:
                yield from self._dead(index, is_said=bool(said))
            yield from self._constant_parts_of_result(rule.result)
        yield from self._constant_parts_of_result(self.branches.rules.default)

    def _model(self, formulas: list[Formula]) -> Box | None:
        """Where all of these are true.

        Raises:
            TooMuchError: it takes too much effort.
        """
        limited = Effort(min(_EFFORT, self.effort.left))
        before = limited.left
        try:
            return model([*formulas, *self.space.axioms_of(formulas)], self.space.full, limited)
        finally:
            self.effort.spend(before - max(0, limited.left))

    def _repeated(self, index: int, earlier: int) -> Finding:
        condition = self.branches.rules.rules[index].condition
        why = f"rule {index} is never reached: its condition is that of rule {earlier}"
        related = (self.branches.rules.rules[earlier].condition.place,)
        mend = "leave it out" if self._may_go(index) else "mend its condition"
        return about("repeated-rule", Severity.ERROR, condition, condition.node, why, mend, related=related)

    def _dead(self, index: int, *, is_said: bool) -> Iterator[Finding | Undecided]:
        rule = self.branches.rules.rules[index]
        wanted = self.branches.conditions[index].true
        before = self.branches.before(index)
        try:
            start = self._model([wanted, *self.space.answers_of([wanted])]) or self._model([wanted])
            if start is None:
                if not is_said:  # A condition that depends on its place is looked at here alone.
                    code, why, mend = reasons.never(rule.condition.node)
                    yield about(code, Severity.ERROR, rule.condition, rule.condition.node, why, mend)
                return
            if self._is_reached(index, start, Effort(0)):
                return
            found = self._model([wanted, *[self.branches.conditions[number].false for number in before]])
            if found is None:
                yield self._covered(index, self._covering(wanted, before))
            elif self._is_doubtful(found) and not self._is_reached(index, found, self.guesses):
                yield Undecided(
                    rule.condition.place, f"it is not known whether rule {index} is ever the first to match"
                )
        except TooMuchError:
            self._give_up_if_spent()
            yield Undecided(rule.condition.place, f"rule {index} is too intricate to know whether it is ever reached")

    def _covered(self, index: int, covering: list[int]) -> Finding:
        rules = self.branches.rules.rules
        condition = rules[index].condition
        named = [str(number) for number in covering[:_MOST_LISTED]] + ["another"] * (len(covering) > _MOST_LISTED)
        why = f"rule {index} is never reached: wherever it is true, so is rule {listed(named)}"
        first = f"rule {covering[0]}" if len(covering) == 1 else "them"
        mend = f"put it before {first}, {'or leave it out' if self._may_go(index) else 'or mend its condition'}"
        related = tuple(rules[number].condition.place for number in covering)
        return about("dead-rule", Severity.ERROR, condition, condition.node, why, mend, related=related)

    def _may_go(self, index: int) -> bool:
        """Whether a rule may be left out that is never reached: to try it has no effect on those after it."""
        rules = self.branches.rules
        tried = every(rules.rules[index].condition.node)
        if any(asks(node) for node in tried):
            return False
        sets_captures = any(isinstance(node, Call) and node.function == "matches" for node in tried)
        after = (*chain.from_iterable(rules.rules[index + 1 :]), rules.default)
        return not sets_captures or all(is_pure(expression.node) for expression in after)

    def _covering(self, wanted: Formula, before: list[int]) -> list[int]:
        """Some of the rules before that together leave nothing to a condition: a single one, if there is one."""
        conditions = self.branches.conditions
        for number in before:
            if self._model([wanted, conditions[number].false]) is None:
                return [number]
        needed = [number for number in before if self._model([wanted, conditions[number].true]) is not None]
        for number in needed[::-1] if len(needed) <= _COVERING * 4 else ():
            fewer = [other for other in needed if other != number]
            if self._model([wanted, *[conditions[other].false for other in fewer]]) is None:
                needed = fewer
        return needed

    def _is_doubtful(self, box: Box) -> bool:
        """Whether it depends on a question, of which no more is known, that there is an attempt in `box`."""
        return any(
            isinstance(dimension, Flag) and isinstance(dimension.question, Other) and cells in (1, 2)
            for dimension, cells in zip(self.space.dimensions, box, strict=True)
        )

    def _is_reached(self, index: int, box: Box, guesses: Effort) -> bool:
        """Whether there is an attempt in `box` that the policy says to be decided by a rule."""
        policy = self.policy
        if policy is None:
            return False

        def decides(context: DeliveryContext) -> bool:
            name = self.branches.name if self.branches.name != "strategy" else "starttls"
            return bool(getattr(policy.evaluate(context).matched, name) == index)

        return witness(self.space, box, decides, guesses) is not None

    def _constant_parts_of_result(self, result: Expression) -> Iterator[Finding]:
        """Of the conditions in a result: those of `if_then`, and the result itself where its truth counts."""
        nodes = [result.node]
        for node in nodes:
            match node:
                case Call("if_then", (condition, then, otherwise)):
                    yield from self._constant_part(result, condition)
                    nodes += [then, otherwise]
                case _ if takes_truth(self.branches.name, node, result.schema) and truth_of_constant(node) is None:
                    yield from self._constant_part(result, node)
                case _:
                    pass

    def _constant_part(self, expression: Expression, node: Node) -> Iterator[Finding]:
        """The parts of a condition that are always or never true; where the whole is, what makes it so."""
        try:
            constant = self._constant_truth(node)
        except TooMuchError:
            self._give_up_if_spent()
            return
        if constant is None:
            for part in conditions_in(node):
                if not _is_chosen_constant(node, part):
                    yield from self._constant_part(expression, part)
            return
        for culprit in self._culprits(node, constant):
            code, why, mend = reasons.always(culprit) if constant else reasons.never(culprit)
            yield about(code, Severity.WARNING if constant else Severity.ERROR, expression, culprit, why, mend)

    def _constant_truth(self, node: Node) -> bool | None:
        """The truth of a condition that has the same for every attempt, as far as can be known."""
        if not is_pure(node):
            return None
        meaning = self.space.reader().meaning(node)
        if self._model([meaning.true]) is None:
            return False
        return True if self._model([meaning.false]) is None else None

    def _culprits(self, node: Node, truth: bool) -> Iterator[Node]:  # noqa: FBT001
        """The parts of a condition that make it always, or never, true: one that does by itself, or all together."""
        match node:
            case Logical(operator, operands) if truth is (operator == "||"):
                alone = next((operand for operand in operands if self._constant_truth(operand) is truth), None)
                yield from [node] if alone is None else self._culprits(alone, truth)
            case Logical(_, operands):
                for operand in operands:
                    yield from self._culprits(operand, truth)
            case _:
                yield node

    def _give_up_if_spent(self) -> None:
        """Raise `TooMuchError` where no effort is left for anything else."""
        if self.effort.left <= 0:
            raise TooMuchError
