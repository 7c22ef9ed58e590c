"""RuleCoverage: which rules of a policy a test run has made decide, and which parts of conditions it has tried."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import PolicyEvaluationError, printable, shortened
from tlspolicy.expressions.checker import is_constant
from tlspolicy.expressions.nodes import Call, Logical, Node, every

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlspolicy.context import DeliveryContext
    from tlspolicy.decision import TlsDecision
    from tlspolicy.explanation import PolicyExplanation
    from tlspolicy.expressions.explanation import Explanation, Part, Tried
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.rules import RuleList
    from tlspolicy.policy import TlsPolicy

_LONGEST_TEXT: Final = 100

watchers: Final[list[Callable[[RuleCoverage], None]]] = []
"""Called with each `RuleCoverage` that is made. The pytest plugin learns so of those of its run."""


@dataclass(slots=True)
class Branch:
    """An operand of `&&` or `||`, or the condition of an `if_then`, and how often it was what.

    Args:
        text: the operand, as it is written.
        true: how often it was true.
        false: how often it was false. Where another operand had decided already, it was neither.
    """

    text: str
    true: int = 0
    false: int = 0

    @property
    def missing(self) -> str:
        """What it never was: `true`, `false` or `evaluated`; `''` where nothing is missing."""
        if self.true and self.false:
            return ""
        return "false" if self.true else "true" if self.false else "evaluated"

    def count(self, *, truth: bool) -> None:
        """Count an evaluation."""
        if truth:
            self.true += 1
        else:
            self.false += 1


@dataclass(slots=True)
class CoveredRule:
    """A rule of a list, its `else`, or a setting that is a single expression, and how often it was what.

    Args:
        file: the file that it stands in, `''` where there is none.
        key: its key path, such as `queue.outbound.tls.starttls[0]`.
        text: the rule: `if … then …`, `else …`, or the expression.
        true: how often its condition was true.
        false: how often its condition was false. Only an `if` has one.
        decided: how often it gave the value of its list.
        branches: the parts of its condition, then those of its result. What is constant is none.
    """

    file: str
    key: str
    text: str
    true: int = 0
    false: int = 0
    decided: int = 0
    branches: tuple[Branch, ...] = ()

    @property
    def tried(self) -> int:
        """How often its condition was evaluated."""
        return self.true + self.false

    @property
    def identity(self) -> tuple[str, str, str]:
        """What it has in common with the same rule of a policy that was loaded once more."""
        return self.file, self.key, self.text

    @property
    def gaps(self) -> tuple[str, ...]:
        """What it never did, a line each. Of a rule that was never evaluated that is all that is said."""
        missing = [f"{self.key}: never {branch.missing}: {_line(branch.text)}" for branch in self.branches]
        parts = [line for line, branch in zip(missing, self.branches, strict=True) if branch.missing]
        if self.decided:
            return tuple(parts)
        tried = f", tried {self.tried} time{'s'[: self.tried > 1]}" if self.tried else ""
        return f"{self.key}: never fired{tried}: {_line(self.text)}", *(parts if tried else ())

    def add(self, other: CoveredRule) -> None:
        """Count what `other`, the same rule of another run or process, has counted."""
        self.true += other.true
        self.false += other.false
        self.decided += other.decided
        for branch, its in zip(self.branches, other.branches, strict=True):
            branch.true += its.true
            branch.false += its.false

    def __str__(self) -> str:
        """The key, the numbers and the rule; a line below for each branch."""
        tried = f"tried {self.tried}, true {self.true}, " if self.text.startswith("if ") else ""
        lines = [f"{self.key}: {tried}decided {self.decided}: {_line(self.text)}"]
        lines += [f"    true {branch.true}, false {branch.false}: {_line(branch.text)}" for branch in self.branches]
        return "\n".join(lines)


class _Watched(NamedTuple):
    """A rule, and its branches by the place of each: whether it is of the condition, and its range in that text."""

    rule: CoveredRule
    branches: dict[tuple[bool, int, int], Branch]


class RuleCoverage:
    """Stands in for a policy in tests, and keeps count of what its rules did.

    It counts attempts that were decided: one that raises counts for nothing. Settings that are constant have nothing to
    count. Not safe to share between threads.

    Args:
        policy: the policy.

    Attributes:
        policy: the policy.
        rules: each rule and each `else` with its numbers, in the order of the settings.
    """

    def __init__(self, policy: TlsPolicy) -> None:
        self.policy = policy
        self._watched = {name: [*_watched(rules)] for name, rules in policy.rules.items()}
        self._asks = any(rules.schema.functions for rules in policy.rules.values())
        self.rules = tuple(watched.rule for each in self._watched.values() for watched in each)
        for watch in watchers:
            watch(self)

    def evaluate(self, context: DeliveryContext) -> TlsDecision:
        """Decide as the policy's `evaluate` does, and count.

        Rules are looked at by the plain evaluator of `policy.explain`. Where that comes to a limit and the policy does
        not, the attempt is decided and not counted. Where functions were given to the policy it alone decides, so that
        none is called twice for the same answer.

        Raises:
            PolicyTypeError: `context` is no `DeliveryContext`.
            PolicyEvaluationError: as the policy raises.
        """
        if self._asks:
            return self._counted(self.policy.explain(context))
        decision = self.policy.evaluate(context)
        with suppress(PolicyEvaluationError):
            self._counted(self.policy.explain(context))
        return decision

    async def evaluate_async(self, context: DeliveryContext) -> TlsDecision:
        """Decide as `evaluate` does, and await the functions of the policy that are coroutine functions."""
        return self._counted(await self.policy.explain_async(context))

    @property
    def never_fired(self) -> tuple[str, ...]:
        """The key paths of the rules that never decided, each `else` among them; empty where every rule did."""
        return tuple(rule.key for rule in self.rules if not rule.decided)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What never happened, a line each: rules that never fired, branches that were never true or never false."""
        return tuple(gap for rule in self.rules for gap in rule.gaps)

    def report(self) -> str:
        """All numbers: a paragraph for each rule, under a line that sums them up."""
        lines = [line for rule in self.rules for line in str(rule).splitlines()]
        return "\n    ".join([summary(self.rules), *lines])

    def __str__(self) -> str:
        """The report."""
        return self.report()

    def __repr__(self) -> str:
        """A summary."""
        return f"<RuleCoverage: {summary(self.rules)}>"

    def _counted(self, explanation: PolicyExplanation) -> TlsDecision:
        for name, each in explanation.settings.items():
            if self._watched[name]:
                _count(self._watched[name], each)
        return explanation.decision


