from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lark
import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import PolicySyntaxError
from tlspolicy.expressions import parser
from tlspolicy.expressions.nodes import (
    Array,
    Binary,
    Boolean,
    Call,
    Capture,
    Duration,
    Float,
    Global,
    Index,
    Integer,
    Logical,
    Name,
    Node,
    String,
    Unary,
    children,
)
from tlspolicy.expressions.parser import (
    MAX_EXPRESSION_DEPTH,
    MAX_EXPRESSION_LENGTH,
    MAX_RULES_LENGTH,
    parse_expression,
    parse_rules,
)

A, B, C = Name("a"), Name("b"), Name("c")

TREES = {
    "5": Integer(5),
    "007": Integer(7),
    "9223372036854775807": Integer(2**63 - 1),
    "1.5": Float(1.5),
    "1.": Float(1.0),
    ".5": Float(0.5),
    "5m": Duration(5, "m"),
    "500MS": Duration(500, "ms"),
    "0s": Duration(0, "s"),
    "true": Boolean(value=True),
    "false": Boolean(value=False),
    "truest": Name("truest"),
    "from.domain": Name("from.domain"),
    "$01": Capture(1),
    "$1x": Global("$1x"),
    "$NAME": Global("$NAME"),
    "''": String(""),
    r"'\d'": String(r"\d"),
    r"'a\'b'": String(r"a\'b"),
    r"'\n'": String("\\\n"),
    r"'\\n'": String("\\\\\n"),
    r"""'\t"\r'""": String('\\\t"\\\r'),
    "[]": Array(()),
    "[a, [b]]": Array((A, Array((B,)))),
    "a[b][c]": Index(Index(A, B), C),
    "'abc'[0]": Index(String("abc"), Integer(0)),
    "a()": Call("a", ()),
    "a (b, c)": Call("a", (B, C)),
    "!a == b": Binary("==", Unary("!", A), B),
    "--a": Unary("-", Unary("-", A)),
    "[-a]": Array((Unary("-", A),)),
    "-a[b]": Unary("-", Index(A, B)),
    "a - -b": Binary("-", A, Unary("-", B)),
    "a=b": Binary("==", A, B),
    "a=<b": Binary("<=", A, B),
    "a=>b": Binary(">=", A, B),
    "a=-b": Binary("==", A, Unary("-", B)),
    "a - b - c": Binary("-", Binary("-", A, B), C),
    "a - (b - c)": Binary("-", A, Binary("-", B, C)),
    "a + b * c": Binary("+", A, Binary("*", B, C)),
    "a < b == c": Binary("==", Binary("<", A, B), C),
    "a ^ b == c": Binary("^", A, Binary("==", B, C)),
    "a && b ^ c": Logical("&&", (A, Binary("^", B, C))),
    "a | b & c": Logical("||", (A, Logical("&&", (B, C)))),
    "a || b || c": Logical("||", (A, B, C)),
    "(a || b) || c": Logical("||", (Logical("||", (A, B)), C)),
    "\ta\r\n": A,
}


@pytest.mark.parametrize(("text", "tree"), TREES.items(), ids=TREES)
def test_tree(text: str, tree: Node) -> None:
    assert parse_expression(text) == tree


@pytest.mark.parametrize("text", TREES, ids=TREES)
def test_every_node_knows_where_it_stands(text: str) -> None:
    def check(node: Node, start: int, end: int) -> None:
        assert start <= node.start < node.end <= end
        assert parse_expression(text[node.start : node.end]) == node
        for child in children(node):
            check(child, node.start, node.end)

    if text != "(a || b) || c":  # The run without its parentheses is another tree.
        check(parse_expression(text), 0, len(text))


