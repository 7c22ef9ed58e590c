from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from generated import expression_texts, trees
from hypothesis import find, given, settings

from tlspolicy import PolicySyntaxError, PolicyValueError
from tlspolicy.expressions.nodes import Binary, Call, Index, Logical, Name, Node, String, Unary, children
from tlspolicy.expressions.parser import parse_expression
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.values import BINARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LITERALS = {
    "5": "5",
    "007": "7",
    "9223372036854775807": "9223372036854775807",
    "1.5": "1.5",
    "1.": "1.0",
    ".5": "0.5",
    "01.50": "1.5",
    "0.0": "0.0",
    "10000000000000000.0": "10000000000000000.0",
    "0.0000001": "0.0000001",
    "1" + "0" * 22 + ".": "1" + "0" * 22 + ".0",
    "0." + "0" * 323 + "5": "0." + "0" * 323 + "5",
    "9" * 400 + ".9": "1" + "0" * 309 + ".0",
    "5m": "5m",
    "005D": "5d",
    "500Ms": "500ms",
    "0s": "0s",
    "true": "true",
    "false": "false",
    "retry_num": "retry_num",
    "from.domain": "from.domain",
    "1h30m": "1h30m",
    "$0": "$0",
    "$01": "$1",
    "$12": "$12",
    "$1x": "$1x",
    "$NAME": "$NAME",
}

STRINGS = {
    "''": "''",
    '""': "''",
    '"a"': "'a'",
    "'a\"b'": "'a\"b'",
    '"a\'b"': '"a\'b"',
    r"'a\'b'": r"'a\'b'",
    r'"a\'b"': r"'a\'b'",
    r'"a\"b"': r"""'a\"b'""",
    r"""'a"b\'c'""": r"""'a"b\'c'""",
    r'''"a'b\"c"''': r'''"a'b\"c"''',
    r"'\d'": r"'\d'",
    r"'\\d'": r"'\\d'",
    r"'\n\r\t'": r"'\n\r\t'",
    r"'\\n'": r"'\\n'",
    "'\\\n\\\r\\\t'": r"'\n\r\t'",
    "'\n\r\t'": "'\n\r\t'",
    r"'nrt'": r"'nrt'",
    r"'\dn'": r"'\dn'",
    "'é\x00𝔘'": "'é\x00𝔘'",
}

OPERATORS = {
    "a|b": "a || b",
    "a||b": "a || b",
    "a&b": "a && b",
    "a&&b": "a && b",
    "a^b": "a ^ b",
    "a=b": "a == b",
    "a==b": "a == b",
    "a!=b": "a != b",
    "a<b": "a < b",
    "a=<b": "a <= b",
    "a<=b": "a <= b",
    "a>b": "a > b",
    "a=>b": "a >= b",
    "a>=b": "a >= b",
    "a+b": "a + b",
    "a-b": "a - b",
    "a*b": "a * b",
    "a/b": "a / b",
    "! a": "!a",
    "- a": "-a",
    "a=-b": "a == -b",
    "a--b": "a - -b",
    "a=!b": "a == !b",
}

BRACKETS = {
    "(a)": "a",
    "((5))": "5",
    "[ ]": "[]",
    "[ a,b , c ]": "[a, b, c]",
    "[(a || b)]": "[a || b]",
    "[[a], [[]]]": "[[a], [[]]]",
    "f ( )": "f()",
    "f(a,(b || c))": "f(a, b || c)",
    "f((g(a)))": "f(g(a))",
    "a [ 0 ]": "a[0]",
    "a[(b || c)]": "a[b || c]",
    "(a[0])[1]": "a[0][1]",
    "a[b[0]][1]": "a[b[0]][1]",
    "(5)[0]": "5[0]",
    "'abc'[0]": "'abc'[0]",
    "$1[0]": "$1[0]",
    "(f(a))[0]": "f(a)[0]",
    "([a])[0]": "[a][0]",
}

