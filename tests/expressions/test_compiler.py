"""Compiled rules: the code that they become, and that its answers are the evaluator's."""

from __future__ import annotations

import pickle
import re
import traceback
from collections import UserDict
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from generated import FACTS, Facts, facts, rule_lists, simple_rule_lists
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import (
    DELIVERY,
    DeliveryContext,
    Place,
    PolicyError,
    PolicyEvaluationError,
    PolicyTypeError,
    RuleList,
    Schema,
    TlsPolicy,
)
from tlspolicy.expressions.compiler import compiled
from tlspolicy.expressions.nodes import String
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.results import MAX_RESULTS
from tlspolicy.expressions.schema import LONGEST_CHECKED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlspolicy.expressions.scope import Answers

SEED = """
def evaluate(context):
    try:
        if context.__last_error__ == 'tls':
            retry_num = context.__retry_num__
            if retry_num > 1:
                return _result
            if retry_num > 0:
                return _result1
            return _result2
        return _result2
    except Exception:
        pass
    return _plainly(context)
"""

MAPPING = Schema(FACTS.variables, FACTS.constants, FACTS.functions)


def answer(evaluate: Any, context: object) -> str:
    """What is given, told apart by its type, or the whole error."""
    try:
        return repr(evaluate(context))
    except PolicyError as error:
        return f"{type(error).__name__}: {error}"


def delivery(context: Facts) -> DeliveryContext:
    """The same facts, as far as a delivery attempt can have them: its class is checked."""
    return DeliveryContext(
        priority=context.number,
        size=abs(context.another) % 10,
        last_status=context.word,
        mx=context.host,
        recipients=tuple([item for item in context.words if isinstance(item, str)]),
    )


