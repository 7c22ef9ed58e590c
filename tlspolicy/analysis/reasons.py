"""Reasons why a condition is true for every attempt, or for none: the sentences of a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.analysis.questions import compared, constants_tested
from tlspolicy.analysis.variables import HOSTS, LISTED, NATURAL
from tlspolicy.errors import did_you_mean, listed
from tlspolicy.expressions.explanation import shown
from tlspolicy.expressions.nodes import Node, String

if TYPE_CHECKING:
    from tlspolicy.expressions.values import Value

_LOWER: Final = HOSTS | {"recipients"}


class Reason(NamedTuple):
    """The code of a finding, why, and how to mend it."""

    code: str
    why: str
    mend: str


def never(node: Node) -> Reason:
    """Why `node` is true for no attempt."""
    reason = _of_constants(node)
    return reason or Reason("never-true", "no attempt makes this true", "mend the condition, or leave it out")


def always(node: Node) -> Reason:
    """Why `node` is true for every attempt."""
    if isinstance(node, String):
        return Reason("always-true", "a text is always true", "leave out its quotes, if it is meant as a condition")
    reason = _of_constants(node)
    why = f"every attempt makes this true{f', since {reason.why}' if reason else ''}"
    mend = reason.mend if reason else "mend the condition, or leave it out"
    return Reason("always-true", why, mend)


def _of_constants(node: Node) -> Reason | None:
    """Why what `node` looks for is not to be found."""
    looked_for = [(variable, constant.value) for variable, constant in constants_tested(node)]
    number = compared(node)
    found = (impossible(*each) for each in ([number] if number else looked_for))
    return next(filter(None, found), None)


def impossible(variable: str, value: Value) -> Reason | None:
    """Why a variable never has a value; `None` where it may."""
    if isinstance(value, str) and variable in LISTED and value not in LISTED[variable]:
        hint = did_you_mean(value, LISTED[variable]).removeprefix("; ").removesuffix("?").removeprefix("did you mean ")
        known = listed(LISTED[variable])
        mend = f"write {hint}" if hint else "write one of these"
        return Reason("never-true", f"{variable} is never {shown(value)}: it is {known}", mend)
    if isinstance(value, str) and variable in _LOWER and value != value.lower():
        why = f"{variable} is in lower case, and never {shown(value)}"
        return Reason("capitals", why, f"write {shown(value.lower())}")
    if isinstance(value, str) and variable in _LOWER and value.endswith("."):
        why = f"{variable} has no dot at its end, and is never {shown(value)}"
        bare = value.rstrip(".")
        return Reason("never-true", why, f"write {shown(bare)}" if bare else "write what it should be")
    if isinstance(value, (int, float)) and value <= 0 and variable in NATURAL:
        return Reason("never-true", f"{variable} is never below 0", "compare it with a number above 0, or leave it out")
    return None
