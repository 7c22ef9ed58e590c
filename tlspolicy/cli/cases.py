"""Which texts a policy's rules look for: the attempts that differ from any other in a domain, a host or the like."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain, islice, product
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.analysis.examples import example_of
from tlspolicy.cli.contents import expressions
from tlspolicy.context import DeliveryContext
from tlspolicy.errors import PolicyError
from tlspolicy.expressions.nodes import Array, Binary, Call, Logical, Name, Node, String, children
from tlspolicy.expressions.printer import printed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from tlspolicy.expressions.expression import Expression
    from tlspolicy.policy import TlsPolicy

_LOOKING: Final = frozenset({"contains", "contains_ignore_case", "starts_with", "ends_with", "eq_ignore_case"})
_MOST_COMBINED: Final = 64

# What a text that begins or ends so is a part of.
_BEFORE: Final = {".": "host", "@": "someone"}
_AFTER: Final = {".": "example", "@": "example.org"}


@dataclass(frozen=True, slots=True)
class Case:
    """An attempt of which rules say something of its own.

    Args:
        conditions: what is true of it, each in the language of the rules; some at once where a rule asks for them all.
        fields: an attempt of which they are true.
    """

    conditions: tuple[str, ...] = ()
    fields: Mapping[str, object] = field(default_factory=dict)


def cases(policy: TlsPolicy, given: Collection[str]) -> Iterator[Case]:
    """The cases of a policy, in the order of its rules: each condition on a text alone, then those of a rule together.

    What a condition asks of a text that is calculated, or that no simple text answers to, is no case.

    Args:
        policy: whose rules.
        given: variables that conditions are not to be met of, as they are known already.
    """
    seen: set[tuple[str, ...]] = set()
    for expression in expressions(policy):
        for case in _cases(expression.node, expression, given):
            if case.conditions and case.conditions not in seen:
                seen.add(case.conditions)
                yield case


def _cases(node: Node, expression: Expression, given: Collection[str]) -> Iterable[Case]:
    """The cases that a part of an expression speaks of."""
    if (found := list(_conditions(node))) or isinstance(node, (Name, String)):
        return [case for each in found for case in _met(*each, expression, given)]
    parts = [list(_cases(child, expression, given)) for child in children(node)]
    alone = list(chain.from_iterable(parts))
    if isinstance(node, Logical) and node.operator == "&&":
        together = product(*filter(None, parts))
        return [*alone, *map(_combined, islice(together, _MOST_COMBINED))]
    return alone


def _combined(parts: Iterable[Case]) -> Case:
    """All of some cases at once, but for those that speak of what another speaks of already."""
    made = Case()
    for part in parts:
        if not part.fields.keys() & made.fields.keys():
            made = Case((*made.conditions, *part.conditions), {**made.fields, **part.fields})
    return made


def _conditions(node: Node) -> Iterator[tuple[Node, str, str]]:
    """What a condition asks of a variable: the condition, the variable, and a text that it may be true of."""
    match node:
        case Binary("==" | "!=", Name(name), String(text)) | Binary("==" | "!=", String(text), Name(name)):
            yield Binary("==", Name(name), String(text)), name, text
        case Call("contains", (Array(items), Name(name))):
            for item in items:
                if isinstance(item, String):
                    yield Binary("==", Name(name), item), name, item.value
        case Call(function, (Name(name), String(text))) if function in _LOOKING:
            yield node, name, _BEFORE.get(text[:1], "") + text + _AFTER.get(text[-1:], "")
        case Call("matches", (String(pattern), Name(name))):
            yield node, name, example_of(pattern)
        case _:
            pass


def _met(condition: Node, name: str, text: str, expression: Expression, given: Collection[str]) -> Iterator[Case]:
    """The case of a condition, if a text meets it and nothing else is known of the variable."""
    kind = expression.schema.variables.get(name)
    if name in given or name == "last_error" or kind not in {str, tuple}:
        return
    fields: dict[str, Any] = {name: text if kind is str else (text,)}
    try:
        if replace(expression, node=condition).evaluate(DeliveryContext(**fields)):
            yield Case((printed(condition),), fields)
    except PolicyError:  # There is no such attempt.
        return