def rename(written: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same rules over these."""
    names = {
        "number": "priority",
        "another": "size",
        "word": "last_status",
        "host": "mx",
        "ratio": "queue_age",
        "words": "recipients",
    }
    pattern = rf"\b({'|'.join(names)})\b"  # In a text, too, where it does no harm.
    return [
        {key: re.sub(pattern, lambda found: names[found[1]], text) for key, text in rule.items()} for rule in written
    ]


def compiled_together(lists: Sequence[RuleList]) -> Callable[[Any], object]:
    """The function that gives the outcomes of several lists."""

    def plainly(context: object, answers: Answers | None = None) -> tuple[object, ...]:
        known = answers and answers.rewind()
        return tuple(rules.outcome(context, known) for rules in lists)

    trees = [rules.trees(f"list{number}") for number, rules in enumerate(lists)]
    return compiled(trees, lists[0].schema, lambda *outcomes: outcomes, plainly).function


def listed(*conditions: str, then: str = "1", otherwise: str = "0") -> list[dict[str, str]]:
    return [*({"if": condition, "then": then} for condition in conditions), {"else": otherwise}]


def source(rules: object, schema: Schema = DELIVERY) -> str:
    """The code of a rule list."""
    parsed = RuleList.parse(rules, schema)
    return compiled([parsed.trees("rules")], schema, lambda outcome: outcome.value, parsed.outcome).source


@given(rule_lists(), facts())
def test_the_same_answers_as_the_evaluator(written: list[dict[str, str]], context: Facts) -> None:
    rules = RuleList.parse(written, FACTS)
    assert answer(rules.evaluate, context) == answer(lambda facts: rules.outcome(facts).value, context)
    rules = RuleList.parse(written, MAPPING)
    mapping = vars(context)
    assert answer(rules.evaluate, mapping) == answer(lambda facts: rules.outcome(facts).value, mapping)
    rules = RuleList.parse(rename(written), DELIVERY.with_functions(FACTS.functions))
    attempt = delivery(context)
    assert answer(rules.evaluate, attempt) == answer(lambda facts: rules.outcome(facts).value, attempt)


@given(rule_lists(), rule_lists(), rule_lists(), facts())
def test_several_lists_together(
    first: list[dict[str, str]], second: list[dict[str, str]], third: list[dict[str, str]], context: Facts
) -> None:
    lists = [RuleList.parse(source, FACTS) for source in (first, second, third)]
    together = compiled_together(lists)
    assert answer(together, context) == answer(lambda facts: tuple(each.outcome(facts) for each in lists), context)


@given(st.lists(simple_rule_lists(), min_size=2, max_size=3), facts())
def test_a_tree_of_several_lists(written: list[list[dict[str, str]]], context: Facts) -> None:
    for schema, given_context in ((FACTS, context), (MAPPING, vars(context)), (DELIVERY, delivery(context))):
        lists = [RuleList.parse(rename(source) if schema is DELIVERY else source, schema) for source in written]
        expected = tuple(rules.outcome(given_context) for rules in lists)
        assert repr(compiled_together(lists)(given_context)) == repr(expected)


def test_the_code_of_a_policy_is_what_one_would_write() -> None:
    policy = TlsPolicy(
        starttls="[ { if = \"retry_num > 1 && last_error == 'tls'\", then = 'disable' }, { else = 'require' } ]",
        allow_invalid_certs="[ { if = \"retry_num > 0 && last_error == 'tls'\", then = true }, { else = false } ]",
    )
    assert policy.source == SEED.lstrip()
    assert policy.evaluate is policy.evaluate


CODE: dict[str, tuple[object, list[str]]] = {
    "read-where-needed": (
        listed("retry_num > 2 && size > 9", "retry_num > 5"),
        ["retry_num = context.__retry_num__\n", "if retry_num > 2 and context.__size__ > 9:  # rules[0]"],
    ),
    "folded": (
        listed("retry_num > 1 + 2 * 3"),
        ["if context.__retry_num__ > 7:"],
    ),
    "precedence": (
        listed("(mx == 'a' || mx == 'b') && !(size > 1 && size < 5)"),
        ["if (mx == 'a' or mx == 'b') and not (size > 1 and size < 5):"],
    ),
    "exclusive": (listed("retry_num ^ size > 1"), ["(not context.__retry_num__) != (not context.__size__ > 1)"]),
    "texts": (
        listed("starts_with(mx, 'a') && ends_with(mx, 'b') && contains(mx, 'c')"),
        ["mx.startswith('a') and mx.endswith('b') and 'c' in mx"],
    ),
    "among": (listed("contains(['a', 'b'], mx)", "contains([1, 2], size)"), ["in {'a', 'b'}", "in {1, 2}"]),
    "many": (
        listed(f"contains([{', '.join(f'{n}' for n in range(999))}], size)"),
        ["if context.__size__ in _constant:"],
    ),
    "search": (listed("matches('^a+$', mx)"), ["if _search(context.__mx__) is not None:"]),
    "captures": (
        listed("matches('(.)', mx) && $1 == 'a'"),
        ["groups = ()", "(groups := _groups(_search(context.__mx__))) and _captured(groups, 1) == 'a'"],
    ),
    "function": (listed("to_lowercase(mx) == 'a'"), ["if _to_lowercase(context.__mx__) == 'a':"]),
    "mixed": (listed("mx == 0"), ["if _equal(context.__mx__, 0):"]),
    "array": (listed("count(recipients) > 5"), ["scope = _Scope(", "if _plain(_node, scope) > 5:"]),
    "choice": (
        [{"else": "if_then(retry_num > 1, 1, if_then(size > 1, 2, 3))"}],
        [
            "if context.__retry_num__ > 1:\n            return _result\n",
            "if context.__size__ > 1:\n            return _result1\n",
        ],
    ),
    "computed": ([{"else": "retry_num + 1"}], ["return _finish(_Outcome(_add(context.__retry_num__, 1), None))"]),
    "value-of-or": ([{"else": "sender || mx"}], ["(context.__sender__ or (1 if context.__mx__ else 0))"]),
    "always": (
        listed("false", "true", "mx == 'a'"),
        ["if type(context) is not _Context:\n            raise _Unusual\n        return _result\n"],
    ),
    "equal-run": (
        listed(*(f"rcpt_domain == 'd{n}.example'" for n in range(9))),
        ["found = _table.get(rcpt_domain)", "if found is not None:", "return found"],
    ),
    "run-with-one-rest": (
        listed(*(f"rcpt_domain == 'd{n}.example' && retry_num > 0" for n in range(9))),
        ["if found is not None and retry_num > 0:"],
    ),
    "run-with-rests": (
        listed(*(f"contains(['a{n}', 'b'], rcpt_domain) && retry_num > {n}" for n in range(9))),
        [
            "def _test0(context):",
            "for _, test, found in _table.get(rcpt_domain, ()):",
            "if test is None or test(context):",
        ],
    ),
    "run-of-endings": (
        listed(*(f"ends_with(mx, '.d{n}.example') || starts_with(mx, 'a{n}')" for n in range(9))),
        ["in sorted(_table.get(mx[-11:], ()) + _table1.get(mx[:2], ())):"],
    ),
    "run-of-numbers-as-texts": (listed(*["ends_with(size, '1')"] * 5), ["if _ends_with(size, '1'):  # rules[4]"]),
    "short-run": (listed("mx == 'a'", "mx == 'b'", "mx == 'c'"), ["if mx == 'a':", "if mx == 'b':", "if mx == 'c':"]),
    "many-variables": (
        listed("mx == 'a'", "sender == 'b'", "rcpt == 'c'", "size == 1", "source == 'd'"),
        ["if context.__mx__ == 'a':", "if context.__size__ == 1:"],
    ),
    "infinite": (listed(f"1{'0' * 400}.0 > size"), ["_greater(_constant, context.__size__)"]),
    "long-text": (listed(f"mx == '{'a' * 2000}'"), ["context.__mx__ == _constant"]),
    "constant-without-a-value": (
        listed(
            "split_n('a', '', 100000) == mx", "contains([split_n('a', '', 100000)], mx)", then="split_n('a', '', 99999)"
        ),
        ["if _plain(_node1, scope)", "_plain(_node2, scope)"],
    ),
    "floats": (
        [{"else": "ratio * 2.0 + 0.5"}],
        ["if type(ratio) is not float:", "_Outcome(((ratio * 2.0) + 0.5), None)"],
    ),
    "search-in-an-array": (listed("matches('a', recipients)"), ["if _search_in('a', context.__recipients__, scope):"]),
    "capture-in-an-array": (
        listed("matches('(a)', split(mx, '.')[0]) && $1 == 'a'"),
        ["(groups := _search_in('(a)', _plain(_node, scope, groups), scope))"],
    ),
    "matches-in-an-array-and-captures": (listed("[matches('a', mx)] == [$0]"), ["    return _plainly(context)"]),
    "too-long-texts": (listed(*[f"mx > '{'a' * 60_000}'"] * 300), ["    return _plainly(context)"]),
    "very-many-rules": (
        listed(*(f"size > {n}" for n in range(1200))),
        ["def _rules_from_500(context):", "found = _rules_from_1000(context)"],
    ),
}


class Measured:
    """A context class that has a float."""

    ratio: float
    recipients: tuple[str, ...]
    mx: str
    size: int


@pytest.mark.parametrize(("rules", "fragments"), CODE.values(), ids=CODE)
def test_code(rules: object, fragments: list[str]) -> None:
    code = source(rules, Schema.of(Measured) if "ratio" in str(rules) else DELIVERY)
    for fragment in fragments:
        assert fragment in code


LEFT_TO_THE_EVALUATOR = ("constant-without-a-value", "matches-in-an-array-and-captures", "too-long-texts")


@pytest.mark.parametrize(
    "rules", [pytest.param(rules, id=name) for name, (rules, _) in CODE.items() if name not in LEFT_TO_THE_EVALUATOR]
)
def test_the_evaluator_is_wanted_for_nothing_usual(rules: object) -> None:
    def plainly(context: object) -> object:
        pytest.fail(f"what was compiled does not know what to do with {context}")

    schema = Schema.of(Measured) if "ratio" in str(rules) else DELIVERY
    context: Any = DeliveryContext(mx="a.example", recipients=("a",), rcpt_domain="d1.example", retry_num=3)
    if schema is not DELIVERY:
        context = Measured()
        context.ratio, context.recipients, context.mx, context.size = 0.5, ("a",), "a.example", 3
    parsed = RuleList.parse(rules, schema)
    evaluate = compiled([parsed.trees("rules")], schema, lambda outcome: outcome.value, plainly).function
    assert evaluate(context) == parsed.outcome(context).value


SEVERAL: dict[str, tuple[int, dict[str, Any], str]] = {
    "few-results": (30, {}, "return _results[(_starttls(context)) * 8 + _dane(context)]"),
    "many-results": (40, {}, "return _results[(_starttls(context)) * 8 + _dane(context)]"),
    "computed-results": (
        40,
        {"tls_timeout": "retry_num + 1"},
        "return _finish(_starttls(context), _dane(context), _tls_timeout(context))",
    ),
}


@pytest.mark.parametrize(("count", "more", "code"), SEVERAL.values(), ids=SEVERAL)
def test_lists_that_make_no_tree_have_functions_of_their_own(count: int, more: dict[str, Any], code: str) -> None:
    policy = TlsPolicy(
        starttls=listed(*(f"mx == 'mx{n}.example'" for n in range(count)), then="disable", otherwise="require"),
        dane=listed(*(f"size > {n} && priority > {n}" for n in range(7)), then="disable", otherwise="optional"),
        **more,
    )
    assert code in policy.source
    for mx, size in (("mx0.example", 1), (f"mx{count - 1}.example", 0), ("mx.example", 9)):
        context = DeliveryContext(mx=mx, size=size, priority=3)
        decision, explained = policy.evaluate(context), policy.explain(context).decision
        assert decision == explained
        assert decision.matched == explained.matched


def test_a_large_tree_is_none() -> None:
    names = ("retry_num", "size", "priority", "queue_age", "notify_num", "expires_in")
    texts = ("mx", "rcpt", "sender", "source", "queue_name", "last_status")
    policy = TlsPolicy(
        starttls=listed(" && ".join(f"{name} > 5" for name in names), then="disable", otherwise="require"),
        dane=listed(*(f"{name} == 'a'" for name in texts), then="disable", otherwise="optional"),
    )
    assert "_starttls(context)" in policy.source


def test_very_many_different_rests_are_compiled_when_they_are_asked() -> None:
    rules = listed(*(f"rcpt_domain == 'd{n}.example' && retry_num > {n}" for n in range(400)))
    code = source(rules)
    assert "_test255(context)" in code
    assert "_test256" not in code
    evaluate = RuleList.parse(rules, DELIVERY).evaluate
    for number in (0, 255, 256, 399, 399):
        domain = f"d{number}.example"
        assert evaluate(DeliveryContext(rcpt_domain=domain, retry_num=number)) == 0
        assert evaluate(DeliveryContext(rcpt_domain=domain, retry_num=number + 1)) == 1


def test_results_are_made_once_and_only_so_many_are_kept() -> None:
    few = TlsPolicy(
        starttls=listed(*(f"size == {n}" for n in range(MAX_RESULTS - 1)), then="optional", otherwise="require")
    )
    many = TlsPolicy(starttls=listed(*(f"size == {n}" for n in range(5_000)), then="optional", otherwise="require"))
    for policy in (few, many):
        for size in (0, 7, 200):
            context = DeliveryContext(size=size)
            assert policy.evaluate(context) is policy.evaluate(context)
            assert policy.evaluate(context).matched.starttls == size
    first = many.evaluate(DeliveryContext(size=0))
    for size in range(1, 5_000):
        many.evaluate(DeliveryContext(size=size))
    again = many.evaluate(DeliveryContext(size=0))
    assert again == first
    assert again is not first


def test_what_depends_on_the_context_is_not_mixed_up() -> None:
    # 1 and 1.0 are equal, and one of them is no time-out.
    policy = TlsPolicy(
        tls_timeout=[
            {"if": "retry_num > 0", "then": "retry_num * 1000"},
            {"else": "if_then(size, size * 1.0, size + 1)"},
        ]
    )
    assert policy.evaluate(DeliveryContext(retry_num=2)).tls_timeout == 2
    assert policy.evaluate(DeliveryContext()).tls_timeout == 0.001
    with pytest.raises(PolicyEvaluationError, match="a whole number of milliseconds"):
        policy.evaluate(DeliveryContext(size=1))


LONG = "x" * LONGEST_CHECKED
HEAVY: dict[str, tuple[list[dict[str, str]], DeliveryContext]] = {
    "no-limit-is-near": (listed("contains(last_status, 'y')"), DeliveryContext(last_status=LONG)),
    "short-texts": (listed(*["contains(last_status, 'y')"] * 2_000), DeliveryContext(last_status="x" * 100)),
    "long-texts": (listed(*["contains(last_status, 'y')"] * 2_000), DeliveryContext(last_status=LONG)),
    "costly-searches": (listed(*["matches('a{50}b{50}c{50}', mx)"] * 20), DeliveryContext(mx="x" * 60_000)),
    "long-searches": (listed("matches('y', mx + sender)"), DeliveryContext(mx=LONG, sender=LONG)),
    "growing-texts": (
        listed("len(" + "to_uppercase(" * 20 + "mx" + ")" * 20 + ") > 9"),
        DeliveryContext(mx="\N{LATIN SMALL LIGATURE FFI}" * 60_000),
    ),
    "texts-of-texts": (listed(" + ".join(["mx"] * 17) + " == ''"), DeliveryContext(mx=LONG)),
    "looked-up": (
        listed(*[f"rcpt_domain == 'd' && contains(last_status, 'y{n % 7}')" for n in range(2_000)]),
        DeliveryContext(rcpt_domain="d", last_status=LONG),
    ),
    "arrays": (listed(*["count(split(last_status, '')) > 99"] * 40), DeliveryContext(last_status=LONG[:60_000])),
}


@pytest.mark.parametrize(("rules", "context"), HEAVY.values(), ids=HEAVY)
def test_limits_are_those_of_the_evaluator(rules: list[dict[str, str]], context: DeliveryContext) -> None:
    parsed = RuleList.parse(rules, DELIVERY)
    assert answer(parsed.evaluate, context) == answer(lambda facts: parsed.outcome(facts).value, context)


def test_python_limits_are_none_of_ours() -> None:
    deep = "(" * 30 + "size" + " > 1) && mx" * 30
    wide = "retry_num" + " ^ 1" * 60
    for text in (
        deep,
        wide,
        "!" * 60 + "mx",
        "[" * 60 + "]" * 60,
        "-" * 60 + "size",
        "if_then(mx, 1, " * 60 + "2" + ")" * 60,
    ):
        rules = RuleList.parse(text, DELIVERY)
        assert rules.evaluate(DeliveryContext(mx="a")) == rules.outcome(DeliveryContext(mx="a")).value


class Attempt(SimpleNamespace):
    """Looks like a context, and was never checked."""


NO_CONTEXTS: dict[str, object] = {
    "none": None,
    "dict": {"retry_num": 9, "last_error": "tls"},
    "alike": Attempt(**dict.fromkeys(DELIVERY.variables, "tls")),
    "mock": Mock(),
    "mock-of-the-class": Mock(spec=DeliveryContext),
    "mock-of-a-context": Mock(spec=dir(DeliveryContext())),
    "class": DeliveryContext,
}
POLICIES: dict[str, dict[str, Any]] = {
    "constant": {},
    "rules": {"starttls": listed("last_error == 'tls'", then="disable", otherwise="require")},
    "tree": {
        "starttls": listed("retry_num > 1 && last_error == 'tls'", then="disable", otherwise="require"),
        "allow_invalid_certs": listed("last_error == 'tls'"),
    },
    "compared-with-an-array": {"starttls": listed("[] != source", then="disable", otherwise="require")},
    "not-compared-with-an-array": {"starttls": listed("!([] == mx)", then="disable", otherwise="require")},
    "array-first": {"starttls": listed("count(recipients) == 0", then="disable", otherwise="require")},
    "looked-up": {"starttls": listed(*["mx == 'tls'"] * 5, then="disable", otherwise="require")},
    "computed": {"allow_invalid_certs": "retry_num + 1"},
}


@pytest.mark.parametrize("context", NO_CONTEXTS.values(), ids=NO_CONTEXTS)
@pytest.mark.parametrize("settings", POLICIES.values(), ids=POLICIES)
def test_what_is_no_context_is_refused(settings: dict[str, Any], context: Any) -> None:
    with pytest.raises(PolicyTypeError, match="the context must be a DeliveryContext"):
        TlsPolicy(**settings).evaluate(context)


def test_a_class_of_ones_own_is_asked_by_its_own_names() -> None:
    @dataclass(slots=True)
    class Parcel:
        weight: int
        _weight: int = 0

    rules = RuleList.parse(listed("weight > 5"), Schema.of(Parcel))
    assert rules.evaluate(Parcel(9)) == 1
    with pytest.raises(PolicyTypeError, match="the context must be a Parcel, not SimpleNamespace"):
        rules.evaluate(SimpleNamespace(weight=9))


class Awkward:
    weight: int
    name: str

    def __init__(self, weight: object, name: object = "") -> None:
        self._weight = weight
        self.name = name  # type: ignore[assignment]

    def __getattr__(self, name: str) -> object:
        if isinstance(self._weight, Exception):
            raise self._weight
        return self._weight


@pytest.mark.parametrize(
    ("context", "message"),
    [
        (Awkward(LookupError("no scales")), "rules[1].if: line 1, column 1: variable 'weight': no scales"),
        (
            Awkward({}),
            "rules[1].if: line 1, column 1: variable 'weight': dict is no type of the language: int, float, str or tuple",
        ),
    ],
    ids=["raising", "wrong-type"],
)
def test_what_an_attribute_does_is_told_with_its_rule(context: Awkward, message: str) -> None:
    rules = RuleList.parse(listed("name == 'a'", "weight > 5"), Schema.of(Awkward), Place(key="rules"))
    with pytest.raises(PolicyEvaluationError) as raised:
        rules.evaluate(context)
    assert str(raised.value).startswith(message)


MAPPINGS: dict[str, dict[str, Any]] = {
    "as-declared": {"number": 2, "word": "a"},
    "absent": {},
    "other-types": {"number": "2", "word": 5},
    "bool": {"number": True},
    "list": {"word": ["a"]},
    "not-ascii": {"word": "\xe9"},
    "large": {"number": 2**63},
    "surrogate": {"word": "\udce9"},
    "none": {"number": None, "ratio": None},
    "float": {"ratio": 1.5},
    "int-for-float": {"ratio": 1},
}


@pytest.mark.parametrize("context", MAPPINGS.values(), ids=MAPPINGS)
def test_the_values_of_a_mapping_are_looked_at(context: dict[str, Any]) -> None:
    rules = RuleList.parse(listed("number > 1 && word != ''", "ratio > 1", then="word"), MAPPING)
    expected = answer(lambda facts: rules.outcome(facts).value, context)
    assert answer(rules.evaluate, context) == expected
    assert answer(rules.evaluate, UserDict(context)) == expected


def test_names_that_python_could_not_say() -> None:
    names = ["class", "from.domain", "5x", "context", "str", "_test", "found", "None", "a$b"]
    schema = Schema(dict.fromkeys(names, str))
    rules = RuleList.parse(listed(*(f"{name} == 'yes' && {name} != 'no'" for name in names)), schema)
    assert [rules.outcome({name: "yes"}).matched for name in names] == [*range(len(names))]
    assert [rules.evaluate({name: "yes"}) for name in names] == [1] * len(names)
    assert rules.evaluate({}) == 0


def test_texts_of_rules_are_only_ever_constants() -> None:
    hostile = ["';raise SystemExit#", '"""', "\\', x) or __import__(", "{context}", "%s", "\n    return 1", "\0"]
    rules = RuleList.parse(
        [{"if": f"last_status == {quoted(text)}", "then": "1"} for text in hostile] + [{"else": "0"}], DELIVERY
    )
    assert rules.evaluate(DeliveryContext(last_status="none")) == 0
    assert [rules.evaluate(DeliveryContext(last_status=text)) for text in hostile] == [1] * len(hostile)


def quoted(text: str) -> str:
    return printed(String(text))


def test_functions_are_asked_once_even_where_the_evaluator_decides() -> None:
    asked: list[object] = []

    def local(domain: object) -> bool:
        asked.append(domain)
        return False

    rules = listed("is_local_domain(rcpt_domain)", "contains(last_status, 'y')", *["contains(last_status, 'z')"] * 600)
    policy = TlsPolicy(
        starttls=[{**rule, "then": "disable"} if "if" in rule else {"else": "require"} for rule in rules],
        dane=listed("is_local_domain(mx)", then="disable", otherwise="optional"),
        functions={"is_local_domain": local},
    )
    context = DeliveryContext(rcpt_domain="a.example", mx="mx.a.example", last_status="x" * 20_000)
    assert policy.evaluate(context) == policy.explain(context).decision
    assert asked == ["a.example", "mx.a.example"] * 2


def test_a_function_that_fails_is_asked_once() -> None:
    asked: list[object] = []

    def local(domain: object) -> bool:
        asked.append(domain)
        raise LookupError("no answer")

    policy = TlsPolicy(
        starttls=listed("size > 0 || is_local_domain(mx)", then="disable", otherwise="require"),
        functions={"is_local_domain": local},
    )
    with pytest.raises(
        PolicyEvaluationError, match=r"starttls\[0\].if: .*is_local_domain\(\) failed: LookupError: no answer"
    ):
        policy.evaluate(DeliveryContext(mx="mx.a.example"))
    assert asked == ["mx.a.example"]


def test_a_traceback_shows_the_line() -> None:
    def interrupted(_domain: object) -> bool:
        raise KeyboardInterrupt

    policy = TlsPolicy(
        starttls=listed("size > 0 || is_local_domain(mx)", then="disable", otherwise="require"),
        functions={"is_local_domain": interrupted},
    )
    with pytest.raises(KeyboardInterrupt) as raised:
        policy.evaluate(DeliveryContext())
    shown = "".join(traceback.format_exception(raised.value))
    assert "if context.__size__ > 0 or _plain(_node, scope):  # starttls[0]" in shown


def test_a_policy_is_picklable_and_its_function_documented() -> None:
    policy = TlsPolicy(starttls=listed("size > 0", then="disable", otherwise="require"))
    copied = pickle.loads(pickle.dumps(policy))  # noqa: S301
    assert copied == policy
    assert copied.source == policy.source
    assert copied.evaluate(DeliveryContext(size=1)) == policy.evaluate(DeliveryContext(size=1))
    rules = pickle.loads(pickle.dumps(policy.rules["starttls"]))  # noqa: S301
    assert rules.evaluate(DeliveryContext(size=1)) == 0


def local(log: list[object]) -> Callable[[object], object]:
    """Answers differently for each name, and fails for one."""

    def is_local_domain(name: object) -> object:
        log.append(name)
        if name == "fails":
            raise LookupError("down")
        return {"a": (1, 2), "b": 5}.get(str(name), False)

    return is_local_domain


WITH_FUNCTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "in-a-branch-not-taken": ({"starttls": "if_then(size > 1, is_local_domain('fails'), disable)"}, {}),
    "in-both-branches": ({"allow_invalid_certs": "if_then(size > 1, is_local_domain('a'), is_local_domain('b'))"}, {}),
    "in-turn": (
        {
            "starttls": listed(
                "contains(trim('1' + count(is_local_domain('a'))), trim('' + count(is_local_domain('b'))))"
                " && count(sort(split(last_status, ''), 1)) > 99",
                then="require",
                otherwise="disable",
            )
        },
        {"last_status": "x" * 60_000},
    ),
    "behind-what-is-always-true": (
        {"starttls": [{"if": "true", "then": "disable"}, {"else": "is_local_domain(mx)"}]},
        {},
    ),
    "in-two-lists": (
        {"starttls": listed("is_local_domain('a')"), "dane": listed("is_local_domain('b') || size > 1")},
        {"size": 2},
    ),
}