def summary(rules: Iterable[CoveredRule]) -> str:
    """`policy.toml: 3 of 4 rules fired, 5 of 6 branches were both true and false`."""
    rules = [*rules]
    branches = [branch for rule in rules for branch in rule.branches]
    name = next((rule.file for rule in rules if rule.file), "policy")
    fired = f"{sum(rule.decided > 0 for rule in rules)} of {len(rules)} rules fired"
    both = f"{sum(not branch.missing for branch in branches)} of {len(branches)} branches were both true and false"
    return f"{_line(name)}: {fired}, {both}"


def _watched(rules: RuleList) -> Iterator[_Watched]:
    """What there is to count of a list: its rules, and then what decides where none of them does."""
    for condition, result in rules.rules:
        branches = {
            **{(True, *at): branch for at, branch in _branches(condition)},
            **{(False, *at): branch for at, branch in _branches(result)},
        }
        yield _of(condition, f"if {condition.text} then {result.text}", branches)
    if rules.rules or not is_constant(rules.default.node, rules.schema):
        text = f"else {rules.default.text}" if rules.rules else rules.default.text
        yield _of(rules.default, text, {(False, *at): branch for at, branch in _branches(rules.default)})


def _of(expression: Expression, text: str, branches: dict[tuple[bool, int, int], Branch]) -> _Watched:
    place = expression.place
    key = place.key.removesuffix(".if").removesuffix(".else")
    return _Watched(CoveredRule(printable(place.file), key, text, branches=tuple(branches.values())), branches)


def _branches(expression: Expression) -> Iterator[tuple[tuple[int, int], Branch]]:
    """The branches of an expression, by their ranges in its text."""
    for node in every(expression.node):
        for operand in _truths(node):
            if not is_constant(operand, expression.schema):
                yield (operand.start, operand.end), Branch(expression.text[operand.start : operand.end])


def _truths(node: Node) -> tuple[Node, ...]:
    """The nodes below `node` of which it wants the truth, and does something else for each."""
    match node:
        case Logical(_, operands):
            return operands
        case Call("if_then", (condition, _, _)):
            return (condition,)
        case _:
            return ()


def _count(watched: list[_Watched], explanation: Explanation) -> None:
    *conditions, result = explanation.tried
    for each, tried in zip(watched, conditions, strict=False):
        if tried.value:
            each.rule.true += 1
        else:
            each.rule.false += 1
        _count_branches(each, tried, is_condition=True)
    decisive = watched[-1 if explanation.matched is None else explanation.matched]
    decisive.rule.decided += 1
    _count_branches(decisive, result, is_condition=False)


def _count_branches(watched: _Watched, tried: Tried, *, is_condition: bool) -> None:
    for part in _evaluated(tried.parts):
        branch = watched.branches.get((is_condition, part.start, part.end))
        if branch:
            branch.count(truth=bool(part.value))


def _evaluated(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        if part.value is not None:
            yield part
            yield from _evaluated(part.parts)


def _line(text: str) -> str:
    return shortened(printable(" ".join(text.split())), _LONGEST_TEXT)
