"""Text to nodes. Lark ends here: no tree, token or exception of it leaves this module."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pkgutil import get_data
from sys import intern
from typing import TYPE_CHECKING, Any, Final

import lark
import tomli
from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.grammar import Rule
from lark.lexer import TerminalDef

from tlspolicy.errors import Place, PolicySyntaxError
from tlspolicy.expressions import nodes
from tlspolicy.expressions.complaints import (
    Complaint,
    Piece,
    toml_complaint,
    unexpected_character,
    unexpected_token,
)
from tlspolicy.expressions.values import INT_MAX

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from tlspolicy.expressions.nodes import Node

MAX_EXPRESSION_LENGTH = 65_536
MAX_EXPRESSION_DEPTH = 64
_SHORT: Final = 200
MAX_RULES_LENGTH = 524_288

_INT_MAX_DIGITS = len(str(INT_MAX))
_FIRST_SPELLING: Final = {"=": "==", "=<": "<=", "=>": ">="}
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t"}


def parse_expression(text: str, place: Place = Place()) -> Node:
    """Parse one expression.

    Args:
        text: an expression by `grammar/expression.lark`, of at most `MAX_EXPRESSION_LENGTH` characters and
            `MAX_EXPRESSION_DEPTH` levels.
        place: where it stands, for errors.

    Raises:
        PolicySyntaxError: it is none, or beyond a limit.
    """
    if len(text) <= _SHORT:
        with suppress(PolicySyntaxError):  # Parsed again below, to say where.
            return _short_expression(text)
    return _expression(text, place)


@lru_cache(maxsize=1_024)
def _short_expression(text: str) -> Node:
    """Rules say the same again and again, `require` above all; a tree can be shared, since nothing changes it."""
    return _expression(text, Place())


def _expression(text: str, place: Place) -> Node:
    _check_text(text, MAX_EXPRESSION_LENGTH, "an expression", place)
    if not text.strip(" \t\r\n"):
        raise PolicySyntaxError("the expression is empty", text, place=place)
    node: Node = _parse(_expression_parser(), text, place)
    _check_depth(node, text, place)
    return node


def parse_rules(text: str, place: Place = Place()) -> list[dict[str, object]]:
    """Parse a list of rules into the data that TOML or JSON would give: a list of tables of strings and scalars.

    Args:
        text: a list by `grammar/rules.lark`.
        place: where it stands, for errors.

    Raises:
        PolicySyntaxError: it is none, or beyond a limit. What the expressions in it say is not looked at.
    """
    _check_text(text, MAX_RULES_LENGTH, "a list of rules", place)
    rules: list[dict[str, object]] = _parse(_rules_parser(), text, place)
    return rules


class _SpellingError(Exception):
    """A token that its grammar lets pass and that still can't be: raised by the builders, given a place by `_parse`."""

    def __init__(self, message: str, token: Token) -> None:
        super().__init__(message, token)
        self.message = message
        self.token = token


def _integer(digits: str, token: Token) -> int:
    """The value of `digits`, without handing thousands of them to `int()`."""
    significant = digits.lstrip("0") or "0"
    if len(significant) > _INT_MAX_DIGITS or (value := int(significant)) > INT_MAX:
        message = f"this integer is larger than 64 bits can hold ({INT_MAX})"
        raise _SpellingError(message, token)
    return value


def _unescaped(body: str) -> str:
    """The value of a string: backslashes stay, and protect the character after them."""
    if "\\" not in body:
        return body
    value: list[str] = []
    protected = False
    for character in body:
        value.append(_ESCAPES.get(character, character) if protected else character)
        protected = character == "\\"
    return "".join(value)