@pytest.mark.parametrize(("settings", "fields"), WITH_FUNCTIONS.values(), ids=WITH_FUNCTIONS)
def test_functions_are_asked_as_the_evaluator_asks_them(settings: dict[str, Any], fields: dict[str, Any]) -> None:
    context = DeliveryContext(**fields)
    logs: tuple[list[object], list[object]] = ([], [])
    compiled_policy, plain = (TlsPolicy(**settings, functions={"is_local_domain": local(log)}) for log in logs)
    expected = answer(lambda facts: plain.explain(facts).decision, context)
    assert answer(compiled_policy.evaluate, context) == expected
    assert logs[0] == logs[1]


D, D2 = ({"then": "disable", "otherwise": "require"}, {"then": "disable", "otherwise": "optional"})
AGREEING: dict[str, dict[str, Any]] = {
    "tree-with-arrays": {"starttls": listed("recipients == []", **D), "dane": listed("retry_num > 1", **D2)},
    "tree-with-a-failing-constant": {
        "starttls": listed("mx == split_n('a', '', 99999)", **D),
        "dane": listed("retry_num > 1", **D2),
    },
    "tree-with-constants": {
        "starttls": listed("mx == 'a' || require", **D),
        "dane": listed("retry_num > 1 && disable", **D2),
    },
    "tree-of-what-is-always-so": {
        "starttls": listed("size <= 9223372036854775807", **D),
        "dane": listed("size <= 9223372036854775807", **D2),
    },
    "tree-of-an-empty-array": {"starttls": listed("contains([], mx)", **D), "dane": listed("contains([], mx)", **D2)},
    "infinite-element": {"allow_invalid_certs": f"contains([1{'0' * 400}.0], size / 2)"},
    "choices-in-choices": {
        "starttls": "if_then(size > 1, if_then(retry_num > 1 && mx > 'q', require, optional), if_then(mx, disable, 1))"
    },
    "choice-of-variables": {"allow_invalid_certs": "if_then(size > 1, if_then(retry_num > 1, retry_num, size), 0)"},
}


