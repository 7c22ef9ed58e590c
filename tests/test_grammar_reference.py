"""What `grammar/README.md` says of the language is so: its examples, its files, and its tables."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomli
from reference import MARKED, REFERENCE, generated, named

import tlspolicy
from tlspolicy import DELIVERY, DeliveryContext, Expression, LastError, PolicyError, RuleList, Schema, TlsPolicy
from tlspolicy.context import SOURCES
from tlspolicy.decision import LEVELS
from tlspolicy.expressions.functions import FUNCTIONS, PROVIDED
from tlspolicy.expressions.nodes import MILLISECONDS, Binary, Call, Duration, Logical, Name, Unary, every
from tlspolicy.expressions.values import BINARY, UNARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tlspolicy.expressions.nodes import Node

TEXT: Final = REFERENCE.read_text(encoding="utf-8")
# What the examples of functions that ask the world are answered.
LEVEL_OF: Final = {"partner.example": "require"}
ANSWERS: Final[dict[str, Callable[..., object]]] = {
    "is_local_domain": tlspolicy.is_local_domain({"example.org"}),
    "is_local_address": tlspolicy.is_local_address({"jane@example.org"}),
    "key_get": lambda _store, key: LEVEL_OF.get(key),
    "key_exists": lambda _store, key: key in LEVEL_OF,
    "key_set": lambda _store, _key, _value: True,
    "counter_get": lambda _store, _key: 3,
    "counter_incr": lambda _store, _key, value: 3 + value,
    "dns_query": lambda name, _type: [f"mx1.{name}", f"mx2.{name}"],
    "sql_query": lambda _store, _query, _parameters: "require",
    "config_get": lambda _key: "mail.example.com",
    "system": lambda _name: "mail.example.com",
    "metric": lambda _name: 17,
}
_ARGUMENTS: Final = "domain directory address store key value name type query parameters"
_SPELLING: Final = Schema(dict.fromkeys(_ARGUMENTS.split(), str), functions=ANSWERS)
SCHEMA: Final = DELIVERY.with_functions(ANSWERS)
REFUSED: Final = "refused"
FAILS: Final = "fails"


@dataclass(frozen=True)
class Block:
    """A fenced block of the reference."""

    language: str
    body: str
    end: int


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[str]]
    start: int


def _blocks() -> Iterator[Block]:
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        yield Block(found[1], found[2], found.end())


def _tables() -> Iterator[Table]:
    for found in re.finditer(r"(?:^\|.*\n)+", TEXT, re.MULTILINE):
        head, _, *rows = map(_cells, found[0].splitlines())
        yield Table(head, rows, found.start())


def _cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def _code(cell: str) -> str:
    """What a cell has in code; the cell itself where there is none."""
    return cell[1:-1] if cell.startswith("`") else cell


def _title(block: Block) -> str:
    """The title under which a block stands."""
    *_, title = re.finditer(r"^#+ (.+)$", TEXT[: block.end], re.MULTILINE)
    return title[1]


BLOCKS: Final = [*_blocks()]
TABLES: Final = [*_tables()]


def _with_columns(*head: str) -> list[list[str]]:
    """The rows of all tables that begin with these columns, without those that follow."""
    tables = [table for table in TABLES if table.head[: len(head)] == [*head]]
    return [row[: len(head)] for table in tables for row in table.rows]


def _attempt(text: str) -> DeliveryContext:
    """An attempt of which `retry_num = 1, last_error = 'tls'` is known."""
    known = re.findall(r"(\w+) = ('[^']*'|\[[^]]*]|-?\d+)(?:, |$)", text)
    assert ", ".join(f"{name} = {value}" for name, value in known) == text
    return DeliveryContext(**{name: _value(value) for name, value in known})


def _value(text: str) -> Any:
    return Expression.parse(text, DELIVERY).evaluate(DeliveryContext())


# Expressions


@dataclass(frozen=True)
class Example:
    expression: str
    result: str
    attempt: str = ""


def _examples() -> Iterator[Example]:
    for block in BLOCKS:
        if block.language == "rules":
            attempt = ""
            for line in block.body.splitlines():
                if line.startswith("given "):
                    attempt = line.removeprefix("given ")
                elif line:
                    expression, result = re.split(r" +→ ", line)
                    yield Example(expression, result, attempt)
    for expression, value in _with_columns("expression", "value"):
        yield Example(_code(expression), _code(value))


EXAMPLES: Final = [*_examples()]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.expression)
def test_example(example: Example) -> None:
    attempt = _attempt(example.attempt)
    outcome, _, message = example.result.partition(": ")
    if outcome in {REFUSED, FAILS}:
        with pytest.raises(PolicyError) as raised:
            Expression.parse(example.expression, SCHEMA).evaluate(attempt)
        assert message in raised.value.message
        assert isinstance(raised.value, tlspolicy.PolicyEvaluationError) == (outcome == FAILS)
        return
    rules = RuleList.parse([{"else": example.expression}], SCHEMA)
    expected = repr(_value(example.result))  # It tells 1 from 1.0.
    assert repr(rules.outcome(attempt).value) == expected
    assert repr(rules.evaluate(attempt)) == expected


def _nodes() -> Iterator[Node]:
    for example in EXAMPLES:
        if example.result.partition(": ")[0] != REFUSED:
            yield from every(Expression.parse(example.expression, SCHEMA).node)


def _shown(node: Node) -> tuple[str, str]:
    """What kind of thing an example shows by a node of it, and which."""
    match node:
        case Call(name):
            return "function", name
        case Name(name):
            return "name", name
        case Unary(operator):
            return "unary", operator
        case Binary(operator) | Logical(operator):
            return "operator", operator
        case Duration(_, unit):
            return "unit", unit
        case _:
            return "", ""


THERE_IS: Final = {
    "function": [*FUNCTIONS, *PROVIDED],
    "name": [*DELIVERY.variables, *LEVELS],
    "operator": [*BINARY, "&&", "||"],
    "unary": [*UNARY],
    "unit": [*MILLISECONDS],
}


@pytest.mark.parametrize("kind", THERE_IS)
def test_everything_has_an_example(kind: str) -> None:
    assert set(THERE_IS[kind]) - {name for shown, name in map(_shown, _nodes()) if shown == kind} == set()


# Tables


def test_what_is_generated_is_as_the_code_has_it() -> None:
    assert generated(TEXT) == TEXT, "python tests/reference.py writes it anew"


@pytest.mark.parametrize(
    ("kind", "names"), [("functions", FUNCTIONS), ("variables", DELIVERY.variables)], ids=["functions", "variables"]
)
def test_everything_has_its_row(kind: str, names: dict[str, object]) -> None:
    assert sorted(name for mark in MARKED.finditer(TEXT) if mark[1] == kind for name in named(mark)) == sorted(names)


def test_every_operator_has_its_row() -> None:
    unary, *binary = (set(re.findall(r"`(.+?)`", row[0])) for row in _with_columns("operators", "also written"))
    assert unary == set(UNARY)
    assert set().union(*binary) == {*BINARY, "&&", "||"}


def test_every_function_that_asks_the_world_has_its_row_and_arity() -> None:
    calls = [Expression.parse(_code(row[0]), _SPELLING).node for row in _with_columns("function", "asks")]
    shown = {call.function: len(call.arguments) for call in calls if isinstance(call, Call)}
    assert shown == {name: arity[0] for name, arity in PROVIDED.items()}


def test_every_level_has_its_row() -> None:
    assert {_code(row[0]) for row in _with_columns("expression", "value")} >= LEVELS.keys()


def test_every_last_error_and_source_is_named() -> None:
    rows = "\n".join(row[0] for row in _with_columns("value", "the last attempt failed because"))
    assert sorted(re.findall("`(.+?)`", rows)) == sorted(LastError)
    described = {_code(row[0]): row[3] for row in _with_columns("variable", "type", "if not known", "")}
    assert re.findall("`(.+?)`", described["last_error"]) == [*LastError]
    assert re.findall("`(.+?)`", described["source"]) == [*SOURCES]


READERS: Final[dict[str, Callable[[str], dict[str, str]]]] = {
    "TOML": tomli.loads,
    "JSON": lambda text: json.loads(f"{{{text}}}"),
}


@pytest.mark.parametrize("row", _with_columns("file", "written", "the expression"), ids=lambda row: row[1])
def test_a_backslash_in_a_file(row: list[str]) -> None:
    name, written, expected = row[0].partition(",")[0], _code(row[1]), _code(row[2])
    if expected != REFUSED:
        assert READERS[name](written) == {"if": expected}
        assert Expression.parse(expected, DELIVERY).evaluate(DeliveryContext(mx="mx1.example")) == 1
        return
    with pytest.raises((tlspolicy.PolicySyntaxError, ValueError)):
        RuleList.of_file_data([{**READERS[name](written), "then": 1}, {"else": 0}], DELIVERY)


# Files

COLUMNS: Final = {
    "starttls": "starttls",
    "allow-invalid-certs": "allow_invalid_certs",
    "dane": "dane",
    "mta-sts": "mta_sts",
    "timeouts.tls": "tls_timeout",
    "timeouts.mta-sts": "mta_sts_timeout",
}
FILES: Final = [block for block in BLOCKS if block.language in {"toml", "json", "ndjson"}]
DECISIONS: Final = [table for table in TABLES if table.head[0] == "attempt"]


def _decided(decision: tlspolicy.TlsDecision, column: str) -> str:
    value = getattr(decision, COLUMNS[column])
    return f"{value:g} s" if isinstance(value, float) else str(value).lower()


# Each file, and the decisions that stand next below it.
DECIDED: Final = [(block, next(table for table in DECISIONS if table.start > block.end)) for block in FILES]


@pytest.mark.parametrize(("file", "decisions"), DECIDED, ids=[_title(block) for block in FILES])
def test_a_file_decides_what_stands_below_it(file: Block, decisions: Table, tmp_path: Path) -> None:
    path = tmp_path / f"policy.{file.language}"
    path.write_text(file.body, encoding="utf-8")
    policy = TlsPolicy.load(path)
    _, *columns = decisions.head
    for written, *expected in decisions.rows:
        decision = policy.evaluate(_attempt(_code(written) if written.startswith("`") else ""))
        assert [_decided(decision, column) for column in columns] == [_code(cell) for cell in expected]


def test_all_decisions_are_those_of_a_file() -> None:
    assert {table.start for table in DECISIONS} == {table.start for _, table in DECIDED}


@pytest.mark.parametrize("row", _with_columns("setting", "written", "it is"), ids=lambda row: f"{row[0]} = {row[1]}")
def test_a_result(row: list[str]) -> None:
    setting, written, expected = map(_code, row)
    key = f"queue.outbound.{setting}" if "." in setting else f"queue.outbound.tls.{setting}"
    if expected == REFUSED:
        with pytest.raises(PolicyError):
            TlsPolicy.loads(f"{key} = {written}")
        return
    assert _decided(TlsPolicy.loads(f"{key} = {written}").evaluate(DeliveryContext()), setting) == expected


def test_the_program_prints_what_stands_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(FILES[0].body, encoding="utf-8")
    (program,) = (block for block in BLOCKS if block.language == "python")
    exec(program.body, {})  # noqa: S102  (our own)
    assert capsys.readouterr().out == BLOCKS[BLOCKS.index(program) + 1].body


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("link", dict.fromkeys(re.findall(r"]\((?!https:)([^)]+)\)", TEXT)))
def test_a_link_leads_somewhere(link: str) -> None:
    file, _, anchor = link.partition("#")
    path = REFERENCE.parent / file if file else REFERENCE
    assert path.is_file()
    assert not anchor or anchor in _anchors(path.read_text(encoding="utf-8"))