class _ExpressionBuilder(Transformer[Token, "Node"]):
    """One method for each rule or alias of expression.lark, called as soon as Lark has read it."""

    @v_args(inline=True)
    def integer(self, token: Token) -> Node:
        return nodes.Integer(_integer(token, token), **_span(token))

    @v_args(inline=True)
    def floating(self, token: Token) -> Node:
        return nodes.Float(float(token), **_span(token))

    @v_args(inline=True)
    def duration(self, token: Token) -> Node:
        digits = token.rstrip("dhmsDHMS")
        unit = token[len(digits) :].lower()
        count = _integer(digits, token)
        if count * nodes.MILLISECONDS[unit] > INT_MAX:
            message = "this duration, in milliseconds, is larger than 64 bits can hold"
            raise _SpellingError(message, token)
        return nodes.Duration(count, unit, **_span(token))

    @v_args(inline=True)
    def boolean(self, word: Token) -> Node:
        return nodes.Boolean(word == "true", **_span(word))

    @v_args(inline=True)
    def string(self, token: Token) -> Node:
        return nodes.String(_unescaped(token[1:-1]), **_span(token))

    @v_args(inline=True)
    def name(self, token: Token) -> Node:
        return nodes.Name(intern(str(token)), **_span(token))

    @v_args(inline=True)
    def capture(self, token: Token) -> Node:
        # Any number beyond the groups of a pattern means the same: a capture that is not there.
        digits = token[1:].lstrip("0") or "0"
        return nodes.Capture(int(digits[:_INT_MAX_DIGITS]), **_span(token))

    @v_args(inline=True)
    def global_name(self, token: Token) -> Node:
        return nodes.Global(intern(str(token)), **_span(token))

    @v_args(inline=True)
    def unary(self, operator: Token, operand: Node) -> Node:
        return nodes.Unary(intern(str(operator)), operand, start=_start(operator), end=operand.end)

    @v_args(inline=True)
    def binary(self, left: Node, operator: Token, right: Node) -> Node:
        spelling = intern(_FIRST_SPELLING.get(operator, str(operator)))
        return nodes.Binary(spelling, left, right, start=left.start, end=right.end)

    def disjunction(self, operands: list[Node]) -> Node:
        return nodes.Logical("||", tuple(operands), start=operands[0].start, end=operands[-1].end)

    def conjunction(self, operands: list[Node]) -> Node:
        return nodes.Logical("&&", tuple(operands), start=operands[0].start, end=operands[-1].end)

    @v_args(inline=True)
    def index(self, value: Node, _open: Token, index: Node, close: Token) -> Node:
        return nodes.Index(value, index, start=value.start, end=_end(close))

    def call(self, children: list[Token | Node | None]) -> Node:
        first, last = children[0], children[-1]
        assert isinstance(first, Token) and isinstance(last, Token)  # noqa: S101, PT018  (for the type checker)
        return nodes.Call(intern(str(first)), _operands(children), start=_start(first), end=_end(last))

    def array(self, children: list[Token | Node | None]) -> Node:
        first, last = children[0], children[-1]
        assert isinstance(first, Token) and isinstance(last, Token)  # noqa: S101, PT018  (for the type checker)
        return nodes.Array(_operands(children), start=_start(first), end=_end(last))

    @v_args(inline=True)
    def group(self, opening: Token, node: Node, closing: Token) -> Node:
        return replace(node, start=_start(opening), end=_end(closing))


class _RulesBuilder(Transformer[Token, "list[dict[str, object]]"]):
    """One method for each rule or alias of rules.lark."""

    def rules(self, rules: list[dict[str, object] | None]) -> list[dict[str, object]]:
        return [rule for rule in rules if rule is not None]

    def rule(self, pairs: list[tuple[Token, str, object] | None]) -> dict[str, object]:
        rule: dict[str, object] = {}
        for token, key, value in filter(None, pairs):
            if key in rule:
                message = f"the key {key!r} stands twice in this rule"
                raise _SpellingError(message, token)
            rule[key] = value
        return rule

    @v_args(inline=True)
    def toml_pair(self, key: Token, _assign: Token, value: Token) -> tuple[Token, str, object]:
        name = str(key) if key.type == "KEY" else str(_toml_value(key))
        return key, name, _toml_value(value)

    @v_args(inline=True)
    def json_pair(self, key: Token, value: Token) -> tuple[Token, str, object]:
        return key, str(_json_value(key)), _json_value(value)


def _toml_value(token: Token) -> object:
    try:
        return tomli.loads(f"value = {token}")["value"]
    except tomli.TOMLDecodeError as error:
        raise _SpellingError(toml_complaint(error.msg), token) from None
    except ValueError:
        message = "this is no value of TOML"
        raise _SpellingError(message, token) from None


def _json_value(token: Token) -> object:
    try:
        return json.loads(token)
    except ValueError:
        message = "this is no value of JSON; 'key = value' is TOML's spelling, '\"key\": value' JSON's"
        raise _SpellingError(message, token) from None


def _operands(children: list[Token | Node | None]) -> tuple[Node, ...]:
    return tuple([child for child in children if child is not None and not isinstance(child, Token)])


def _start(token: Token) -> int:
    return token.start_pos or 0