@pytest.mark.parametrize("settings", AGREEING.values(), ids=AGREEING)
@pytest.mark.parametrize(
    "context",
    [DeliveryContext(), DeliveryContext(size=2, retry_num=3, mx="z", recipients=("a",)), None, Mock()],
    ids=["empty", "filled", "none", "mock"],
)
def test_agrees_with_the_explanation(settings: dict[str, Any], context: Any) -> None:
    policy = TlsPolicy(**settings)
    assert answer(policy.evaluate, context) == answer(lambda facts: policy.explain(facts).decision, context)


@pytest.mark.parametrize(
    "function",
    ["starts_with(", "contains([1, 2.5], ", "contains(recipients, ", "contains('a', "],
    ids=["texts", "numbers", "array", "reversed"],
)
def test_nested_calls_are_translated_once(function: str) -> None:
    more = ", 'a')" if function == "starts_with(" else ")"
    text = function * 60 + "size" + more * 60
    rules = RuleList.parse(text, DELIVERY)
    assert rules.evaluate(DeliveryContext()) == rules.outcome(DeliveryContext()).value


def test_a_branch_that_fails_is_evaluated() -> None:
    rules = RuleList.parse("if_then(size > 1, split_n('a', '', 99999), 1)", DELIVERY)
    with pytest.raises(PolicyEvaluationError, match="more than 65536 elements"):
        rules.evaluate(DeliveryContext())