# Of each two neighbouring levels: the looser inside the tighter, then the tighter inside the looser.
LEVELS = {
    "(a || b) && c": "(a || b) && c",
    "a && (b || c)": "a && (b || c)",
    "(a && b) || (c && d)": "a && b || c && d",
    "(a && b) ^ c": "(a && b) ^ c",
    "a ^ (b && c)": "a ^ (b && c)",
    "(a ^ b) && (c ^ d)": "a ^ b && c ^ d",
    "(a ^ b) == c": "(a ^ b) == c",
    "a != (b ^ c)": "a != (b ^ c)",
    "(a == b) ^ (c != d)": "a == b ^ c != d",
    "(a == b) < c": "(a == b) < c",
    "a >= (b != c)": "a >= (b != c)",
    "(a < b) == (c >= d)": "a < b == c >= d",
    "(a <= b) + c": "(a <= b) + c",
    "a - (b > c)": "a - (b > c)",
    "(a + b) <= (c - d)": "a + b <= c - d",
    "(a + b) * c": "(a + b) * c",
    "a / (b - c)": "a / (b - c)",
    "(a * b) + (c / d)": "a * b + c / d",
    "-(a * b)": "-(a * b)",
    "!(a / b)": "!(a / b)",
    "(-a) * (!b)": "-a * !b",
    "(-a)[0]": "(-a)[0]",
    "(!a)[0]": "(!a)[0]",
    "-(a[0])": "-a[0]",
    "(a * b)[0]": "(a * b)[0]",
    "(a || b)[0]": "(a || b)[0]",
}

# Of one level: operators group from the left, and a bare run of `&&` or `||` is one node.
GROUPS = {
    "--1": "--1",
    "-(-1)": "--1",
    "!(-a)": "!-a",
    "-!a": "-!a",
    "(!a) == b": "!a == b",
    "!(a == b)": "!(a == b)",
    "(a - b) - c": "a - b - c",
    "a - (b - c)": "a - (b - c)",
    "(a * b) / c": "a * b / c",
    "a * (b / c)": "a * (b / c)",
    "(a < b) >= c": "a < b >= c",
    "a < (b >= c)": "a < (b >= c)",
    "(a == b) != c": "a == b != c",
    "a == (b != c)": "a == (b != c)",
    "(a ^ b) ^ c": "a ^ b ^ c",
    "a ^ (b ^ c)": "a ^ (b ^ c)",
    "a || b || c": "a || b || c",
    "(a || b) || c": "(a || b) || c",
    "a || (b || c)": "a || (b || c)",
    "a && b && c": "a && b && c",
    "(a && b) && c": "(a && b) && c",
    "a && (b && c)": "a && (b && c)",
    "((a || b) || c) || d": "((a || b) || c) || d",
}

TEXTS = LITERALS | STRINGS | OPERATORS | BRACKETS | LEVELS | GROUPS


@pytest.mark.parametrize(("text", "canonical"), TEXTS.items(), ids=[text[:40] for text in TEXTS])
def test_canonical_text(text: str, canonical: str) -> None:
    tree = parse_expression(text)
    assert printed(tree) == canonical
    assert parse_expression(canonical) == tree


UNWRITABLE = {
    "\\": ("a backslash at its end would protect the closing quote", "\\"),
    "a\\\\": ("a backslash at its end would protect the closing quote", "\\"),
    r"a\n": ("a backslash makes a line break or a tab of the letter after it", r"\n"),
    r"\\r": ("a backslash makes a line break or a tab of the letter after it", r"\r"),
    r"\tt": ("a backslash makes a line break or a tab of the letter after it", r"\t"),
    "a'b\"c": ("there are quotes of both kinds without a backslash before them", '"'),
    r"""\'"'\"""": ("there are quotes of both kinds without a backslash before them", '"'),
    "a\ud800": ("a lone surrogate is no character", "\ud800"),
}


