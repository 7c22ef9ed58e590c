"""Witnesses: attempts that are where they are said to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from spaces import attempts, conditions, parsed, point, space_of

from tlspolicy import DELIVERY, DeliveryContext, PolicyEvaluationError
from tlspolicy.analysis import texts
from tlspolicy.analysis.formulas import Effort, model
from tlspolicy.analysis.questions import Other, variables
from tlspolicy.analysis.space import Flag
from tlspolicy.analysis.witness import witness
from tlspolicy.expressions.evaluator import EvaluationProblem, evaluate
from tlspolicy.expressions.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy.analysis.formulas import Box
    from tlspolicy.analysis.space import Space
    from tlspolicy.expressions.nodes import Node


def is_true(node: Node, context: DeliveryContext) -> bool:
    """Whether a condition is true of an attempt; not where that is an error."""
    try:
        return bool(evaluate(node, Scope(DELIVERY, context)))
    except EvaluationProblem:
        return False


def somewhere(*nodes: Node) -> tuple[Space, Box | None]:
    """The space of some conditions, and a box in which all of them are true."""
    space, meanings = space_of(*nodes)
    return space, model([*[meaning.true for meaning in meanings], *space.axioms], space.full, Effort(100_000))


def found(*written: str, confirms: Callable[[DeliveryContext], bool] = lambda _context: True) -> DeliveryContext | None:
    """An attempt in a box in which all of these are true."""
    space, box = somewhere(*map(parsed, written))
    assert box is not None
    return witness(space, box, confirms)


def is_in(context: DeliveryContext, space: Space, box: Box) -> bool:
    """Whether an attempt is in a box."""
    return all(cells & others for cells, others in zip(point(space, context), box, strict=True))


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        (["retry_num > 0"], {"retry_num": 1}),
        (["retry_num > 3", "last_error != 'none'"], {"retry_num": 4, "last_error": "tls"}),
        (["last_error != 'none'", "last_error != 'tls'"], {"last_error": "dns"}),
        (["priority < -1"], {"priority": -2}),
        (["priority != 0"], {"priority": -1}),
        (["expires_in < 3600"], {"expires_in": 0}),
        (["expires_in > 3600"], {}),
        (["mx != ''"], {"mx": "mx1.x"}),
        (["ends_with(mx, '.example')"], {"mx": "mx1.example"}),
        (["contains(mx, 'mail')"], {"mx": "mx1.mail"}),
        (["starts_with(mx, 'mail.')"], {"mx": "mail.x.example"}),
        (["ends_with(rcpt, '@a.example')"], {"rcpt": "jane@a.example"}),
        (["ends_with(rcpt, 'a.example')"], {"rcpt": "jane@a.example"}),
        (["starts_with(mx, 'a')", "ends_with(mx, 'b')", "!contains(mx, '.')"], {"mx": "ab"}),
        (["mx == 'b'"], {"mx": "b"}),
        (["last_status > 'b'"], {"last_status": "x"}),
        (["contains(recipients, 'a@b')", "!contains(recipients, 'b@b')"], {"recipients": ("a@b",)}),
        (["matches('^a[0-9]$', mx)"], {"mx": "a0"}),
        (["len(last_status) > 4"], {"last_status": "mx1.example.org"}),
        (["true"], {}),
    ],
    ids=" and ".join,
)
def test_a_witness(written: list[str], fields: dict[str, Any]) -> None:
    assert found(*written) == DeliveryContext(**fields)


def test_a_witness_of_everything_is_as_plain_as_there_is() -> None:
    space, _ = space_of(parsed("matches('^a', mx) || retry_num > 2"))
    assert witness(space, space.full, lambda _context: True) == DeliveryContext()


@pytest.mark.parametrize(
    "condition",
    ["rcpt_domain == sender_domain && rcpt_domain != ''", "count(recipients) > 1", "size > mx", "retry_num / 2 > 5"],
)
def test_a_witness_that_has_to_be_guessed(condition: str) -> None:
    context = found(condition)
    assert context
    assert is_true(parsed(condition), context)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param("rcpt == 'a@b' && rcpt_domain == ''", id="the domain is taken from the address"),
        pytest.param("mx == rcpt && mx != rcpt", id="two questions that exclude each other"),
        pytest.param("matches('^(a|b){3}\\bx', mx)", id="a pattern whose example was no good"),
    ],
)
def test_no_witness(condition: str) -> None:
    assert found(condition) is None


def test_no_witness_of_tests_that_are_only_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_STATES", 3)
    assert found("!contains(mx, 'a')", "!contains(mx, 'b')") == DeliveryContext()
    assert found("contains(mx, 'a')", "contains(mx, 'b')") == DeliveryContext(mx="ab")
    assert found("contains(mx, 'a')", "!contains(mx, 'A')", "mx == 'b'") is None


@pytest.mark.parametrize("written", ["matches('^(a)', mx) && $1 == 'a'", "count(split_n(mx, mx, -1)) > 9"])
def test_what_is_not_known_to_be_in_the_box_is_no_witness(written: str) -> None:
    """What depends on what was asked before; and what is an error."""
    assert found(written) is None


def test_what_can_not_be_decided_is_not_confirmed() -> None:
    tried: list[DeliveryContext] = []

    def confirms(context: DeliveryContext) -> bool:
        tried.append(context)
        if len(tried) < 3:
            raise PolicyEvaluationError("it has no value")
        return True

    assert found("mx == rcpt", confirms=confirms) is tried[-1]
    assert found("mx == 'a'", confirms=lambda _context: False) is None


@given(conditions(pure=True), conditions(pure=True), st.booleans())
def test_a_witness_is_in_its_box_and_confirmed(first: Node, second: Node, which: bool) -> None:  # noqa: FBT001
    space, box = somewhere(first, second)
    assume(box is not None)
    assert box is not None
    condition = second if which else first
    context = witness(space, box, lambda context: is_true(condition, context))
    assume(context is not None)
    assert context is not None
    assert is_true(condition, context)
    assert is_in(context, space, box)


@given(conditions(pure=True), attempts())
def test_there_is_a_witness_where_nothing_is_only_answered(node: Node, context: DeliveryContext) -> None:
    space, _ = space_of(node)
    assume(not any(isinstance(each, Flag) and isinstance(each.question, Other) for each in space.dimensions))
    assume("rcpt" not in variables(node))  # The domain is taken from it.
    box = point(space, context)
    another = witness(space, box, lambda _context: True)
    assert another is not None
    assert point(space, another) == box
