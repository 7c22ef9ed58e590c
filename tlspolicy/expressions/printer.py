"""Nodes to text: the one canonical spelling of a tree."""

from __future__ import annotations

import math
import re
import sys
from typing import Final

from tlspolicy.errors import PolicyValueError
from tlspolicy.expressions import values
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
)

# From the loosest to the tightest, as expression.lark has them.
_OPERATORS: Final = (("||",), ("&&",), ("^",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_LEVELS: Final = {operator: level for level, operators in enumerate(_OPERATORS) for operator in operators}
_UNARY: Final = len(_OPERATORS)
_POSTFIX: Final = _UNARY + 1

# No literal is infinite by its spelling: one with more digits than a float can hold is.
_INFINITY: Final = "1" + "0" * (sys.float_info.max_10_exp + 1)

_LETTERS: Final = {"\\\n": "\\n", "\\\r": "\\r", "\\\t": "\\t"}
_ESCAPES: Final = r"\\[\n\r\t]"
_SINGLE_QUOTE: Final = r"(?<!\\)'"
_DOUBLE_QUOTE: Final = r'(?<!\\)"'
_UNWRITABLE: Final = {
    r"\\\Z": "a backslash at its end would protect the closing quote",
    r"\\[nrt]": "a backslash makes a line break or a tab of the letter after it",
    r"[\ud800-\udfff]": "a lone surrogate is no character",
}


def printed(node: Node) -> str:
    """The canonical text of a tree that the parser made, or could have made: parsed, it is the same tree.

    Each operator has its first spelling; parentheses stand only where the tree would be another one without them. The
    text may be longer than the one that the tree was read from, and so than what the parser takes.

    Raises:
        PolicyValueError: it holds a text that no literal stands for; no tree of the parser's does.
    """
    match node:
        case Integer(value):
            return str(value)
        case Float(value):
            return _float(value)
        case Duration(count, unit):
            return f"{count}{unit}"
        case Boolean(value):
            return "true" if value else "false"
        case String(value):
            return _string(value)
        case Name(name) | Global(name):
            return name
        case Capture(group):
            return f"${group}"
        case Array(items):
            return f"[{_listed(items)}]"
        case Index(value, index):
            return f"{_operand(value, _POSTFIX)}[{printed(index)}]"
        case Call(function, arguments):
            return f"{function}({_listed(arguments)})"
        case Unary(operator, operand):
            return f"{operator}{_operand(operand, _UNARY)}"
        case Binary(operator, left, right):
            level = _LEVELS[operator]
            return f"{_operand(left, level)} {operator} {_operand(right, level + 1)}"
        case Logical(operator, operands):  # pragma: no branch (there is no other kind)
            # A run of one operator is one node: within another of it, it keeps its parentheses.
            tighter = _LEVELS[operator] + 1
            return f" {operator} ".join(_operand(operand, tighter) for operand in operands)


def _operand(node: Node, loosest: int) -> str:
    """`node` where nothing looser than the level `loosest` may stand without parentheses."""
    text = printed(node)
    return text if _level(node) >= loosest else f"({text})"


def _level(node: Node) -> int:
    if isinstance(node, (Binary, Logical)):
        return _LEVELS[node.operator]
    return _UNARY if isinstance(node, Unary) else _POSTFIX


def _listed(items: tuple[Node, ...]) -> str:
    return ", ".join(map(printed, items))


def _float(value: float) -> str:
    digits = _INFINITY if math.isinf(value) else values.text(value)
    return digits if "." in digits else f"{digits}.0"


def _string(value: str) -> str:
    """A literal of `value`: in single quotes unless one within would end it."""
    for pattern, reason in _UNWRITABLE.items():
        if found := re.search(pattern, value):
            raise _no_literal(value, found, reason)
    body = re.sub(_ESCAPES, lambda escape: _LETTERS[escape[0]], value)
    if not re.search(_SINGLE_QUOTE, value):
        return f"'{body}'"
    if found := re.search(_DOUBLE_QUOTE, value):
        raise _no_literal(value, found, "there are quotes of both kinds without a backslash before them")
    return f'"{body}"'


def _no_literal(value: str, found: re.Match[str], reason: str) -> PolicyValueError:
    return PolicyValueError(f"no string can be written that has this text: {reason}", value, *found.span())