def _end(token: Token) -> int:
    return token.end_pos or 0


def _span(token: Token) -> dict[str, int]:
    return {"start": _start(token), "end": _end(token)}


@lru_cache(maxsize=1)
def _expression_parser() -> Lark:
    return _stored("expression", _ExpressionBuilder()) or _built("expression", _ExpressionBuilder())


@lru_cache(maxsize=1)
def _rules_parser() -> Lark:
    return _stored("rules", _RulesBuilder()) or _built("rules", _RulesBuilder())


def tables(name: str) -> str:
    """The tables of the parser of a grammar, as they are stored in `tables/`: to make them takes Lark a while.

    Args:
        name: the grammar's, and that of its first rule: `expression` or `rules`.
    """
    data, memo = _built(name, None).memo_serialize([TerminalDef, Rule])
    # Where the grammar stood when the tables were made is nobody's business.
    data["options"] |= {"import_paths": [], "source_path": None}
    return (
        json.dumps({"lark": lark.__version__, "data": data, "memo": memo}, sort_keys=True, separators=(",", ":")) + "\n"
    )


def _stored(name: str, builder: Transformer[Token, Any]) -> Lark | None:
    """The parser of the stored tables; `None` where another version of Lark has made them."""
    stored = json.loads(get_data(__package__, f"tables/{name}.json") or "{}", object_pairs_hook=_with_numbers)
    if stored.get("lark") != lark.__version__:
        return None
    stored["data"]["options"]["transformer"] = builder
    parser: Lark = Lark.load(stored)
    return parser


def _with_numbers(pairs: list[tuple[str, object]]) -> dict[str | int, object]:
    """An object of JSON whose keys may be numbers, as they are in Lark's tables."""
    return {int(key) if key.isdecimal() else key: value for key, value in pairs}


def _built(name: str, builder: Transformer[Token, Any] | None) -> Lark:
    """The parser of a grammar, which is read."""
    folder = _grammar_folder()
    return Lark(
        (folder / f"{name}.lark").read_text(encoding="utf-8"),
        start=name,
        parser="lalr",
        transformer=builder,
        maybe_placeholders=False,
        import_paths=[str(folder)],
    )


def _grammar_folder() -> Traversable:
    """`tlspolicy/grammar` in an installed package; in a checkout, the folder beside the package."""
    from importlib import resources  # noqa: PLC0415  (wanted only where there are no stored tables)
    from pathlib import Path  # noqa: PLC0415

    installed = resources.files("tlspolicy") / "grammar"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "grammar"


def _check_text(text: str, limit: int, what: str, place: Place) -> None:
    if len(text) > limit:
        message = f"{what} may have {limit} characters, this has {len(text)}"
        raise PolicySyntaxError(message, place=place)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        message = "a lone surrogate is no character"
        raise PolicySyntaxError(message, text, error.start, error.end, place) from None


def _check_depth(root: Node, text: str, place: Place) -> None:
    """Bound the depth, so that nothing that walks a tree runs out of stack. Itself it needs none."""
    level = [root]
    for _ in range(MAX_EXPRESSION_DEPTH):
        level = [child for node in level for child in nodes.children(node)]
        if not level:
            return
    message = f"an expression may have {MAX_EXPRESSION_DEPTH} levels, or operators in a row: this is one more"
    raise PolicySyntaxError(message, text, level[0].start, level[0].end, place)


def _parse(parser: Lark, text: str, place: Place) -> Any:  # noqa: ANN401  (what the parser's builder makes)
    try:
        return parser.parse(text)
    except _SpellingError as error:
        raise PolicySyntaxError(error.message, text, _start(error.token), _end(error.token), place) from None
    except UnexpectedInput as error:
        complaint = _complaint(parser, error, text)
        raise PolicySyntaxError(complaint.message, text, complaint.start, complaint.end, place) from None


def _complaint(parser: Lark, error: UnexpectedInput, text: str) -> Complaint:
    if not isinstance(error, UnexpectedToken):
        return unexpected_character(text, error.pos_in_stream or 0)
    if error.token.type == "$END":  # It carries the position of the last token.
        return unexpected_token(text, _pieces(parser, text), None, error.accepts)
    token = Piece(str(error.token), _start(error.token))
    return unexpected_token(text, _pieces(parser, text[: token.start]), token, error.accepts)


def _pieces(parser: Lark, text: str) -> list[Piece]:
    return [Piece(str(token), _start(token)) for token in parser.lex(text)]