COMPLAINTS = {
    "": ("the expression is empty", ""),
    " \n": ("the expression is empty", ""),
    "1 2": ("an operator is missing between '1' and '2'", "2"),
    "last_error 'tls'": ("an operator is missing between 'last_error' and \"'tls'\"", "'tls'"),
    "retry_num >": ("a value is missing at the end", ""),
    "+ 1": ("a value is missing before '+'", "+"),
    "1 + + 2": ("a value is missing between '+' and '+'", "+"),
    "()": ("a value is missing between '(' and ')'", ")"),
    "(1, 2)": ("a ',' stands between arguments or elements alone; a list of values is written [a, b]", ","),
    "[1,]": ("a value is missing between ',' and ']'", "]"),
    "[,1]": ("a value is missing between '[' and ','", ","),
    "f(1,,2)": ("a value is missing between ',' and ','", ","),
    "true(1)": ("an operator is missing between 'true' and '('", "("),
    "a === b": ("'=' can't stand here: '===' is written '=='", "="),
    "a <> b": ("'>' can't stand here: '<>' is written '!='", ">"),
    "a and b": ("'and' can't stand here: 'and' is written '&&'", "and"),
    "not a": ("'a' can't stand here: 'not' is written '!'", "a"),
    "a in [b]": ("'in' can't stand here: 'x in [a, b]' is written 'contains([a, b], x)'", "in"),
    "a =~ b": ("'~' can't stand here: a regular expression is written 'matches('…', x)'", "~"),
    "a ? b": ("'?' can't stand here: a choice is written 'if_then(condition, a, b)'", "?"),
    "a # b": ("'#' can't stand here: there are no comments in an expression", "#"),
    "a == ‘x’": ("'‘' can't stand here: a text is written in straight quotes: 'text'", "‘"),
    "[{if=1}]": ("'{' can't stand here: a list of rules stands without quotes around it", "{"),
    "a > 5ſ": ("'ſ' can't stand here", "ſ"),
    "a @ b": ("'@' can't stand here", "@"),
    "a > 1 }": ("'}' can't stand here", "}"),
    "a \x00": ("'\\x00' can't stand here", "\x00"),
    "\N{BYTE ORDER MARK}a": ("'\\ufeff' can't stand here", "\N{BYTE ORDER MARK}"),
    "'abc": ("this string never ends", "'abc"),
    r"'a\'": ("this string never ends; the backslash protects the quote after it", r"'a\'"),
    "(1": ("this '(' is never closed", "("),
    "f([1)": ("this ')' does not close the '[' at column 3", ")"),
    "1]": ("this ']' closes nothing", "]"),
    "$": ("'$' can't stand here", "$"),
    "9223372036854775808": (
        "this integer is larger than 64 bits can hold (9223372036854775807)",
        "9223372036854775808",
    ),
    "1" * 5000: ("this integer is larger than 64 bits can hold (9223372036854775807)", "1" * 5000),
    "106751991168d": (
        "this duration, in milliseconds, is larger than 64 bits can hold",
        "106751991168d",
    ),
    "a + '\ud800'": ("a lone surrogate is no character", "\ud800"),
}


@pytest.mark.parametrize(("text", "complaint"), COMPLAINTS.items(), ids=[ascii(text)[:40] for text in COMPLAINTS])
def test_complaint(text: str, complaint: tuple[str, str]) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        parse_expression(text)
    error = raised.value
    assert (error.message, error.source[error.start : error.end]) == complaint


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        pytest.param("a".ljust(MAX_EXPRESSION_LENGTH), True, id="longest"),
        pytest.param("a".ljust(MAX_EXPRESSION_LENGTH + 1), False, id="too-long"),
        pytest.param("!" * (MAX_EXPRESSION_DEPTH - 1) + "a", True, id="deepest"),
        pytest.param("!" * MAX_EXPRESSION_DEPTH + "a", False, id="too-deep"),
        pytest.param(" + ".join("a" * MAX_EXPRESSION_DEPTH), True, id="most-operators"),
        pytest.param(" + ".join("a" * (MAX_EXPRESSION_DEPTH + 1)), False, id="too-many-operators"),
        pytest.param(" || ".join("a" * 5000), True, id="long-disjunction"),
        pytest.param("(" * 30000 + "a" + ")" * 30000, True, id="parentheses-are-no-levels"),
        pytest.param("[" * 50000, False, id="open-brackets"),
        pytest.param("[" * 100_000, False, id="100000-open-brackets"),
        pytest.param("a[" * 20000 + "0" + "]" * 20000, False, id="nested-index"),
    ],
)
def test_limit(text: str, *, fits: bool) -> None:
    if fits:
        parse_expression(text)
    else:
        with pytest.raises(PolicySyntaxError):
            parse_expression(text)


RULES = {
    "toml": """
        [ { if = "retry_num > 1 && last_error == 'tls'", then = "disable"},   # relaxed
        { else = "require" }, ]""",
    "toml-strings": """[{if='''a''', then="\\u0061"}, {'else' = \"\"\"
b \\
  c\"\"\"}]""",
    "toml-scalars": '[{if=true,then=-1_000},{"else"=0x1F,}]',
    "json": '[{"if": "a == \\"b\\"", "then": true}, {"else": 1e3}]',
    "empty-rule": "[{}]",
    "comment-within": "[ # one\n { # two\n if = 1 # three\n , # four\n then = 2 # five\n } # six\n ] # seven",
    "crlf": "[{if=1,\r\nthen=2},\r\n{else=3}]\r\n",
}


@pytest.mark.parametrize("text", RULES.values(), ids=RULES)
def test_rules_mean_what_they_mean_in_a_file(text: str) -> None:
    in_file = json.loads(text) if text.startswith('[{"if":') else tomli.loads(f"rules = {text.strip()}")["rules"]
    assert parse_rules(text) == in_file


