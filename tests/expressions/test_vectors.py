"""The language, case by case: what Stalwart's own evaluator answered."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tlspolicy import PolicySyntaxError, RuleList, Schema
from tlspolicy.decision import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.values import Value

_TEXTS = (
    "sender sender_domain rcpt rcpt_domain mx remote_ip local_ip received_from_ip queue_name source last_error"
    " last_status helo_domain"
)
_INTEGERS = "received_via_port priority retry_num notify_num expires_in queue_age size"
SCHEMA = Schema(
    {**dict.fromkeys(_TEXTS.split(), str), **dict.fromkeys(_INTEGERS.split(), int), "recipients": tuple},
    LEVELS,
)


@dataclass(frozen=True)
class Case:
    id: str
    source: str | list[dict[str, str]]
    context: dict[str, Any]
    result: dict[str, Any] | None

    def rules(self, schema: Schema) -> RuleList:
        return RuleList.parse(self.source, schema)

    def typed(self) -> tuple[Schema, object]:
        """The variables as attributes of a class, which says of what types they are; those that are absent are texts."""
        values: dict[str, Any] = {**dict.fromkeys(SCHEMA.variables, ""), **self.context}
        attributes = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        kinds = {name: type(value) for name, value in attributes.items()}
        context_class = type("Context", (), {**attributes, "__annotations__": kinds})
        return Schema.of(context_class, LEVELS), context_class()


def _cases() -> Iterator[Case]:
    for file in sorted((Path(__file__).parents[1] / "vectors").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            source = case.get("expr")
            if source is None:
                rules = [{"if": condition, "then": result} for condition, result in case["if"]]
                source = [*rules, {"else": case["else"]}]
            yield Case(case["id"], source, case["vars"], case.get("result"))


def _value(result: dict[str, Any]) -> Value:
    value = result["value"]
    match result["type"]:
        case "array":
            return tuple(map(_value, value))
        case "float":
            return float(value)
        case "constant":
            return LEVELS[value]
        case _:
            assert isinstance(value, (int, str))
            return value


@pytest.mark.parametrize("case", list(_cases()), ids=lambda case: case.id)
def test_vector(case: Case) -> None:
    if case.result is None:
        with pytest.raises(PolicySyntaxError):
            case.rules(SCHEMA)
        return
    expected = repr(_value(case.result))  # repr tells 1 from 1.0, 0.0 from -0.0, and finds NaN equal to itself.
    rules = case.rules(SCHEMA)
    assert repr(rules.outcome(case.context).value) == expected
    assert repr(rules.evaluate(case.context)) == expected
    schema, context = case.typed()
    assert repr(case.rules(schema).evaluate(context)) == expected
