from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest

from tlspolicy import Expression, PolicyError, PolicyEvaluationError, PolicyTypeError, PolicyValueError, Schema

if TYPE_CHECKING:
    from collections.abc import Callable


class Message:
    urgent: int
    tags: tuple[str, ...]
    score: float = 1.5

    def __init__(self, **attributes: object) -> None:
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("context", "value"),
    [({}, ""), ({"x": None}, ""), ({"x": True}, 1), ({"x": [1, "a"]}, (1, "a")), ({"x": 2.5}, 2.5)],
)
def test_a_mapping_gives_any_value_of_the_language(context: dict[str, Any], value: object) -> None:
    assert Expression.parse("x", Schema({"x": str})).evaluate(context) == value


@pytest.mark.parametrize("value", [object(), b"x", 2**63, "\ud800", {1: 2}])
def test_a_mapping_gives_nothing_else(value: object) -> None:
    with pytest.raises(PolicyEvaluationError, match="variable 'x': ") as raised:
        Expression.parse("1 + x", Schema({"x": str})).evaluate({"x": value})
    assert raised.value.source[raised.value.start : raised.value.end] == "x"


def test_a_class_gives_its_attributes() -> None:
    schema = Schema.of(Message, {"limit": 1.0})
    assert schema.variables == {"urgent": int, "tags": tuple, "score": float}
    expression = Expression.parse("score > limit && contains(tags, 'x')", schema)
    assert expression.evaluate(Message(tags=("x",))) == 1


class Broken:
    urgent: int

    def __getattr__(self, name: str) -> int:
        raise OSError(name)


def test_what_a_context_raises_is_the_cause() -> None:
    with pytest.raises(PolicyEvaluationError, match="variable 'urgent': urgent") as raised:
        Expression.parse("urgent", Schema.of(Broken)).evaluate(Broken())
    assert isinstance(raised.value.__cause__, OSError)


def test_an_attribute_that_is_missing_is_an_error() -> None:
    with pytest.raises(PolicyEvaluationError, match=r"variable 'urgent': .*no attribute 'urgent'"):
        Expression.parse("urgent", Schema.of(Message)).evaluate(Message())


@pytest.mark.parametrize(
    ("schema", "context", "message"),
    [
        (Schema({"x": int}), Message(), "the context must be a Mapping, not Message"),
        (Schema.of(Message), {"urgent": 1}, "the context must be a Message, not dict"),
    ],
    ids=["mapping", "class"],
)
def test_another_context_is_refused(schema: Schema, context: object, message: str) -> None:
    with pytest.raises(PolicyTypeError, match=message):
        Expression.parse("1", schema).evaluate(context)


class Wrong:
    when: dict[str, int]


class Unreadable:
    when: Missing  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Schema({"x": bool}), PolicyTypeError, "variable 'x': its type must be int, float, str or tuple"),
        (lambda: Schema.of(Wrong), PolicyTypeError, "variable 'when': its type must be int, float, str or tuple"),
        (lambda: Schema.of(Unreadable), PolicyTypeError, "<class "),
        (lambda: Schema([("x", int)]), PolicyTypeError, "the variables of a schema must be a mapping, not list"),  # type: ignore[arg-type]
        (lambda: Schema({}, {1: 2}), PolicyValueError, "constant 1: an expression can't spell this name"),  # type: ignore[dict-item]
        (lambda: Schema({1: int}), PolicyValueError, "variable 1: an expression can't spell this name"),  # type: ignore[dict-item]
        (lambda: Schema({"a-b": int}), PolicyValueError, "variable 'a-b': an expression can't spell this name"),
        (lambda: Schema({"true": int}), PolicyValueError, "variable 'true': an expression can't spell this name"),
        (lambda: Schema({"5m": int}), PolicyValueError, "variable '5m': an expression can't spell this name"),
        (lambda: Schema({"1.5": int}), PolicyValueError, "variable '1.5': an expression can't spell this name"),
        (lambda: Schema({"..": int}), PolicyValueError, "variable '..': an expression can't spell this name"),
        (lambda: Schema({"$x": int}), PolicyValueError, "variable '$x': an expression can't spell this name"),
        (lambda: Schema({}, {"$1": 1}), PolicyValueError, "constant '$1': an expression can't spell this name"),
        (lambda: Schema({"x": int}, {"x": 1}), PolicyValueError, "variable 'x': this name is a constant or a function"),
        (lambda: Schema({"contains": int}), PolicyValueError, "variable 'contains': this name is a constant or a fun"),
        (lambda: Schema({}, {"c": {}}), PolicyTypeError, "constant 'c': dict is no type of the language"),  # type: ignore[dict-item]
        (lambda: Schema({}, {"c": 2**64}), PolicyValueError, "constant 'c': an integer beyond 64 bits"),
    ],
)
def test_a_schema_that_can_not_be(make: Callable[[], Schema], error: type[PolicyError], message: str) -> None:
    with pytest.raises(error) as raised:
        make()
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("name", ["from.domain", "_x", ".x", "2fa", "x$y", "1.5x", "5mm", "Retry_Num"])
def test_whatever_the_grammar_takes_for_a_name_may_be_one(name: str) -> None:
    assert Expression.parse(f"{name} + 1", Schema({name: int})).evaluate({name: 1}) == 2


def test_schemas_are_values() -> None:
    schema = Schema.of(Message, {"a": 1})
    assert pickle.loads(pickle.dumps(schema)) == schema  # noqa: S301
    assert hash(Schema({"x": int})) == hash(Schema({"x": int}))
    assert Schema({"x": int}) != Schema({"x": str})


def test_a_schema_can_not_be_changed() -> None:
    schema = Schema({"x": int}, {"a": 1})
    with pytest.raises(TypeError):
        schema.constants["a"] = 0  # type: ignore[index]
    with pytest.raises(TypeError):
        schema.variables["y"] = int  # type: ignore[index]
    assert pickle.loads(pickle.dumps(schema)) == schema  # noqa: S301


def test_a_supplied_global_is_a_constant_and_any_other_is_0() -> None:
    assert Expression.parse("[$x, $y]", Schema({}, {"$x": "a"})).evaluate({}) == ("a", 0)
