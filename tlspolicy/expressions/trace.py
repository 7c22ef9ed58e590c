"""The steps of an evaluation, put together again as the expression is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlspolicy.expressions.explanation import Part, Tried
from tlspolicy.expressions.nodes import (
    Array,
    Boolean,
    Call,
    Duration,
    Float,
    Integer,
    Name,
    Node,
    String,
    Unary,
    children,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.scope import Step


def traced(key: str, text: str, node: Node, steps: Sequence[Step], schema: Schema) -> Tried:
    """What the evaluation of an expression has to tell.

    Args:
        key: which expression of its list it is.
        text: what is written.
        node: its tree.
        steps: what was evaluated of it, itself the last.
        schema: what its names mean.
    """
    value = steps[-1].value
    tracer = _Tracer(text, {id(step.node): step for step in steps}, schema)
    return Tried(key, text, value, tracer.captures(node), tracer.parts(node), is_literal(node, schema))


def is_literal(node: Node, schema: Schema) -> bool:
    """Whether the value of `node` is what is written: a literal, the name of a constant, or an array of them."""
    match node:
        case Integer() | Float() | Duration() | Boolean() | String():
            return True
        case Unary("-", Integer() | Float()):
            return True
        case Name(name):
            return name in schema.constants
        case Array(items):
            return all(is_literal(item, schema) for item in items)
        case _:
            return False


class _Tracer:
    """Knows the step of each node that was evaluated: no node stands in a tree twice."""

    def __init__(self, text: str, steps: Mapping[int, Step], schema: Schema) -> None:
        self._text = text
        self._steps = steps
        self._schema = schema

    def parts(self, node: Node) -> tuple[Part, ...]:
        """The parts of what was evaluated."""
        return tuple([self._part(child) for child in children(node) if self._tells(child)])

    def captures(self, node: Node) -> tuple[str, ...] | None:
        """What a `matches` that was evaluated has captured."""
        return self._steps[id(node)].captures if isinstance(node, Call) and node.function == "matches" else None

    def _tells(self, node: Node) -> bool:
        """Whether the value of `node` is not what is written; that of a duration is its milliseconds."""
        return isinstance(node, Duration) or not is_literal(node, self._schema)

    def _part(self, node: Node) -> Part:
        step = self._steps.get(id(node))
        if step is None:
            return Part(self._text, node.start, node.end, None, None, ())
        return Part(self._text, node.start, node.end, step.value, self.captures(node), self.parts(node))
