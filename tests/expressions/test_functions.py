"""What the vectors leave open about the functions."""

from __future__ import annotations

import time

import pytest
from generated import values
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import Expression, PolicyEvaluationError, Schema
from tlspolicy.expressions.array_functions import dedup, is_intersect, sort
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.values import MAX_ARRAY_LENGTH, UnusableValueError, Value, equal, language_value

CASES = [
    ("contains([], '')", 0),
    ("contains_ignore_case(['STRASSE'], 'strasse')", 1),
    ("contains_ignore_case(['É'], 'é')", 0),
    ("contains_ignore_case([5], '5')", 0),
    ("contains_ignore_case(150, 5)", 1),
    ("count('')", 0),
    ("count(0)", 1),
    ("dedup([1, '1', 1.0, '1.0', [1], ['1'], 'nan' * 1, 'nan' * 1])", "(1, (1,), nan, nan)"),
    ("dedup(['1', '1.0', 1])", "('1', '1.0')"),
    ("dedup([9007199254740993, 9007199254740992.0, 9007199254740992])", "(9007199254740993, 9007199254740992)"),
    ("email_part('a@b@ c.example\N{EM SPACE}', 'domain')", "c.example"),
    ("email_part(['a@b', 'c'], 'domain')", "('b', '')"),
    ("has_digits(['a1', '١', ''])", "(1, 0, 0)"),
    ("hash('é', 'sha1')", "bf15be717ac1b080b4f1c456692825891ff5073d"),
    ("hash('x', 'MD5')", ""),
    ("is_email('.a@b.c')", 0),
    ("is_email('\"q@s\"@x.org')", 1),
    ("is_email('\"a@b.c')", 0),
    ("is_email('a@b')", 0),
    ("is_email('a b@c.d')", 0),
    ("is_email('<a@b.c>')", 0),
    ("is_email('\"\"@b.c')", 0),
    ("is_email('john@münchen.de')", 1),
    ("is_email('a@b.c.')", 1),
    ("is_email(['john@x.org', 'nope'])", 0),
    ("is_lowercase(['Ⅷ', 'ⅷ', 'ⓐ'])", "(0, 1, 1)"),
    ("is_uppercase(['Ⅷ', 'ⅷ', 'ⓐ'])", "(1, 0, 0)"),
    ("split_words('की x-y')", "('की',)"),
    ("rsplit_once('aaa', 'aa')", "('a', '')"),
    ("is_intersect([0, '::1'], ['x'])", 1),
    ("is_intersect(['a'], 'A')", 0),
    ("is_ip_addr('192.0.2.01')", 0),
    ("is_ip_addr('fe80::1%eth0')", 0),
    ("is_ip_addr('1' + '٢.0.0.1')", 0),
    ("is_ip_in_cidr('::ffff:10.0.0.1', '10.0.0.0/8')", 1),
    ("is_ip_in_cidr('10.0.0.1', '::ffff:10.0.0.0/104')", 1),
    ("is_ip_in_cidr('2001:db8::1', '10.0.0.0/8')", 0),
    ("is_ip_in_cidr('10.0.0.1', '10.0.0.0/+8')", 1),
    ("is_ip_in_cidr('10.0.0.1', '10.0.0.0/')", 0),
    ("is_ip_in_cidr('10.0.0.1', '10.0.0.0/99999999999')", 0),
    ("is_ip_in_cidr('10.0.0.1', '10.0.0.0/8/8')", 0),
    ("is_lowercase('straße 1')", 1),
    ("is_lowercase('ªa')", 1),
    ("is_uppercase('ǅ')", 0),
    ("len('é')", 2),
    ("lines('a\n\nb\r\nc\rd\n')", "('a', '', 'b', 'c\\rd')"),
    ("lines('a\r')", "('a\\r',)"),
    ("rsplit('aaa', 'aa')", "('', 'a')"),
    ("split('aaa', 'aa')", "('', 'a')"),
    ("split_n('a.b.c', '.', '18446744073709551615')", "('a', 'b', 'c')"),
    ("rsplit('a.b.c', '.')", "('c', 'b', 'a')"),
    ("rsplit_once('abc', '')", "('abc', '')"),
    ("rsplit_once('a.b.c', '.')", "('a.b', 'c')"),
    ("rsplit_once('abc', '.')", ""),
    ("sort([2, 'a', [1], 1.5, '', [], [1, 0], 'nan' * 1, 'B'], 1)", "(nan, 1.5, 2, '', 'B', 'a', (), (1,), (1, 0))"),
    ("sort([1, 2, 1.0], 0)", "(2, 1, 1.0)"),
    ("split('', '')", "('', '')"),
    ("split_n('a.b.c', '.', -1)", "('a', 'b', 'c')"),
    ("split_n('abc', '', 2)", "('', '', 'abc')"),
    ("split_once('abc', '')", "('', 'abc')"),
    ("split_words('a1 b-c  d\N{NO-BREAK SPACE}é')", "('a1', 'd', 'é')"),
    ("strip_suffix(['a.b', 'c'], '.b')", "('a', '')"),
    ("strip_suffix('abc', '')", "abc"),
    ("substring('abc', -1, 1)", ""),
    ("substring('abc', 1, -5)", "bc"),
    ("to_uppercase(['a', 1.0, ['x']])", "('A', '1', 'X')"),
    ("trim('\x1c a \N{EM SPACE}')", "\x1c a"),
]


