"""Expression: one expression, parsed, checked, ready to evaluate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from tlspolicy.errors import Place, PolicyEvaluationError, PolicySyntaxError, Problems, listed
from tlspolicy.expressions import nodes
from tlspolicy.expressions.checker import asynchronous_functions, problems, result_types
from tlspolicy.expressions.evaluator import EvaluationProblem, evaluate
from tlspolicy.expressions.parser import parse_expression
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.scope import Answer, Answers, Budget, Scope, Unanswered
from tlspolicy.expressions.trace import traced
from tlspolicy.expressions.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tlspolicy.expressions.explanation import Tried
    from tlspolicy.expressions.nodes import Node
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.values import Value

Result = TypeVar("Result")


@dataclass(frozen=True)
class Expression:
    """An expression of the rule language, checked against a schema. Made by `Expression.parse`; immutable.

    Two are equal when their trees and schemas are, however they are spelt.
    """

    node: Node = field(repr=False)
    schema: Schema = field(repr=False)
    text: str = field(compare=False)
    place: Place = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str, schema: Schema, place: Place = Place()) -> Expression:
        """Parse and check an expression.

        Args:
            text: the expression; `grammar/expression.lark` is its grammar.
            schema: what it may name.
            place: where the text stands, for errors.

        Raises:
            PolicySyntaxError: it is none: misspelt, an unknown name, a wrong number of arguments, a bad regular
                expression, or beyond a limit.
        """
        if not isinstance(text, str):
            raise PolicySyntaxError(f"an expression is a text, not {kind_of(text)}", place=place)
        return cls._checked(parse_expression(text, place), schema, text, place)

    @classmethod
    def of_scalar(cls, value: float, schema: Schema, place: Place = Place()) -> Expression:
        """Make the expression of a bare boolean or number, as TOML and JSON let rules have them.

        Raises:
            PolicySyntaxError: an integer beyond 64 bits, a float that is not finite.
        """
        if isinstance(value, float) and not math.isfinite(value):
            raise PolicySyntaxError(f"{value} is no number that a rule may have", place=place)
        if not isinstance(value, float) and not INT_MIN <= value <= INT_MAX:
            message = f"this integer is larger than 64 bits can hold ({INT_MIN} to {INT_MAX})"
            raise PolicySyntaxError(message, place=place)
        node = _scalar_node(value)
        text = printed(node)
        return cls(replace(node, end=len(text)), schema, text, place)

    @classmethod
    def _checked(cls, node: Node, schema: Schema, text: str, place: Place) -> Expression:
        found = Problems()
        for problem in problems(node, schema):
            with found:
                raise PolicySyntaxError(problem.message, text, problem.start, problem.end, place)
        found.raise_them()
        return cls(node, schema, text, place)

    @property
    def result_types(self) -> frozenset[type]:
        """The types that its value may have, as far as the schema shows them."""
        return result_types(self.node, self.schema)

    def evaluate(self, context: object) -> Value:
        """Evaluate it.

        Args:
            context: what its schema reads: a mapping, or an instance of the class that the schema was made of.

        Returns:
            An `int`, `float`, `str`, or a `tuple` of them.

        Raises:
            PolicyTypeError: `context` is not what the schema reads.
            PolicyEvaluationError: there is no usable value, or it calls a coroutine function.
        """
        return evaluated(self.evaluate_in, self.schema, context, self.asynchronous)

    async def evaluate_async(self, context: object) -> Value:
        """Evaluate it as `evaluate` does, and await the functions of the schema that are coroutine functions."""
        return await evaluated_async(self.evaluate_in, self.schema, context)

    @cached_property
    def asynchronous(self) -> frozenset[str]:
        """The functions in it that coroutine functions answer."""
        return frozenset(asynchronous_functions(self.node, self.schema))

    def evaluate_in(self, scope: Scope) -> Value:
        """Evaluate it as a part of a rule list: captures are read from `scope` and kept there."""
        try:
            return evaluate(self.node, scope)
        except EvaluationProblem as problem:
            node = problem.node
            raise PolicyEvaluationError(
                problem.reason, self.text, node.start, node.end, self.place
            ) from problem.__cause__

    def explain_in(self, scope: Scope, key: str) -> Tried:
        """Evaluate it as `evaluate_in` does, in a scope that keeps steps, and say what each part of it gave."""
        scope.steps = []
        self.evaluate_in(scope)
        return traced(key, self.text, self.node, scope.steps, self.schema)

    def __str__(self) -> str:
        """The expression in its canonical spelling; `text` is what was written."""
        return printed(self.node)


def evaluated(
    evaluate_in: Callable[[Scope], Result],
    schema: Schema,
    context: object,
    asynchronous: Collection[str],
    answers: Answers | None = None,
) -> Result:
    """What `evaluate_in` gives in a scope of its own, where some `answers` may be known already.

    Raises:
        PolicyTypeError: `context` is not what the schema reads.
        PolicyEvaluationError: there are functions that are `asynchronous`: a coroutine is no answer, but would be true.
    """
    schema.check_context(context)
    refuse_asynchronous(asynchronous)
    return evaluate_in(Scope(schema, context, answers=answers))


def refuse_asynchronous(functions: Collection[str]) -> None:
    """Raise a `PolicyEvaluationError` where there are functions that have to be awaited."""
    if functions:
        names = listed(sorted(f"{name}()" for name in functions), "and")
        raise PolicyEvaluationError(f"{names} must be awaited: use evaluate_async")


async def evaluated_async(evaluate_in: Callable[[Scope], Result], schema: Schema, context: object) -> Result:
    """What `evaluate_in` gives, repeated from the start each time that an answer had to be awaited.

    That is sound because nothing but the answers can be different the next time: they are kept, and so are the values
    of the variables. No function is called twice for the same answer.
    """
    schema.check_context(context)
    answers = Answers(awaited=True)
    variables: dict[str, Value] = {}
    budget = Budget()
    while True:
        try:
            return evaluate_in(Scope(schema, context, variables=variables, answers=answers.rewind(), budget=budget))
        except Unanswered as unanswered:
            awaitable = unanswered.awaitable
        try:
            answers.give(Answer(await awaitable))
        except Exception as error:  # noqa: BLE001  (anybody's code; whatever it raises is no answer)
            answers.give(Answer(None, error))


def _scalar_node(value: float) -> Node:
    if isinstance(value, bool):
        return nodes.Boolean(value)
    if isinstance(value, float):
        return nodes.Unary("-", nodes.Float(-value)) if math.copysign(1, value) < 0 else nodes.Float(value)
    if value == INT_MIN:  # Its positive would not fit in 64 bits.
        return nodes.Binary("-", nodes.Unary("-", nodes.Integer(INT_MAX)), nodes.Integer(1))
    return nodes.Unary("-", nodes.Integer(-value)) if value < 0 else nodes.Integer(value)


def kind_of(value: object) -> str:
    """The kind of `value` as a file's author knows it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case Mapping():
            return "a table"
        case Sequence() if not isinstance(value, bytes):
            return "an array"
        case _:
            return f"a {type(value).__name__}"