def test_large_arrays_make_no_large_tree() -> None:
    def numbers(factor: int) -> str:
        return f"[{', '.join(str(factor * number) for number in range(4_000))}]"

    policy = TlsPolicy(
        starttls=listed(f"contains({numbers(2)}, size)", **D), dane=listed(f"contains({numbers(3)}, size)", **D2)
    )
    assert policy.evaluate(DeliveryContext(size=6)).matched[::2] == (0, 0, None)
    assert policy.evaluate(DeliveryContext(size=4)).matched[::2] == (0, None, None)


def test_many_large_arrays_make_no_tree() -> None:
    elements = ", ".join(str(number) for number in range(0, 4_000, 2))
    many = listed(*[f"contains([{elements}], size)"] * 12, **D)
    assert TlsPolicy(starttls=many, dane=many).evaluate(DeliveryContext(size=5)).matched.starttls is None


@pytest.mark.parametrize(
    ("text", "context"),
    [
        ("if_then(number > 1, 1, 1)", Facts("x", 0, 0.0, "", "", ())),  # type: ignore[arg-type]
        ("if_then(number == 3, 1, if_then(word == 'a', 2, 3))", Facts(3, 0, 0.0, object(), "", ())),  # type: ignore[arg-type]
        ("if_then(number == 3, 1, if_then(word == 'a', 2, 3))", Facts(3, 0, 0.0, "b", "", ())),
    ],
    ids=["both-the-same", "inner", "good"],
)
def test_what_is_read_for_a_result_is_looked_at(text: str, context: Facts) -> None:
    rules = RuleList.parse(text, FACTS)
    assert answer(rules.evaluate, context) == answer(lambda facts: rules.outcome(facts).value, context)


