"""What tests of the analysis draw, conditions and delivery attempts, and where in a space an attempt is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tlspolicy import DELIVERY, DeliveryContext, Expression, LastError
from tlspolicy.analysis.questions import Other, Question, Recipient, Text, is_pure
from tlspolicy.analysis.space import Flag, Numbers, Space, Texts, Words
from tlspolicy.context import SOURCES
from tlspolicy.expressions.evaluator import EvaluationProblem, evaluate
from tlspolicy.expressions.nodes import (
    Array,
    Binary,
    Boolean,
    Call,
    Capture,
    Float,
    Integer,
    Logical,
    Name,
    String,
    Unary,
)
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.values import COMPARISONS, INT_MAX, INT_MIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hypothesis.strategies import SearchStrategy

    from tlspolicy.analysis.formulas import Box
    from tlspolicy.analysis.meanings import Meaning
    from tlspolicy.expressions.nodes import Node
    from tlspolicy.expressions.scope import Step

NO, YES, EITHER = 0b01, 0b10, 0b11

_INTEGERS = ["retry_num", "priority", "expires_in"]
_TEXTS = ["mx", "rcpt", "rcpt_domain", "last_status", "remote_ip"]
_LISTED = ["last_error", "source"]
# So few that conditions meet: they imply, repeat and exclude one another.
_SOME_TEXTS = ["", "a", "b", "ab", "a.b", ".a", "b.", "a@b", "A", "É", "tls", "dane", "0", "1", "::1"]
_NUMBERS = [Integer(0), Integer(1), Integer(2), Float(1.5), Float(2.0), Unary("-", Integer(1)), Integer(INT_MAX)]
_PATTERNS = ["", "a", "^a", r"b\.?$", "^(.)(.*)$", "(?i)A|(tls)", "[01]+"]


def parsed(text: str) -> Node:
    """The tree of an expression over a delivery attempt."""
    return Expression.parse(text, DELIVERY).node


def space_of(*nodes: Node) -> tuple[Space, list[Meaning]]:
    """The space that some conditions make together, and what each of them means in it."""
    space = Space.of(lambda reader: [reader.meaning(node) for node in nodes])
    reader = space.reader()
    return space, [reader.meaning(node) for node in nodes]


def point(space: Space, context: DeliveryContext, steps: Sequence[Step] = ()) -> Box:
    """The box of an attempt: a single cell of each dimension, but of questions to which there is no answer.

    Args:
        space: what the box is of.
        context: the attempt.
        steps: of an evaluation with it. Questions that depend on where they stand have no answer elsewhere.
    """
    values = {id(step.node): step.value for step in steps}

    def answer(question: Question) -> int:
        match question:
            case Text(variable, test):
                return YES if test.holds(getattr(context, variable)) else NO
            case Recipient(address):
                return YES if address in context.recipients else NO
            case Other(node) if id(node) in values:
                return YES if values[id(node)] else NO
            case Other(node) if is_pure(node):
                try:
                    return YES if evaluate(node, Scope(DELIVERY, context)) else NO
                except EvaluationProblem:
                    return EITHER
            case _:
                return EITHER

    def cells(dimension: Any) -> int:
        match dimension:
            case Flag(question):
                return answer(question)
            case Numbers(variable, ranges):
                inside = [first <= getattr(context, variable) <= last for first, last in ranges]
            case Words(variable, known):
                inside = [value == getattr(context, variable) for value in known]
            case Texts(variable, found, masks):
                holding = {test: test.holds(getattr(context, variable)) for test in masks}
                inside = [
                    all(bool(mask >> cell & 1) is holding[test] for test, mask in masks.items())
                    for cell in range(len(found))
                ]
        (cell,) = [cell for cell, is_in in enumerate(inside) if is_in]
        return 1 << cell

    return tuple(map(cells, space.dimensions))


def attempts() -> SearchStrategy[DeliveryContext]:
    """Delivery attempts, mostly of values that `conditions` tells apart."""
    texts = st.sampled_from(_SOME_TEXTS) | st.text("ab.@", max_size=4)
    naturals = st.integers(0, 3) | st.just(INT_MAX)
    return st.builds(
        DeliveryContext,
        **dict.fromkeys(["mx", "rcpt", "rcpt_domain", "last_status", "remote_ip"], texts),
        recipients=st.lists(st.sampled_from(_SOME_TEXTS), max_size=2).map(tuple),
        retry_num=naturals,
        expires_in=naturals,
        priority=st.integers(-2, 3) | st.sampled_from([INT_MIN, INT_MAX]),
        last_error=st.sampled_from(list(LastError)),
        source=st.sampled_from(SOURCES),
    )


def conditions(*, pure: bool = False, max_leaves: int = 5) -> SearchStrategy[Node]:
    """Conditions over a delivery attempt, of all kinds that the analysis tells apart; if `pure`, without captures."""
    atoms = _atoms() if pure else _atoms() | st.builds(Binary, _operators(), _captures(), _texts())
    return st.recursive(atoms, _joined, max_leaves=max_leaves).map(lambda node: parsed(printed(node)))


def _atoms() -> SearchStrategy[Node]:
    names = st.sampled_from([*_INTEGERS, *_TEXTS, *_LISTED]).map(Name)
    of_text = st.sampled_from([*_TEXTS, *_LISTED]).map(Name)
    tested = of_text | of_text.map(lambda name: Call("to_lowercase", (name,)))
    parts = st.sampled_from(["starts_with", "ends_with", "contains", "contains_ignore_case", "eq_ignore_case"])
    constants = _texts() | st.sampled_from(_NUMBERS)
    return st.one_of(
        st.builds(Binary, _operators(), names, constants),
        st.builds(Binary, _operators(), constants, names),
        st.builds(Binary, _operators(), names, names),
        st.builds(lambda function, *two: Call(function, two), parts, tested, _texts()),
        st.builds(lambda *parts: _contains(Array(parts[:-1]), parts[-1]), constants, constants, names),
        st.builds(lambda name: _contains(Array(()), name), names),
        st.builds(_contains, st.just(Name("recipients")), constants),
        st.builds(lambda pattern, name: Call("matches", (String(pattern), name)), st.sampled_from(_PATTERNS), names),
        st.builds(lambda function, name: Call(function, (name,)), st.sampled_from(["is_empty", "len", "count"]), names),
        names | st.just(Name("recipients")) | st.booleans().map(Boolean),
    )


def _joined(operands: SearchStrategy[Node]) -> SearchStrategy[Node]:
    return st.one_of(
        st.builds(Logical, st.sampled_from(["&&", "||"]), st.lists(operands, min_size=2, max_size=3).map(tuple)),
        st.builds(Unary, st.just("!"), operands),
        st.builds(Binary, st.just("^"), operands, operands),
        st.builds(Binary, _operators(), operands, st.sampled_from(_NUMBERS)),
        st.builds(lambda *three: Call("if_then", three), operands, operands, operands),
    )


def _contains(array: Node, sought: Node) -> Node:
    return Call("contains", (array, sought))


def _operators() -> SearchStrategy[str]:
    return st.sampled_from(sorted(COMPARISONS))


def _texts() -> SearchStrategy[Node]:
    return st.sampled_from(_SOME_TEXTS).map(String)


def _captures() -> SearchStrategy[Node]:
    return st.integers(0, 2).map(Capture)
