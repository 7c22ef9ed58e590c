"""The canonical spelling of a policy's expressions, in a text of which all else stays as it is.

Which texts of a file are expressions is asked of those who read policies, so that no layout is known here: every text
that is the value of a key is replaced by a mark of its own, the marked file is parsed beside the file, and the marks
say which literal each text was written as. The policy that is made of these texts has some of them in its rules.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tlspolicy import config
from tlspolicy.cli.contents import expressions
from tlspolicy.errors import Place, PolicyError
from tlspolicy.expressions.parser import MAX_EXPRESSION_LENGTH
from tlspolicy.policy import TlsPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tlspolicy.policy import Functions

    Parse: TypeAlias = Callable[[str, Place], dict[str, object]]
    Span: TypeAlias = tuple[int, int]

_JSON_STRING: Final = r'"(?>(?:[^"\\]|\\.)*)"'
_TOML_STRING: Final = (
    r'(?:"""(?>(?:[^"\\]|\\.|"(?!""))*)"{3,5}|"(?>(?:[^"\\\n]|\\.)*)"'
    r"|'''(?>(?:[^']|'(?!''))*)'{3,5}|'[^'\n]*')"
)
# A string that is the value of a key; and what it must not be looked for in.
_JSON_PIECE: Final = rf"(?s)(?P<key>{_JSON_STRING})\s*:\s*(?P<value>{_JSON_STRING})|{_JSON_STRING}"
_TOML_PIECE: Final = rf"(?s)=[ \t]*(?P<value>{_TOML_STRING})|{_TOML_STRING}|#[^\n]*"
# What the parser of plans goes by, and what no expression is a value of.
_NAMES: Final = frozenset({"@type", "object", "name"})
_DELIMITERS: Final = ("'''", '"""', "'", '"')


class _Literal(str):
    """A text of a document that knows where it was read from."""

    __slots__ = ("span",)
    span: Span


@dataclass(frozen=True, slots=True)
class _Notation:
    """How a kind of file has texts.

    Args:
        values: where the literals are that are values of keys.
        literal: writes a text, in the manner of the literal that was there.
    """

    values: Callable[[str], Iterator[Span]]
    literal: Callable[[str, str], str]


def respelt(text: str, parse: Parse, place: Place, functions: Functions | None = None) -> str:
    """The text of a policy's file with its expressions in their canonical spelling.

    An expression that would become longer than an expression may be stays as it is, and so do rules that a plan
    overrides: what does not count is no part of the policy.

    Args:
        text: the file's.
        parse: the parser that `config.read` gives for it.
        place: the file.
        functions: as for `TlsPolicy`.

    Raises:
        PolicyError: it is no policy; or what was made of it is not the same, which should never happen.
    """
    notation = _NOTATIONS[parse]
    document = _located(text, parse, place, notation)
    policy = TlsPolicy.from_mapping(document, functions)
    spellings = dict(_spellings(policy))
    literals = {span: notation.literal(spelling, text[slice(*span)]) for span, spelling in spellings.items()}
    made = _spliced(text, literals)
    if not _is_same(made, parse, place, functions, policy, _texts(document, spellings)):
        message = "the canonical spelling would change this file's meaning, which is a mistake of this program's"
        raise PolicyError(f"{message}: nothing was written", place=place)
    return made


def _located(text: str, parse: Parse, place: Place, notation: _Notation) -> dict[str, object]:
    """The data of a file, in which the texts know where they were read from."""
    document = parse(text, place)
    spans = list(notation.values(text))
    marks = {span: f'"#{number}"' for number, span in enumerate(spans)}
    marked = parse(_spliced(text, marks), place)
    for (table, key), (marked_table, _) in zip(_leaves(document), _leaves(marked), strict=True):
        if table[key] != (mark := marked_table[key]) and isinstance(mark, str):
            table[key] = _Literal(table[key])
            table[key].span = spans[int(mark.removeprefix("#"))]
    return document


def _leaves(document: dict[str, object]) -> Iterator[tuple[Any, Any]]:
    """Where a document has what is neither table nor array: each table or array, and the key or index in it."""
    containers: list[Any] = [document]
    for container in containers:
        for key in container if isinstance(container, dict) else range(len(container)):
            if isinstance(container[key], (dict, list)):
                containers.append(container[key])
            else:
                yield container, key


def _spellings(policy: TlsPolicy) -> Iterator[tuple[Span, str]]:
    """The canonical spelling of each expression that has another, by its literal."""
    for expression in expressions(policy):
        if isinstance(expression.text, _Literal):
            spelling = str(expression)
            if spelling != expression.text and len(spelling) <= MAX_EXPRESSION_LENGTH:
                yield expression.text.span, spelling


def _spliced(text: str, literals: Mapping[Span, str]) -> str:
    """`text` with other literals in the place of some."""
    pieces: list[str] = []
    after = 0
    for (start, end), literal in sorted(literals.items()):
        pieces += [text[after:start], literal]
        after = end
    return "".join([*pieces, text[after:]])


def _is_same(
    text: str, parse: Parse, place: Place, functions: Functions | None, policy: TlsPolicy, texts: Iterable[object]
) -> bool:
    """Whether a text is that of an equal policy, in a document that has these `texts`, and nothing else."""
    try:
        document = parse(text, place)
        again = TlsPolicy.from_mapping(document, functions)
    except PolicyError:
        return False
    return again == policy and list(_texts(document, {})) == list(texts)


def _texts(document: dict[str, object], spellings: Mapping[Span, str]) -> Iterator[tuple[object, str]]:
    """The keys of a document with what they have, its texts in other `spellings` where there are any."""
    for table, key in _leaves(document):
        value = table[key]
        # By their texts, for no NaN is equal to itself.
        yield key, repr(spellings.get(value.span, str(value)) if isinstance(value, _Literal) else value)


def _json_values(text: str) -> Iterator[Span]:
    for piece in re.finditer(_JSON_PIECE, text):
        if piece["value"] and json.loads(piece["key"]) not in _NAMES:
            yield piece.span("value")


def _json_literal(text: str, old: str) -> str:
    return json.dumps(text, ensure_ascii=old.isascii())


def _toml_values(text: str) -> Iterator[Span]:
    for piece in re.finditer(_TOML_PIECE, text):
        if piece["value"]:
            yield piece.span("value")


def _toml_literal(text: str, old: str) -> str:
    """`text` between the delimiters that were there, or others if it can't stand between them."""
    delimiter = next(each for each in _DELIMITERS if old.startswith(each))
    escaped = _escaped(text, old)
    if "'" in delimiter and not _fits(text, delimiter):
        delimiter = "'''" if "\\" in escaped and _fits(text, "'''") else '"'
    if delimiter == '"""' and '"""' not in text and not text.endswith('"'):
        escaped = escaped.replace('\\"', '"')
    body = text if "'" in delimiter else escaped
    return f"{delimiter}{body}{delimiter}"


def _fits(text: str, delimiter: str) -> bool:
    """Whether `text` can stand as it is between these single quotes."""
    return delimiter not in text and not re.search(r"[\n\r]", text)


def _escaped(text: str, old: str) -> str:
    """`text` as it is written between double quotes, in ASCII where that was done before."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    if not old.isascii():
        return escaped
    return re.sub(r"[^\x00-\x7f]", lambda found: f"\\U{ord(found[0]):08X}", escaped)


_NOTATIONS: Final[Mapping[Parse, _Notation]] = {
    config.parse_toml: _Notation(_toml_values, _toml_literal),
    config.parse_json: _Notation(_json_values, _json_literal),
    config.parse_plan: _Notation(_json_values, _json_literal),
}
