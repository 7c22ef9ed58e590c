"""Traps: what a rule says is not what it seems to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.findings import Finding, Severity, about
from tlspolicy.analysis.meanings import is_flag
from tlspolicy.analysis.questions import constants_tested
from tlspolicy.analysis.reasons import impossible
from tlspolicy.analysis.strangers import stranger_passing
from tlspolicy.analysis.variables import HOSTS
from tlspolicy.context import DELIVERY
from tlspolicy.errors import did_you_mean
from tlspolicy.expressions.checker import result_types
from tlspolicy.expressions.explanation import shown
from tlspolicy.expressions.nodes import (
    MILLISECONDS,
    Array,
    Binary,
    Boolean,
    Call,
    Duration,
    Global,
    Integer,
    Name,
    Node,
    String,
    Unary,
    every,
)
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.values import COMPARISONS, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.expression import Expression

_SECONDS: Final = frozenset({"expires_in", "queue_age"})
_NUMBERS: Final = frozenset({int, float})
_TEXT: Final = frozenset({str})
_OF_2008: Final = frozenset("ßς\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}")
_TRUTHS: Final = (Integer(0), Integer(1), Boolean(value=False), Boolean(value=True))


def traps(expression: Expression) -> Iterator[Finding]:
    """The traps in an expression, from left to right."""
    for node in every(expression.node):
        yield from _milliseconds(expression, node)
        yield from _negated_comparison(expression, node)
        yield from _text_and_number(expression, node)
        yield from _unknown_global(expression, node)
        yield from _constants_of_hosts(expression, node)
        yield from _strangers(expression, node)


def _milliseconds(expression: Expression, node: Node) -> Iterator[Finding]:
    """A duration that meets a number which is none of milliseconds."""
    match node:
        case Binary(operator, left, right) if operator in COMPARISONS:
            sides = [(left, right), (right, left)]
        case Call("contains", (Array(items), wanted)):
            sides = [(item, wanted) for item in items]
        case _:
            return
    for side, other in sides:
        duration = next((each for each in _added(side) if isinstance(each, Duration)), None)
        names = sorted(each.name for each in _added(other) if isinstance(each, Name))
        if duration and names:
            milliseconds = duration.count * MILLISECONDS[duration.unit]
            what = "in seconds" if names[0] in _SECONDS else "no duration"
            why = f"{printed(duration)} is {milliseconds}, in milliseconds, and {names[0]} is {what}"
            seconds = names[0] in _SECONDS and milliseconds % 1000 == 0
            mend = f"write {milliseconds // 1000}" if seconds else "write the number that is meant"
            yield about("milliseconds", Severity.ERROR, expression, duration, why, mend)
            return


def _added(node: Node) -> Iterator[Name | Duration]:
    """The integers that a sum, or a single one, is made of: what is multiplied or divided may be of another unit."""
    match node:
        case Name(name) if DELIVERY.variables.get(name) is int:
            yield node
        case Duration():
            yield node
        case Binary("+" | "-", left, right):
            yield from _added(left)
            yield from _added(right)
        case _:
            pass


def _negated_comparison(expression: Expression, node: Node) -> Iterator[Finding]:
    match node:
        case Binary(operator, Unary("!", operand) as negation, other) if operator in COMPARISONS:
            if expression.text[negation.start] == "(":
                return  # That is how to say that it is meant.
            if is_flag(operand) and other in _TRUTHS and operator in ("==", "!="):
                return  # It is the same either way.
            a, b = printed(operand), printed(other)
            why = f"this compares !{a}, which is 0 or 1, with {b}"
            mend = f"write !({a} {operator} {b}), or (!{a}) {operator} {b} if that is meant"
            yield about("negated-comparison", Severity.WARNING, expression, node, why, mend)
        case _:
            pass


def _text_and_number(expression: Expression, node: Node) -> Iterator[Finding]:
    match node:
        case Binary(operator, left, right) if operator in COMPARISONS:
            for text, other in ((left, right), (right, left)):
                of_text, of_other = result_types(text, expression.schema), result_types(other, expression.schema)
                if not isinstance(text, (Name, String)) or _is_numeric(text) or _is_negation(other):
                    continue  # What was made of a text may well be a number; and of `!` more is said elsewhere.
                if of_text == _TEXT and of_other <= _NUMBERS:
                    if isinstance(text, String):
                        why = f"{printed(text)} is no number, and is read as 0"
                    else:
                        why = f"{printed(text)} is a text, which is read as 0 unless it is written as a number"
                    wanted = f"'{other.name}'" if isinstance(other, Name) else f"'{printed(other)}'"
                    mend = f"write {wanted}, if the text is meant" if isinstance(text, Name) else "write a number"
                    yield about("text-and-number", Severity.WARNING, expression, node, why, mend)
        case _:
            pass


def _is_negation(node: Node) -> bool:
    return isinstance(node, Unary) and node.operator == "!"


def _is_numeric(text: Node) -> bool:
    """Whether a text is a literal that is written as a number."""
    return isinstance(text, String) and (number(text.value) != 0 or text.value.strip("+-0.") == "" != text.value)


def _unknown_global(expression: Expression, node: Node) -> Iterator[Finding]:
    if isinstance(node, Global) and node.name not in expression.schema.constants:
        hint = did_you_mean(node.name[1:], expression.schema.variables).removeprefix("; ").removesuffix("?")
        mend = f"{hint.replace('did you mean', 'write')}, if that is meant" if hint else "write what is meant"
        why = f"nothing supplies {node.name}: it is the integer 0"
        yield about("unknown-global", Severity.ERROR, expression, node, why, mend)


def _constants_of_hosts(expression: Expression, node: Node) -> Iterator[Finding]:
    """Constants that a variable never has: beyond ASCII; and elements of arrays that are as they can't be."""
    for variable, constant in constants_tested(node):
        value = constant.value
        domain = value.rpartition("@")[2]
        if variable in HOSTS and not domain.isascii():
            why = f"{variable} usually has the A-labels of a domain, as DNS does, and not {shown(value)}"
            label = _a_labels(domain)
            mend = f"write '{value.removesuffix(domain)}{label}'" if label else "write its A-labels"
            yield about("non-ascii-domain", Severity.WARNING, expression, constant, why, mend)
        elif _is_element(node) and (reason := impossible(variable, value)):
            yield about(reason.code, Severity.ERROR, expression, constant, reason.why, reason.mend)


def _is_element(node: Node) -> bool:
    """Whether constants are looked for among others: what is wrong with a single one has been said already."""
    return isinstance(node, Call) and isinstance(node.arguments[0], Array) and len(node.arguments[0].items) > 1


def _strangers(expression: Expression, node: Node) -> Iterator[Finding]:
    """Tests of a domain's start, end or part that somebody else's domain passes."""
    found = stranger_passing(node)
    if found:
        stranger, mend = found
        why = f"this is true of {shown(stranger)}, too"
        yield about("unanchored-domain", Severity.WARNING, expression, node, why, mend)


def _a_labels(domain: str) -> str:
    """The A-labels of a domain; `''` where Python's codec, which knows IDNA of 2003, has none, or those of another."""
    try:
        return "" if _OF_2008 & set(domain) else domain.encode("idna").decode()
    except UnicodeError:
        return ""
