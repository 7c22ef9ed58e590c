"""The strategies give what they promise."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from tlspolicy import (
    DELIVERY,
    DeliveryContext,
    Expression,
    LastError,
    PolicyEvaluationError,
    PolicyTypeError,
    Requirement,
    RuleList,
    Schema,
    TlsPolicy,
)
from tlspolicy.boundaries import boundaries
from tlspolicy.expressions import regex
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.nodes import Call, Node, every
from tlspolicy.testing import RuleCoverage, contexts, contexts_for, expressions, policies, rule_lists

GENERATE = (Phase.generate,)
PLAIN = DeliveryContext()
LADDER = TlsPolicy(
    starttls=[{"if": "retry_num > 41 && last_error == 'mta-sts'", "then": "disable"}, {"else": "require"}],
    allow_invalid_certs="ends_with(rcpt_domain, '.bank.example')",
)
BY_HAND = Schema(
    {"number": int, "ratio": float, "word": str, "words": tuple},
    {"limit": 5, "$half": 0.5},
    {"ask": lambda value: value, "is_local_domain": lambda _first, _second=None: True},
)


def unlike_plain(context: DeliveryContext) -> dict[str, Any]:
    return {
        name: getattr(context, name) for name in DELIVERY.variables if getattr(context, name) != getattr(PLAIN, name)
    }


@given(contexts())
def test_contexts_are_consistent(context: DeliveryContext) -> None:
    for address, domain in ((context.sender, context.sender_domain), (context.rcpt, context.rcpt_domain)):
        assert not address or address.rpartition("@")[2] == domain


@given(contexts_for(TlsPolicy(allow_invalid_certs="rcpt == 'Jane@A.example' || rcpt_domain == 'b@c' || sender == 'd'")))
def test_contexts_for_a_policy_are_consistent(context: DeliveryContext) -> None:
    for address, domain in ((context.sender, context.sender_domain), (context.rcpt, context.rcpt_domain)):
        assert "@" not in address or address.rpartition("@")[2] == domain


FIXED: list[dict[str, Any]] = [
    {"rcpt_domain": "bank.example"},
    {"rcpt": "jane@bank.example"},
    {"rcpt": "jane@bank.example", "rcpt_domain": "elsewhere.example"},
    {"sender": ""},
    {"recipients": ("a@b.example",), "rcpt": "a@b.example"},
    {"retry_num": 0},
    {"retry_num": 5},
    {"last_error": LastError.TLS},
    {"last_error": "none", "retry_num": 3},
    {"mx": "", "priority": -5, "expires_in": 1},
]


@pytest.mark.parametrize("fixed", FIXED, ids=repr)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_fixed_stays_as_it_is(fixed: dict[str, Any], data: st.DataObject) -> None:
    for strategy in (contexts(**fixed), contexts_for(LADDER, **fixed)):
        context = data.draw(strategy)
        assert {name: getattr(context, name) for name in fixed} == fixed


@given(contexts(retry_num=st.integers(3, 5), rcpt_domain=st.sampled_from(["a.example", "b.example"])))
def test_a_field_may_be_a_strategy(context: DeliveryContext) -> None:
    assert 3 <= context.retry_num <= 5
    assert context.rcpt_domain in ("a.example", "b.example")
    assert context.rcpt == "" or context.rcpt.endswith(f"@{context.rcpt_domain}")


@pytest.mark.parametrize("make", [contexts, lambda **fixed: contexts_for(LADDER, **fixed)], ids=["any", "of a policy"])
def test_a_field_that_is_none_is_refused(make: Any) -> None:
    with pytest.raises(
        PolicyTypeError, match=r"'retry_nun' is no field of a DeliveryContext; did you mean 'retry_num'\?"
    ):
        make(retry_nun=1)


def always(_value: object) -> bool:
    return True


def is_disabled(context: DeliveryContext) -> bool:
    return LADDER.evaluate(context).starttls is Requirement.DISABLE


SHRUNK: list[tuple[st.SearchStrategy[DeliveryContext], Any, dict[str, Any]]] = [
    (contexts(), always, {}),
    (contexts_for(LADDER), always, {}),
    (contexts(rcpt_domain="a.example"), always, {"rcpt_domain": "a.example"}),
    (contexts(last_error="tls"), always, {"last_error": "tls", "retry_num": 1}),
    (contexts_for(LADDER), is_disabled, {"last_error": "mta-sts", "retry_num": 42}),
    (contexts_for(RuleCoverage(LADDER)), is_disabled, {"last_error": "mta-sts", "retry_num": 42}),
    (contexts_for(LADDER, retry_num=50), is_disabled, {"last_error": "mta-sts", "retry_num": 50}),
    (contexts(), lambda context: context.last_error == "io" and context.retry_num > 7, {"last_error": "io", "retry_num": 8}),
    (contexts(), lambda context: bool(context.recipients and context.rcpt in context.recipients), {"rcpt": "jane@a.example", "rcpt_domain": "a.example", "recipients": ("jane@a.example",)}),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "condition", "fields"), SHRUNK)
def test_contexts_shrink_to_plain_ones(
    strategy: st.SearchStrategy[DeliveryContext], condition: Any, fields: dict[str, Any]
) -> None:
    found = find(strategy, condition, settings=settings(max_examples=10_000, database=None))
    assert unlike_plain(found) == fields


def test_contexts_for_a_policy_are_mostly_at_its_boundaries() -> None:
    values = boundaries(LADDER)
    near = total = 0

    @settings(max_examples=200, database=None)
    @given(contexts_for(LADDER))
    def count(context: DeliveryContext) -> None:
        nonlocal near, total
        total += 1
        near += context.rcpt_domain in values["rcpt_domain"]

    count()
    assert near > total / 2


SCHEMAS = {"delivery": DELIVERY, "by hand": BY_HAND, "of nothing": Schema({})}
RESULTS: list[Any] = [int, float, str, tuple, {int, float}, [str, tuple], (int, float, str, tuple)]


@pytest.mark.parametrize("result", RESULTS, ids=str)
@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@settings(max_examples=30)
@given(data=st.data())
def test_expressions_have_the_types_that_are_asked_for(schema: Schema, result: Any, data: st.DataObject) -> None:
    text = data.draw(expressions(schema, result))
    expression = Expression.parse(text, schema)
    types = {result} if isinstance(result, type) else {*result}
    assert str(expression) == text
    assert expression.result_types <= types


@given(expressions(DELIVERY, {int, str}), contexts())
def test_their_values_have_these_types(text: str, context: DeliveryContext) -> None:
    try:
        value = Expression.parse(text, DELIVERY).evaluate(context)
    except PolicyEvaluationError:
        return
    assert type(value) in (int, str)


def test_expressions_call_every_function_and_have_every_kind_of_node() -> None:
    functions: set[str] = set()
    kinds: set[type] = set()

    @settings(
        max_examples=1_500, database=None, derandomize=True, phases=GENERATE, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(expressions(BY_HAND), min_size=4, max_size=4))
    def collect(texts: list[str]) -> None:
        nodes = [node for text in texts for node in every(Expression.parse(text, BY_HAND).node)]
        functions.update(node.function for node in nodes if isinstance(node, Call))
        kinds.update(map(type, nodes))

    collect()
    assert functions == {*FUNCTIONS, *BY_HAND.functions}
    assert kinds == {*Node.__args__}


def test_without_the_engine_no_expression_has_a_regular_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rurex", None)
    regex.compiled.cache_clear()

    @settings(max_examples=30, database=None)
    @given(expressions(), policies(), rule_lists())
    def try_some(text: str, policy: TlsPolicy, rules: list[dict[str, Any]]) -> None:
        assert "matches(" not in text
        assert RuleList.parse(rules, DELIVERY)
        assert policy.rules

    try_some()


WRONG: list[Any] = [bool, {int, bytes}, (), [None]]


@pytest.mark.parametrize("result", WRONG, ids=str)
def test_a_result_that_the_language_does_not_have_is_refused(result: Any) -> None:
    with pytest.raises(PolicyTypeError, match="one or more of int, float, str and tuple"):
        expressions(result=result)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
@given(data=st.data())
def test_rule_lists_parse(schema: Schema, data: st.DataObject) -> None:
    rules = data.draw(rule_lists(schema))
    assert len(RuleList.parse(rules, schema).rules) == len(rules) - 1


@given(rule_lists(results=st.sampled_from([5, "mx"])))
def test_rule_lists_give_what_they_are_to_give(rules: list[dict[str, Any]]) -> None:
    assert {result for rule in rules for key, result in rule.items() if key != "if"} <= {5, "mx"}


def test_texts_shrink_to_what_is_short() -> None:
    once = settings(database=None)
    assert find(expressions(), always, settings=once) in DELIVERY.variables
    assert find(expressions(BY_HAND, float), always, settings=once) in ("ratio", "$half", "0.0")
    (default,) = find(rule_lists(), always, settings=once)
    assert default.keys() == {"else"}


@given(policies(), contexts())
def test_policies_decide(policy: TlsPolicy, context: DeliveryContext) -> None:
    try:
        decision = policy.evaluate(context)
    except PolicyEvaluationError as error:
        assert "split_n" in str(error)
    else:
        assert decision == policy.explain(context).decision


POLICIES: dict[str, Any] = {
    "all defaults": lambda policy: policy == TlsPolicy(),
    "strategies": lambda policy: policy.strategies and policy.rules["strategy"].rules,
    "a list of rules": lambda policy: len(policy.rules.get("mta_sts", TlsPolicy().rules["dane"]).rules) > 2,
}


@pytest.mark.parametrize("condition", POLICIES.values(), ids=POLICIES)
def test_there_are_such_policies(condition: Any) -> None:
    find(policies(), condition, settings=settings(max_examples=20_000, database=None, phases=GENERATE))


def test_policies_call_the_functions_that_are_given() -> None:
    functions = {"is_local_domain": lambda *_domain: False, "weekday": lambda: 3}

    def calls(policy: TlsPolicy) -> bool:
        texts = "".join(rule.condition.text for rules in policy.rules.values() for rule in rules.rules)
        return "weekday()" in texts and "is_local_domain(" in texts

    find(policies(functions), calls, settings=settings(max_examples=20_000, database=None, phases=GENERATE))


SHOWN: list[tuple[Any, str]] = [
    (lambda policy: policy.strategies, "from_mapping( {'queue': {'strategy': {'tls': "),
    (
        lambda policy: len(policy.rules["starttls"].rules) == 1 if not policy.strategies else False,
        "TlsPolicy( starttls=[{'if': ",
    ),
]


@pytest.mark.parametrize(("condition", "source"), SHOWN, ids=["by name", "by setting"])
def test_a_policy_that_fails_is_shown_as_it_is_written(condition: Any, source: str) -> None:
    @settings(max_examples=10_000, database=None, phases=[Phase.generate, Phase.shrink])
    @given(policies())
    def has_none(policy: TlsPolicy) -> None:
        assert not condition(policy)

    with pytest.raises(AssertionError) as raised:
        has_none()
    assert source in " ".join(" ".join(raised.value.__notes__).split())


def test_a_context_that_fails_is_shown_by_what_is_unlike_the_default() -> None:
    @settings(max_examples=10_000, database=None)
    @given(contexts_for(LADDER))
    def never_disabled(context: DeliveryContext) -> None:
        assert not is_disabled(context)

    with pytest.raises(AssertionError) as raised:
        never_disabled()
    assert "DeliveryContext(retry_num=42, last_error='mta-sts')" in "\n".join(raised.value.__notes__)


PROGRAM = """
import sys
sys.modules["hypothesis"] = None
import tlspolicy.boundaries, tlspolicy.rule_coverage
try:
    import tlspolicy.testing
except ImportError as error:
    print(error, error.name, sep="|")
"""


def test_without_hypothesis_the_error_says_what_to_install() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout == "tlspolicy.testing needs Hypothesis: pip install 'tlspolicy[testing]'|hypothesis\n"


def test_contexts_are_for_a_policy() -> None:
    wrong: Any = "require"
    with pytest.raises(PolicyTypeError, match="the policy must be a TlsPolicy, not str"):
        contexts_for(wrong)