RULES_COMPLAINTS = {
    "[": ("this '[' is never closed", "["),
    "[{if=1}{else=2}]": ("',' or ']' is missing between '}' and '{'", "{"),
    "[{if}]": ("'}', a key ('if', 'then' or 'else') or a string is missing between '{' and 'if'", "if"),
    "[{if=1,if=2}]": ("the key 'if' stands twice in this rule", "if"),
    "[{if=}]": ("a string or a value is missing between '=' and '}'", "}"),
    "[{if=#\n1}]": ("TOML wants a key, '=' and the start of its value on one line", "="),
    '[{"if"\n=1}]': ("':' is missing between '\"if\"' and '='", "="),
    "[{if=1}, # \x01\n{}]": ("'\\x01' can't stand here", "\x01"),
    "[{if=1},\r{else=2}]": ("'\\r' can't stand here", "\r"),
    "[{if=[1]}]": ("a string or a value is missing between '=' and '['", "["),
    "[{if=\n1}]": ("TOML wants a key, '=' and the start of its value on one line", "="),
    "[{if=abc}]": ("this is no value: an expression is written in quotes", "abc"),
    "[{if=" + "1" * 5000 + "}]": ("this is no value of TOML", "1" * 5000),
    '[{if="x}]': ("this string never ends", '"x}]'),
    "[{'if':1}]": (
        "this is no value of JSON; 'key = value' is TOML's spelling, '\"key\": value' JSON's",
        "'if'",
    ),
    r'[{if="\S"}]': (
        "unescaped '\\' in a string: write each backslash twice (\"…\\\\S…\"), or use '''…''', which keeps them "
        "as they are",
        r'"\S"',
    ),
    "[{if=1}] x": ("nothing may follow the ']' that closes the list", "x"),
}


@pytest.mark.parametrize(("text", "complaint"), RULES_COMPLAINTS.items(), ids=[text[:20] for text in RULES_COMPLAINTS])
def test_rules_complaint(text: str, complaint: tuple[str, str]) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        parse_rules(text)
    error = raised.value
    assert (error.message, error.source[error.start : error.end]) == complaint


def test_rules_length_is_limited() -> None:
    with pytest.raises(PolicySyntaxError, match="a list of rules may have"):
        parse_rules(" " * (MAX_RULES_LENGTH + 1))


_PIECES = st.sampled_from(
    [
        "a",
        "retry_num",
        "1",
        "1.5",
        "5m",
        "'x'",
        "'x",
        '"y"',
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        "=",
        "==",
        "!=",
        "<",
        ">",
        "<=",
        "=>",
        "!",
        "-",
        "+",
        "*",
        "/",
        "^",
        "&",
        "&&",
        "|",
        "||",
        "$1",
        "$x",
        "\\",
        "'",
        '"',
        "#",
        "\n",
        "é",
    ]
)


@given(st.lists(_PIECES, max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_tree_or_an_error_that_points_into_it(text: str) -> None:
    try:
        parse_expression(text)
    except PolicySyntaxError as error:
        assert 0 <= error.start <= error.end <= len(text)
        assert error.message
        assert "\n    " in str(error) or not text


_RULE_PIECES = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        ",",
        "=",
        ":",
        "if",
        "then",
        "else",
        '"if"',
        '"a\\S"',
        "'b'",
        "1",
        "true",
        "x",
        "#",
        "\n",
        '"""',
        "é",
    ]
)


@given(st.lists(_RULE_PIECES, max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_a_list_of_rules_or_an_error(text: str) -> None:
    try:
        assert isinstance(parse_rules(text), list)
    except PolicySyntaxError as error:
        assert 0 <= error.start <= error.end <= len(text)


def numbered_anew(stored: dict[str, Any], start: str) -> tuple[Any, ...]:
    """Lark's tables without the numbers that it gives to states, tokens and rules, which are others each time."""
    rules = {number: {**entry, "order": 0} for number, entry in stored["memo"].items()}
    tables = stored["data"]["parser"]["parser"]
    order = [str(tables["start_states"][start])]
    states: list[dict[str, Any]] = []
    for state in order:
        actions = {tables["tokens"][token]: action for token, action in tables["states"][state].items()}
        order += [str(to) for _, (kind, to) in sorted(actions.items()) if kind == 0 and str(to) not in order]
        named = {name: rules[str(to["@"])] if kind else order.index(str(to)) for name, (kind, to) in actions.items()}
        states.append(named)
    terminals = [entry for entry in rules.values() if entry["__type__"] == "TerminalDef"]
    named_terminals = {entry["name"]: (entry["priority"], entry["pattern"]["value"]) for entry in terminals}
    return states, named_terminals, stored["data"]["options"]


@pytest.mark.parametrize("name", ["expression", "rules"])
def test_the_stored_tables_are_those_of_the_grammar(name: str) -> None:
    stored = (Path(parser.__file__).parent / "tables" / f"{name}.json").read_text(encoding="utf-8")
    if json.loads(stored)["lark"] != lark.__version__:
        pytest.skip("another version of Lark has made them, and they are not used")
    # Written by: python -c "from tlspolicy.expressions.parser import tables; print(tables('…'), end='')"
    assert numbered_anew(json.loads(stored), name) == numbered_anew(json.loads(parser.tables(name)), name)


def test_another_version_of_lark_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lark, "__version__", "1.2.0")
    parser._expression_parser.cache_clear()  # noqa: SLF001
    try:
        assert parse_expression("retry_num  > 0") == Binary(">", Name("retry_num"), Integer(0))
    finally:
        parser._expression_parser.cache_clear()  # noqa: SLF001
