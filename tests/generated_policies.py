"""Small policies at random, and all attempts that tell their rules apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from tlspolicy import DELIVERY, DeliveryContext, Expression, TlsPolicy
from tlspolicy.analysis import analyse, compare, ways_to
from tlspolicy.analysis.ways import allows
from tlspolicy.session import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

_NUMBERS = ("retry_num", "queue_age", "priority")
_HOSTS = ("a.example", "b.example", "x.a.example", "A.example", "a.example.", "")
_PARTS = (".a.example", "a.example", "example", ".example", "x", "b")
_TELLING = (
    *("", "a.example", "b.example", "x.a.example", "xa.example", "x", "b", "bx", "c.example", "a", "zz", "example"),
    *("a.examplex", "a.example.x", ".example", ".a.example", "~", "xx.example", "b.a.example", "-"),
)
_VALUES: dict[str, Sequence[object]] = {
    "retry_num": range(5),
    "queue_age": range(5),
    "priority": range(-2, 5),
    "last_error": ("none", "tls", "dns", "io"),
    "source": ("unknown", "dsn", "report"),
    "rcpt_domain": _TELLING,
    "mx": _TELLING,
}
_INTRICATE = (
    *(r"matches('a\.example$', mx)", "rcpt_domain == mx", "retry_num * 2 > 3", "len(mx) > 3", "mx", "retry_num"),
    *("contains(recipients, 'j@a.example')", "!retry_num == 1", "(retry_num > 1) == true", "$1 == 'a'", "'x'"),
    *("eq_ignore_case(mx, 'A.Example')", "contains_ignore_case(mx, 'A.')", "retry_num + priority > 2", "true", "0"),
    *("matches('^(.)', rcpt_domain)", "hash(last_error, 'md5') == 'x'", "is_empty(mx)", "mx < last_error"),
)
_JOINED = sorted(
    {"".join(each) for number in range(4) for each in product(("z", *_PARTS), repeat=number)}, key=len
)  # Every text there is passes the same tests as one of these.
_OF_DEAD = ("dead-rule", "repeated-rule", "never-true", "capitals")
_LEVELS = (Level.CLEAR_TEXT, Level.UNVERIFIED)


@dataclass(frozen=True)
class Checked:
    """A policy, and what its analysis says of it.

    Args:
        policy: itself.
        contexts: attempts to hold the analysis to.
        exact: whether they are all that can be told apart.
    """

    policy: TlsPolicy
    contexts: tuple[DeliveryContext, ...]
    exact: bool

    @cached_property
    def reached(self) -> set[tuple[str, int]]:
        """The rules that decide one of the attempts."""
        decisions = [self.policy.evaluate(context) for context in self.contexts]
        return {(name, getattr(each.matched, name)) for each in decisions for name in self.policy.rules}

    @cached_property
    def dead(self) -> set[tuple[str, int]]:
        """The rules of which the analysis says that they decide no attempt."""
        keys = {code: {each.place.key for each in analyse(self.policy) if each.code == code} for code in _OF_DEAD}
        dead = keys["dead-rule"] | keys["repeated-rule"]
        never = keys["never-true"] | keys["capitals"]
        return {
            (name, index)
            for name, index, condition in self._rules()
            if condition.place.key in dead or (condition.place.key in never and not self._is_ever_true(condition))
        }

    def _is_ever_true(self, condition: Expression) -> bool:
        return any(condition.evaluate(context) for context in self.contexts)

    @cached_property
    def truly_dead(self) -> set[tuple[str, int]]:
        """The rules that decide no attempt."""
        return {(name, index) for name, index, _ in self._rules()} - self.reached

    def _rules(self) -> Iterator[tuple[str, int, Expression]]:
        for name, rules in self.policy.rules.items():
            yield from ((name, index, rule.condition) for index, rule in enumerate(rules.rules))


def policy(random: Random, *, intricate: bool) -> TlsPolicy:
    """A small policy."""
    return TlsPolicy(
        starttls=_rules(random, ("require", "optional", "disable"), intricate=intricate),
        allow_invalid_certs=_rules(random, ("true", "false"), intricate=intricate),
        mta_sts=random.choice(("optional", "require", _rules(random, ("require", "optional"), intricate=intricate))),
    )


def checked(random: Random, *, intricate: bool, at_random: int = 100, exactly: int = 6_000) -> Checked:
    """A small policy, with attempts: at random, and all that can be told apart, where they are not too many."""
    made = policy(random, intricate=intricate)
    contexts = [_context(random) for _ in range(at_random)]
    text = " ".join(
        expression.text
        for rules in made.rules.values()
        for rule in (*rules.rules, (rules.default,))
        for expression in rule
    )
    values = {name: _telling_texts(text) if name in ("mx", "rcpt_domain") else _VALUES[name] for name in _VALUES}
    used = [name for name in _VALUES if name in text]
    number = 1
    for name in used:
        number *= len(values[name])
    exact = not intricate and number <= exactly
    if exact:
        every: list[dict[str, Any]] = [dict(zip(used, each, strict=True)) for each in product(*map(values.get, used))]  # type: ignore[arg-type]
        contexts += [DeliveryContext(**each) for each in every]
    return Checked(made, tuple(contexts), exact)


def refuted(each: Checked, other: TlsPolicy) -> Iterator[str]:
    """What the analysis says that is not so."""
    codes = {"dead-rule", "repeated-rule"}
    findings = analyse(each.policy)
    dead = {finding.place.key for finding in findings if finding.code in codes}
    for name, rules in each.policy.rules.items():
        for index, rule in enumerate(rules.rules):
            if rule.condition.place.key in dead and (name, index) in each.reached:
                yield f"{rule.condition.place.key} is reached"
    for finding in findings:
        part = finding.source[finding.start : finding.end]
        is_element = part.startswith("'") and finding.code != "always-true"
        if finding.code in ("never-true", "always-true", "capitals") and not is_element and "$" not in part:
            parsed = Expression.parse(part, DELIVERY)
            if {bool(parsed.evaluate(context)) for context in each.contexts[:300]} != {finding.code == "always-true"}:
                yield f"{part} is not {finding.code}"
    for level in _LEVELS:
        ways = ways_to(each.policy, level)
        if ways.impossible and any(allows(each.policy.evaluate(context), level) for context in each.contexts):
            yield f"{level} is possible"
        if not all(allows(each.policy.evaluate(way.context), level) for way in ways.ways):
            yield f"a way is none to {level}"
    comparison = compare(each.policy, other)
    if comparison.equal and any(each.policy.evaluate(one) != other.evaluate(one) for one in each.contexts):
        yield "the policies are not equal"
    if any(each.policy.evaluate(one.context) == other.evaluate(one.context) for one in comparison.differences):
        yield "a difference is none"


def figures(random: Random, number: int) -> tuple[int, int]:
    """How many rules of so many policies are dead, and how many of them the analysis has found."""
    dead = found = 0
    while number:
        each = checked(random, intricate=False)
        if each.exact:
            number -= 1
            dead += len(each.truly_dead)
            found += len(each.truly_dead & each.dead)
    return dead, found


def _telling_texts(rules: str) -> list[str]:
    """A text of each kind that the tests of some rules tell apart."""
    constants = [each for each in {*_HOSTS, *_PARTS} if f"'{each}'" in rules]
    found: dict[tuple[object, ...], str] = {}
    for text in _JOINED:
        said = [(text == each, text.startswith(each), text.endswith(each), each in text) for each in constants]
        found.setdefault(tuple(said), text)
    return list(found.values())


def _rules(random: Random, results: Sequence[str], *, intricate: bool) -> list[dict[str, str]]:
    rules = [
        {"if": _condition(random, 2, intricate=intricate), "then": random.choice(results)}
        for _ in range(random.randrange(1, 5))
    ]
    return [*rules, {"else": random.choice(results)}]


def _condition(random: Random, depth: int, *, intricate: bool) -> str:
    kind = random.random() if depth else 0
    parts = [f"({_condition(random, depth - 1, intricate=intricate)})" for _ in range(3 if depth else 0)]
    if kind < 0.4:
        return _atom(random, intricate=intricate)
    if kind < 0.85:
        return (" && " if kind < 0.65 else " || ").join(parts[: random.randrange(2, 4)])
    if kind < 0.93 or not intricate:
        return f"!{parts[0]}"
    return f"{parts[0]} ^ {parts[1]}" if kind < 0.97 else f"if_then({', '.join(parts)})"


def _atom(random: Random, *, intricate: bool) -> str:
    pick = random.choice
    order = pick(("==", "!=", "<", "<=", ">", ">="))
    host = pick(("rcpt_domain", "mx"))
    made = [
        f"{pick(_NUMBERS)} {order} {pick(('0', '1', '2', '3', '1.5', '-1'))}",
        f"{pick(('last_error', 'source'))} {pick(('==', '!='))} '{pick(('tls', 'none', 'dns', 'TLS', 'dsn', 'unknown'))}'",
        f"{host} {pick(('==', '!='))} '{pick(_HOSTS)}'",
        f"{pick(('starts_with', 'ends_with', 'contains'))}({host}, '{pick(_PARTS)}')",
        f"contains([{', '.join(repr(pick(_HOSTS)) for _ in range(random.randrange(1, 4)))}], {host})",
        f"contains([{', '.join(pick('0123') for _ in range(random.randrange(1, 4)))}], retry_num)",
    ]
    return pick(_INTRICATE) if intricate and random.random() < 0.25 else pick(made)


def _context(random: Random) -> DeliveryContext:
    fields: dict[str, Any] = {name: random.choice(values) for name, values in _VALUES.items()}
    if random.random() < 0.2:
        fields["recipients"] = ("j@a.example",)
    return DeliveryContext(**fields)