def test_very_long_lists_with_captures_are_left_to_the_evaluator() -> None:
    rules = listed("matches('(a)', mx) && $1 == 'b'", *(f"retry_num == {number}" for number in range(10_001)))
    assert source(rules).endswith("def evaluate(context):\n    return _plainly(context)\n")


def test_a_long_text_is_none_the_shorter_for_a_choice() -> None:
    rules = RuleList.parse(listed("matches('a.{1000}[^ab]', if_then(number, word, word || 1))"), FACTS)
    context = Facts(1, 0, 0.0, "ab" * 40_000, "", ())
    assert answer(rules.evaluate, context) == answer(lambda facts: rules.outcome(facts).value, context)
    assert "searching by regular expressions takes longer" in answer(rules.evaluate, context)


FACTS_OF_ALL_KINDS: dict[str, Facts] = {
    "surrogate": Facts(1, 0, 0.0, "\udce9", "", ()),
    "huge": Facts(10**400, 0, 0.0, "", "", ()),
    "bool": Facts(True, 0, 0.0, "", "", ()),
    "int-for-float": Facts(1, 0, 2**40, "", "", ()),
    "list": Facts(1, 0, 0.0, "", "", ["a"]),  # type: ignore[arg-type]
    "text-for-int": Facts("1", 0, 0.0, "", "", ()),  # type: ignore[arg-type]
    "not-ascii": Facts(1, 0, 0.0, "\xe9", "", ("\xe9",)),
}


@pytest.mark.parametrize("context", FACTS_OF_ALL_KINDS.values(), ids=FACTS_OF_ALL_KINDS)
@pytest.mark.parametrize(
    "text",
    ["matches('a', word)", "len(word)", "hash(word, 'md5')", "number * 1.5", "number + 'a'", "ratio * ratio", "words"],
)
def test_what_attributes_hold_is_looked_at(text: str, context: Facts) -> None:
    rules = RuleList.parse(text, FACTS)
    assert answer(rules.evaluate, context) == answer(lambda facts: rules.outcome(facts).value, context)


def test_there_are_no_other_contexts() -> None:
    with pytest.raises(PolicyTypeError, match="DeliveryContext can't be subclassed"):
        type("Mine", (DeliveryContext,), {})
