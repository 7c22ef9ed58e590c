"""Strangers: domains that pass a test which was written for another domain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.examples import example_of
from tlspolicy.analysis.questions import only_variable, value_with
from tlspolicy.analysis.variables import ADDRESSES, DOMAINS
from tlspolicy.expressions.nodes import Call, Node, String

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANYBODY: Final = "stranger.test"
_LABELS: Final = 2
_BARE_DOT: Final = r"(?<!\\)\.(?![*+?{])"  # One that a pattern's author most likely meant as a dot.


def stranger_passing(node: Node) -> tuple[str, str] | None:
    """A domain or address of a stranger's that passes a test of one, and how to mend that; `None` where there is none.

    It is one that a stranger can register or name: with more letters before the domain that is tested for, or with
    another domain after it. A test that any domain passes is not meant to tell domains apart.
    """
    variable = only_variable(node)
    if variable not in DOMAINS | ADDRESSES:
        return None
    wanted = _wanted(node)
    at = "jane@" if variable in ADDRESSES else ""
    labels = [label for label in wanted.rpartition("@")[2].split(".") if label]
    if len(labels) < _LABELS or "".join(labels).isdigit() or _passes(node, variable, at + _ANYBODY):
        return None  # No name, an address of digits, or a test that any domain passes.
    domain = ".".join(labels[-_LABELS:])
    for stranger in _longer(at, wanted, domain):
        if _passes(node, variable, stranger):
            return stranger, _mend(node, variable, wanted, ".".join(labels))
    return None


def _wanted(node: Node) -> str:
    """What is looked for; `''` where that is not to be seen."""
    match node:
        case Call("starts_with" | "ends_with" | "contains" | "contains_ignore_case", (_, String(value))):
            return value.lower()
        case Call("matches", (String(pattern), _)):
            return example_of(re.sub(_BARE_DOT, r"\.", pattern)).lower()
        case _:
            return ""


def _longer(at: str, wanted: str, domain: str) -> Iterator[str]:
    yield f"{at}stranger{domain}"
    yield f"{at}mx1.stranger{domain}"
    whole = wanted.lstrip(".@").rstrip(".")
    before = "" if "@" in whole else at
    yield f"{before}{whole}.{_ANYBODY}"
    yield f"{before}mx1.{whole}.{_ANYBODY}"


def _passes(node: Node, variable: str, value: str) -> bool:
    return bool(value_with(node, variable, value))


def _mend(node: Node, variable: str, wanted: str, domain: str) -> str:
    if isinstance(node, Call) and node.function == "matches":
        return r"begin the pattern with '^' or '\.', end it with '$', and write each dot as '\.'"
    if variable not in ADDRESSES:
        return f"write ({variable} == '{domain}' || ends_with({variable}, '.{domain}'))"
    whole = "@" in wanted.lstrip("@")
    return f"write {variable} == '{wanted}'" if whole else f"write ends_with({variable}, '@{domain}')"