@pytest.mark.parametrize(("value", "complaint"), UNWRITABLE.items(), ids=map(ascii, UNWRITABLE))
def test_a_text_that_no_literal_has(value: str, complaint: tuple[str, str]) -> None:
    with pytest.raises(PolicyValueError) as raised:
        printed(Call("f", (String(value),)))
    error = raised.value
    reason = error.message.removeprefix("no string can be written that has this text: ")
    assert (reason, error.source[error.start : error.end]) == complaint


def nodes_of(tree: Node) -> Iterator[Node]:
    yield tree
    for child in children(tree):
        yield from nodes_of(child)


@pytest.mark.parametrize("kind", get_args(Node))
def test_every_kind_of_node_is_drawn(kind: type) -> None:
    find(  # It raises where there is none.
        trees(),
        lambda tree: any(isinstance(node, kind) for node in nodes_of(tree)),
        settings=settings(max_examples=2000, derandomize=True, database=None),
    )


@given(trees() | trees(right_arity=False))
def test_parsed_again_it_is_the_same_tree(tree: Node) -> None:
    text = printed(tree)
    again = parse_expression(text)
    assert again == tree
    assert repr(again) == repr(tree)  # It tells 1 from 1.0 and from True.
    assert printed(again) == text


_BRACKETS = re.compile(r"""'(?:[^'\\]|\\+[^\\])*'|"(?:[^"\\]|\\+[^\\])*"|[()]""")


def without_one_pair(text: str) -> Iterator[str]:
    """`text` without its first pair of parentheses to be closed, without the second, and so on."""
    opened = []
    for token in _BRACKETS.finditer(text):
        if token[0] == "(":
            opened.append(token.start())
        elif token[0] == ")":
            start, end = opened.pop(), token.start()
            yield f"{text[:start]} {text[start + 1 : end]} {text[end + 1 :]}"


def spared(text: str) -> list[str]:
    """`text` without each pair of parentheses that its tree does not need."""
    tree = parse_expression(text)
    return [fewer for fewer in without_one_pair(text) if parsed(fewer) == tree]


def parsed(text: str) -> Node | None:
    try:
        return parse_expression(text)
    except PolicySyntaxError:
        return None


@given(expression_texts())
def test_no_pair_of_parentheses_can_be_spared(text: str) -> None:
    assert spared(text) == []


OPERATIONS: dict[str, Callable[[Node, Node], Node]] = {
    **{operator: partial(Binary, operator) for operator in BINARY},
    "&&": lambda left, right: Logical("&&", (left, right)),
    "||": lambda left, right: Logical("||", (left, right)),
    "unary -": lambda operand, _: Unary("-", operand),
    "unary !": lambda operand, _: Unary("!", operand),
    "[]": Index,
}


@pytest.mark.parametrize("outer", OPERATIONS.values(), ids=OPERATIONS)
def test_every_operation_within_every_other(outer: Callable[[Node, Node], Node]) -> None:
    for operation in OPERATIONS.values():
        inner = operation(Name("b"), Name("c"))
        for tree in (outer(inner, Name("a")), outer(Name("a"), inner), outer(inner, inner)):
            assert parse_expression(printed(tree)) == tree
            assert spared(printed(tree)) == []


def expressions_in(case: dict[str, object]) -> Iterator[str]:
    """The texts of a vector: one expression, or the conditions and results of a rule list."""
    match case:
        case {"expr": str(text)}:
            yield text
        case {"if": list(rules), "else": str(otherwise)}:
            for rule in rules:
                yield from rule
            yield otherwise
        case _:
            raise AssertionError(case)


def is_kept(text: str) -> bool:
    """Whether printing keeps the tree of `text`; nothing is lost where it has none."""
    tree = parsed(text)
    return tree is None or parse_expression(printed(tree)) == tree


@pytest.mark.parametrize(
    "file", sorted((Path(__file__).parents[1] / "vectors").glob("*.jsonl")), ids=lambda file: file.stem
)
def test_vectors_keep_their_trees(file: Path) -> None:
    cases = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [case["id"] for case in cases if not all(map(is_kept, expressions_in(case)))] == []
