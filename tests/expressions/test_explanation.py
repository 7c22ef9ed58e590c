"""Why a rule list gave what it gave."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from generated import FACTS, facts, rule_lists
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import DELIVERY, DeliveryContext, Expression, PolicyError, RuleList, Schema
from tlspolicy.expressions.explanation import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generated import Facts

    from tlspolicy import Explanation, Part, Tried

JANE = DeliveryContext(rcpt="jane@example.org", mx="mx.example", retry_num=1, expires_in=3)

# The text of an `if` that is followed by `else = 0`, and the lines that explain it.
CONDITIONS: dict[str, tuple[str, str]] = {
    "literal": ("1", "[0].if 1"),
    "constant": ("require", "[0].if require"),
    "negative-literal": ("-1.5", "[0].if -1.5"),
    "literals": ("['a', -1, require]", "[0].if ['a', -1, require]"),
    "name": ("retry_num", "[0].if retry_num → 1"),
    "text": ("mx", "[0].if mx → 'mx.example'"),
    "float": ("1 / 4", "[0].if 1 / 4 → 0.25"),
    "unknown-global": ("!$nothing", "[0].if !$nothing → 1\n    $nothing → 0"),
    "capture-of-nothing": ("$1 == ''", "[0].if $1 == '' → 1\n    $1 → ''"),
    "array": ("[mx, 1]", "[0].if [mx, 1] → ['mx.example', 1]\n    mx → 'mx.example'"),
    "index": ("[mx][0]", "[0].if [mx][0] → 'mx.example'\n    [mx] → ['mx.example']\n        mx → 'mx.example'"),
    "parentheses": (
        "!( retry_num\n == 2 )",
        "[0].if !( retry_num == 2 ) → 1\n    ( retry_num == 2 ) → 0\n        retry_num → 1",
    ),
    "duration": ("expires_in < 1m", "[0].if expires_in < 1m → 1\n    expires_in → 3\n    1m → 60000"),
    "or": (
        "retry_num || mx || rcpt",
        "[0].if retry_num || mx || rcpt → 1\n    retry_num → 1\n    mx (not evaluated)\n    rcpt (not evaluated)",
    ),
    "or-with-literals": ("retry_num || 5", "[0].if retry_num || 5 → 1\n    retry_num → 1"),
    "within-what-is-not-evaluated": (
        "!(priority && len(mx) > 5)",
        "[0].if !(priority && len(mx) > 5) → 1\n"
        "    (priority && len(mx) > 5) → 0\n"
        "        priority → 0\n"
        "        len(mx) > 5 (not evaluated)",
    ),
    "both-branches": (
        "if_then(retry_num, mx, rcpt)",
        "[0].if if_then(retry_num, mx, rcpt) → 'mx.example'\n"
        "    retry_num → 1\n"
        "    mx → 'mx.example'\n"
        "    rcpt → 'jane@example.org'",
    ),
    "captures": (
        "matches('^(.+)@(x)?', rcpt) && $1 == 'jane'",
        "[0].if matches('^(.+)@(x)?', rcpt) && $1 == 'jane' → 1\n"
        "    matches('^(.+)@(x)?', rcpt) → 1\n"
        "        rcpt → 'jane@example.org'\n"
        "        $0 = 'jane@'\n"
        "        $1 = 'jane'\n"
        "        $2 = ''\n"
        "    $1 == 'jane' → 1\n"
        "        $1 → 'jane'",
    ),
    "captures-of-the-whole": (
        "matches('m.', mx)",
        "[0].if matches('m.', mx) → 1\n    mx → 'mx.example'\n    $0 = 'mx'",
    ),
    "captures-cleared": (
        "matches('m', mx) && !matches('(y)', mx)",
        "[0].if matches('m', mx) && !matches('(y)', mx) → 1\n"
        "    matches('m', mx) → 1\n"
        "        mx → 'mx.example'\n"
        "        $0 = 'm'\n"
        "    !matches('(y)', mx) → 1\n"
        "        matches('(y)', mx) → 0\n"
        "            mx → 'mx.example'",
    ),
    "matches-not-evaluated": (
        "retry_num || matches('m', mx)",
        "[0].if retry_num || matches('m', mx) → 1\n    retry_num → 1\n    matches('m', mx) (not evaluated)",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONDITIONS.values(), ids=CONDITIONS)
def test_a_condition(text: str, expected: str) -> None:
    explanation = RuleList.parse([{"if": text, "then": 1}, {"else": 0}], DELIVERY).explain(JANE)
    assert str(explanation.tried[0]) == expected
    assert str(explanation) == f"{expected}\n[0].then 1 (decides)\n[1] (not tried)"


def rules_at(decides: int, count: int) -> Explanation:
    """The explanation of a list of so many rules, of which one decides."""
    rules: list[dict[str, object]] = [{"if": f"x == {number}", "then": f"{number} + 1"} for number in range(count)]
    return RuleList.parse([*rules, {"else": 0}], Schema({"x": int})).explain({"x": decides})


def keys(explanation: Explanation) -> list[str]:
    return [line for line in str(explanation).splitlines() if line.startswith("[")]


def test_what_is_not_tried() -> None:
    assert keys(rules_at(1, 5)) == [
        "[0].if x == 0 → 0",
        "[1].if x == 1 → 1",
        "[1].then 1 + 1 → 2 (decides)",
        "[2] to [5] (not tried)",
    ]
    assert [rules_at(decides, 3).untried for decides in (0, 1, 2, 9)] == [3, 2, 1, 0]


LENGTHS: dict[str, tuple[int, str]] = {
    "all-shown": (11, "[5].if x == 5 → 0"),
    "two-left-out": (12, "[5] to [6] (2 more, all false)"),
    "many-left-out": (50_000, "[5] to [49994] (49990 more, all false)"),
}


@pytest.mark.parametrize(("count", "sixth"), LENGTHS.values(), ids=LENGTHS)
def test_a_long_list_is_abridged(count: int, sixth: str) -> None:
    explanation = rules_at(count, count)
    shown = keys(explanation)
    assert shown[5] == sixth
    assert shown[-2:] == [f"[{count - 1}].if x == {count - 1} → 0", f"[{count}].else 0 (decides)"]
    assert len(shown) <= 12
    assert len(explanation.tried) == count + 1


def test_a_long_list_whose_last_rule_decides() -> None:
    assert keys(rules_at(99, 100))[-3:] == [
        "[99].if x == 99 → 1",
        "[99].then 99 + 1 → 100 (decides)",
        "[100] (not tried)",
    ]


def explained(text: str, **variables: Any) -> Explanation:
    kinds = {name: type(value) for name, value in variables.items()}
    return RuleList.parse(text, Schema(kinds)).explain(variables)


def test_many_parts_are_abridged() -> None:
    explanation = explained(f"[{', '.join('a' * 100)}, matches('(b)', 'b')]", a=1)
    assert str(explanation).splitlines()[-2:] == ["    a → 1", "    (83 more)"]
    assert len(explanation.tried[0].parts) == 101


def test_lines_fit() -> None:
    explanation = explained(f"ends_with(word + '{'x' * 99}', 'tls') && word != '{'y' * 99}'", word="z" * 99)
    assert str(explanation).splitlines() == [
        f"ends_with(word + '{'x' * 57}… → 0",
        f"    ends_with(word + '{'x' * 53}… → 0",
        f"        word + '{'x' * 26}… → '{'z' * 32}…",
        f"            word → '{'z' * 59}…",
        f"    word != '{'y' * 50}… (not evaluated)",
    ]
    assert {len(line) for line in str(explanation).splitlines()} == {80}
    assert {len(str(line)) for line in explanation.lines(level=1, width=60)} == {60}


def test_a_deep_line_keeps_some_room() -> None:
    lines = str(explained(f"{'!' * 30}word", word="w" * 99)).splitlines()
    assert lines[19:] == [f"{'    ' * 19}{'!' * 11}word → 0", f"{'    ' * 20}{'!' * 10}word → 1", "    (10 more)"]


def test_what_a_terminal_would_act_upon_is_replaced() -> None:
    lines = str(explained("word + '\x1b[31m\n  '", word="\x1b[2J \r\n  'a\"")).splitlines()
    assert lines == ["word + '�[31m ' → \"�[2J     'a\"�[31m   \"", '    word → "�[2J     \'a""']


SHOWN: dict[str, tuple[Any, str]] = {
    "integer": (-5, "-5"),
    "float": (0.5, "0.5"),
    "infinite": (float("-inf"), "-inf"),
    "text": ("a  b", "'a  b'"),
    "quote": ("it's", '"it\'s"'),
    "empty-text": ("", "''"),
    "empty-array": ((), "[]"),
    "nested-array": (((1, "a"), ()), "[[1, 'a'], []]"),
    "just-fits": ("x" * 18, f"'{'x' * 18}'"),
    "long-text": ("x" * 19, f"'{'x' * 18}…"),
    "long-array": (((1,) * 30,) * 2, "[[1, 1, 1, 1, 1, 1,…"),
}


@pytest.mark.parametrize(("value", "expected"), SHOWN.values(), ids=SHOWN)
def test_a_value_is_shown_as_it_is_spelled(value: Any, expected: str) -> None:
    assert shown(value, 20) == expected


DATA: dict[str, tuple[Any, dict[str, Any]]] = {
    "integer": (2**63 - 1, {"value": 2**63 - 1}),
    "float": (-0.5, {"value": -0.5}),
    "infinite": ((float("inf"), float("-inf"), float("nan")), {"value": ["inf", "-inf", "NaN"]}),
    "array": ((1, ("a", ())), {"value": [1, ["a", []]]}),
    "long-text": ("x" * 4_001, {"value": "x" * 4_000, "abridged": True}),
    "text-that-fits": ("x" * 4_000, {"value": "x" * 4_000}),
    "long-array": ((0,) * 4_001, {"value": [0] * 4_000, "abridged": True}),
    "array-that-fits": ((0,) * 4_000, {"value": [0] * 4_000}),
    "long-within": (((1, "x" * 4_000), 5), {"value": [[1, "x" * 3_997]], "abridged": True}),
    "no-room-for-characters": (("x" * 3_998, "y"), {"value": ["x" * 3_998, ""], "abridged": True}),
}


@pytest.mark.parametrize(("value", "expected"), DATA.values(), ids=DATA)
def test_a_value_as_data(value: Any, expected: dict[str, Any]) -> None:
    data = explained("!v", v=value).as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    part = data["tried"][0]["parts"][0]
    assert {key: part[key] for key in ("value", "abridged") if key in part} == expected


def test_captures_as_data() -> None:
    data = explained("matches('(?s)(a).(.*)', v) + (matches('x', v) && matches('', v))", v="ab" + "c" * 4_000).as_data()
    first, second = data["tried"][0]["parts"]
    assert first["captures"] == ["ab" + "c" * 3_997]
    assert first["abridged"]
    assert [part.get("captures") for part in second["parts"]] == [[], None]
    assert explained("matches('(b)', v)", v="b").as_data()["tried"][0]["captures"] == ["b", "b"]


def test_data_are_bounded_in_all() -> None:
    data = explained(f"if_then([{','.join('v' * 2_600)}], v, 0)", v="x" * 4_000).as_data()
    assert data["value"] == "x" * 4_000
    (array, last) = data["tried"][0]["parts"]
    part = array["parts"][0]
    assert (len(part["value"]), "abridged" in part) == (4_000, False)
    assert (part["value"], last["value"], last["abridged"]) == ("x" * 4_000, "", True)


def test_the_captures_of_one_rule_are_read_by_the_next() -> None:
    rules = [{"if": "matches('(.)', x) && 0", "then": 1}, {"if": "$1 == 'b'", "then": "$0"}, {"else": 2}]
    explanation = RuleList.parse(rules, Schema({"x": str})).explain({"x": "b"})
    assert [tried.key for tried in explanation.tried] == ["[0].if", "[1].if", "[1].then"]
    assert explanation.tried[0].parts[0].captures == ("b", "b")
    assert explanation.value == "b"


def test_answers_are_shown() -> None:
    asked: list[object] = []

    async def weekday(name: object) -> int:
        await asyncio.sleep(0)
        asked.append(name)
        return 5

    schema = Schema({}, functions={"weekday": weekday})
    rules = RuleList.parse([{"if": "weekday('a') > 6", "then": 1}, {"else": "weekday('b')"}], schema)
    explanation = asyncio.run(rules.explain_async({}))
    assert str(explanation) == "[0].if weekday('a') > 6 → 0\n    weekday('a') → 5\n[1].else weekday('b') → 5 (decides)"
    assert asked == ["a", "b"]


def parts_of(whole: Tried | Part) -> Iterator[tuple[Tried | Part, Part]]:
    """Every part below `whole`, and what it is a part of."""
    for part in whole.parts:
        yield whole, part
        yield from parts_of(part)


def explained_or_not(rules: RuleList, context: object) -> Explanation | str:
    try:
        return rules.explain(context)
    except PolicyError as error:
        return f"{type(error).__name__}: {error}"


@given(rule_lists(), facts())
def test_explains_what_is_evaluated(written: list[dict[str, str]], context: Facts) -> None:
    rules = RuleList.parse(written, FACTS)
    explanation = explained_or_not(rules, context)
    if isinstance(explanation, str):
        with pytest.raises(PolicyError) as raised:
            rules.outcome(context)
        assert explanation == f"{type(raised.value).__name__}: {raised.value}"
        return
    outcome = rules.outcome(context)
    assert repr((explanation.value, explanation.matched)) == repr((outcome.value, outcome.matched))
    last = len(rules.rules) if outcome.matched is None else outcome.matched
    assert explanation.untried == len(rules.rules) - last
    assert [tried.key.partition(".")[0] for tried in explanation.tried if tried.key.endswith(("if", "else"))] == [
        f"[{number}]" for number in range(last + 1) if rules.rules
    ]
    assert repr(pickle.loads(pickle.dumps(explanation))) == repr(explanation)  # noqa: S301
    data = explanation.as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data


@given(rule_lists(), facts())
def test_each_part_gave_what_it_gives(written: list[dict[str, str]], context: Facts) -> None:
    explanation = explained_or_not(RuleList.parse(written, FACTS), context)
    if isinstance(explanation, str):
        return
    for tried in explanation.tried:
        for whole, part in parts_of(tried):
            assert part.text in whole.text
            assert part.source == tried.text
            assert part.text
            if part.value is None:
                assert (part.captures, part.parts) == (None, ())
            elif "$" not in part.text:
                assert repr(Expression.parse(part.text, FACTS).evaluate(context)) == repr(part.value)
        for _, part in parts_of(tried):
            for left, right in zip(part.parts, part.parts[1:], strict=False):
                assert left.end <= right.start


@given(rule_lists(), facts(), st.integers(30, 120))
def test_lines_are_printable_and_of_one_width(written: list[dict[str, str]], context: Facts, width: int) -> None:
    explanation = explained_or_not(RuleList.parse(written, FACTS), context)
    if isinstance(explanation, str):
        return
    for line in explanation.lines(width=width):
        assert str(line).isprintable()
        assert len(str(line)) <= max(width, 4 * line.level + len(line.key) + len(line.note) + 31)