@pytest.mark.parametrize(("text", "value"), CASES, ids=[ascii(text) for text, _ in CASES])
def test_function(text: str, value: object) -> None:
    found = Expression.parse(text, Schema({})).evaluate({})
    assert (repr(found) if isinstance(found, tuple) else found) == value


def test_both_branches_of_if_then_are_evaluated() -> None:
    expression = Expression.parse("[if_then(1, matches('a', 'a'), matches('b', 'x')), $0]", Schema({}))
    assert expression.evaluate({}) == (1, "")


def test_many_arrays_are_not_compared_with_each_other() -> None:
    array = "[" + ",".join(f"[{number}]" for number in range(1001)) + "]"
    for text in (f"dedup({array})", f"is_intersect({array}, 5)"):
        with pytest.raises(PolicyEvaluationError, match="more than 1000 arrays in an array can't be compared"):
            Expression.parse(text, Schema({})).evaluate({})


def test_a_text_that_grows_in_another_case_has_a_limit() -> None:
    with pytest.raises(PolicyEvaluationError, match="a text grew beyond 1048576 characters"):
        Expression.parse("to_uppercase(s)", Schema({"s": str})).evaluate({"s": "ΐ" * 500_000})


GROWTH = {
    "split": "split(s, '')",
    "split-parts": "split(s, 'a')",
    "rsplit": "rsplit(s, 'a')",
    "lines": "lines(to_lowercase(s))",
    "words": "split_words(s)",
    "split_n": "split_n(s, 'a', -1)",
    "split_n-empty": "split_n(s, '', -1)",
    "split_n-many": "split_n(s, '', 65536)",
}


@pytest.mark.parametrize("text", GROWTH.values(), ids=GROWTH)
def test_an_array_does_not_grow_beyond_its_limit(text: str) -> None:
    separators = {"lines(to_lowercase(s))": "a\n", "split_words(s)": "a "}
    subject = separators.get(text, "a") * (MAX_ARRAY_LENGTH + 1)
    with pytest.raises(PolicyEvaluationError, match=r"(more than|beyond) 65536 elements"):
        Expression.parse(text, Schema({"s": str})).evaluate({"s": subject})


def test_many_elements_are_compared_in_no_time() -> None:
    many = {"a": [str(number) for number in range(60_000)], "b": [f"x{number}" for number in range(60_000)]}
    started = time.process_time()
    for text in ("count(dedup(a))", "is_intersect(a, b)", "count(sort(a, 1))"):
        Expression.parse(text, Schema({"a": tuple, "b": tuple})).evaluate(many)
    assert time.process_time() - started < 60  # Each with each would be 3,600,000,000 comparisons.


@given(st.lists(values(), max_size=8).map(tuple))
def test_dedup_keeps_the_first_of_equal_elements(items: tuple[Value, ...]) -> None:
    kept: list[Value] = []
    for item in items:
        if not any(equal(item, other) for other in kept):
            kept.append(item)
    assert repr(dedup(items)) == repr(tuple(kept))


@given(st.lists(values(), max_size=6).map(tuple), st.lists(values(), max_size=6).map(tuple))
def test_is_intersect_compares_each_with_each(left: tuple[Value, ...], right: tuple[Value, ...]) -> None:
    assert is_intersect(left, right) == any(equal(a, b) for a in left for b in right)


@given(st.lists(values(), max_size=8))
def test_sort_is_one_order_whatever_came_in(items: list[Value]) -> None:
    forward, backward = sort(tuple(items), 1), sort(tuple(reversed(items)), 1)
    assert isinstance(forward, tuple)
    assert isinstance(backward, tuple)
    assert sorted(map(repr, forward)) == sorted(map(repr, items))
    assert all(
        equal(a, b) or repr(a) == repr(b) or repr(a).count("nan") for a, b in zip(forward, backward, strict=True)
    )


CALLABLE = {name: function for name, function in FUNCTIONS.items() if function.call}


@pytest.mark.parametrize("name", CALLABLE)
@given(
    arguments=st.lists(
        values() | st.integers(-2, 5) | st.sampled_from(["18446744073709551615", ""]), min_size=3, max_size=3
    )
)
def test_any_arguments_give_a_value_of_a_foreseen_type(name: str, arguments: list[Value]) -> None:
    function = CALLABLE[name]
    assert function.call
    try:
        result = function.call(*arguments[: function.arity[0]])
    except UnusableValueError:
        assert name == "split_n"
        return
    assert repr(language_value(result)) == repr(result)
    assert type(result) in function.returns
