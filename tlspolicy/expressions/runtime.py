"""What compiled rules call, beside the functions of the language."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from tlspolicy.expressions import evaluator

if TYPE_CHECKING:
    from tlspolicy.expressions.nodes import Node
    from tlspolicy.expressions.scope import Scope
    from tlspolicy.expressions.values import Value


class UnusualError(Exception):
    """A context is none for which the rules were compiled: the evaluator must look at it."""


def is_text(text: str) -> bool:
    """Whether a text has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(node: Node, scope: Scope, groups: tuple[str, ...] = ()) -> Value:
    """What the evaluator gives for a node, where these are the captures."""
    scope.captures = groups
    return evaluator.evaluate(node, scope)


def search_in(pattern: str, subject: Value, scope: Scope) -> tuple[str, ...]:
    """The captures of a search that is counted; nothing where it finds nothing."""
    evaluator.matches(pattern, subject, scope)
    return scope.captures


def captured(groups: tuple[str, ...], number: int) -> str:
    """A capture, `''` where there is none of that number."""
    return groups[number] if number < len(groups) else ""


def too_long() -> NoReturn:
    """Leave a context to the evaluator, for a text in it."""
    raise UnusualError
