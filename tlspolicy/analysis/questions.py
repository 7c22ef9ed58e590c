"""Questions: what a condition that is made of no others asks of an attempt, of a single variable where it can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tlspolicy.analysis.texts import Kind, TextTest
from tlspolicy.analysis.variables import HOSTS, LISTED
from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.expressions.checker import is_constant
from tlspolicy.expressions.conditions import MIRRORED
from tlspolicy.expressions.evaluator import EvaluationProblem, evaluate
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.nodes import (
    Array,
    Binary,
    Call,
    Capture,
    Name,
    Node,
    String,
    every,
)
from tlspolicy.expressions.regions import Integers
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.values import COMPARISONS, INT_MAX, INT_MIN, Value, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOTHING_KNOWN: Final = DeliveryContext()
_PARTS: Final[dict[str, Kind]] = {"starts_with": "starts", "ends_with": "ends", "contains": "contains"}


class Number(NamedTuple):
    """Whether an integer is in a region."""

    variable: str
    region: Integers


class Text(NamedTuple):
    """Whether a text passes a test."""

    variable: str
    test: TextTest


class Listed(NamedTuple):
    """Whether a text, of which all values are known, is one of some."""

    variable: str
    values: frozenset[str]


class Recipient(NamedTuple):
    """Whether the message has this recipient."""

    address: str


class Other(NamedTuple):
    """Whether a condition is true that nothing more is known of.

    Args:
        node: the condition.
        occurrence: a number of its own for each place where it stands, if it may answer differently there; else 0.
        variable: the one variable that it depends on, `''` where there are more, or functions that ask the world.
    """

    node: Node
    occurrence: int
    variable: str


Question: TypeAlias = Number | Text | Listed | Recipient | Other


def is_pure(node: Node) -> bool:
    """Whether `node` has the same value wherever it stands: it reads no captures, and asks nobody."""
    return not any(isinstance(each, Capture) or asks(each) for each in every(node))


def asks(node: Node) -> bool:
    """Whether `node` is a call of a function that asks the world."""
    return isinstance(node, Call) and node.function not in FUNCTIONS


def variables(node: Node) -> set[str]:
    """The variables that `node` reads."""
    return {each.name for each in every(node) if isinstance(each, Name) and each.name in DELIVERY.variables}


def only_variable(node: Node) -> str:
    """The variable that a pure `node` reads, where it reads a single one, which is no array; else `''`."""
    found = variables(node)
    return found.pop() if len(found) == 1 and "recipients" not in found and is_pure(node) else ""


def value_with(node: Node, variable: str, value: Value) -> Value | None:
    """What a `node` that reads `variable` alone gives for one of its values; `None` where that is an error."""
    try:
        return evaluate(node, Scope(DELIVERY, DeliveryContext(**{variable: value})))  # type: ignore[arg-type]
    except EvaluationProblem:
        return None


def constant_value(node: Node) -> Value | None:
    """The value of what depends on nothing, such as `60 * 60`; `None` for anything else."""
    if not is_constant(node, DELIVERY):
        return None
    try:
        return evaluate(node, Scope(DELIVERY, _NOTHING_KNOWN))
    except EvaluationProblem:
        return None


def truth_of_constant(node: Node) -> bool | None:
    """The truth of a condition that depends on nothing; `None` for any other."""
    return truth_in(node, _NOTHING_KNOWN) if is_constant(node, DELIVERY) else None


def truth_in(node: Node, context: DeliveryContext) -> bool | None:
    """The truth of a pure condition for an attempt; `None` where that is an error."""
    try:
        return bool(evaluate(node, Scope(DELIVERY, context)))
    except EvaluationProblem:
        return None


class Asked(NamedTuple):
    """Questions, `one_of` which is answered with yes where a condition is true; or, `negated`, where it is not."""

    one_of: tuple[Question, ...]
    negated: bool = False


def asked(node: Node) -> Asked | None:
    """What a condition asks of a single variable; `None` where it asks something else."""
    listed = only_variable(node)
    if listed in LISTED:
        answers = {value: value_with(node, listed, value) for value in LISTED[listed]}
        chosen = frozenset(value for value, answer in answers.items() if answer)
        return None if None in answers.values() else Asked((Listed(listed, chosen),))
    match node:
        case Name(variable):
            return _truth(variable)
        case Binary(operator, Name(variable), constant) if operator in COMPARISONS:
            return _compared(variable, operator, constant_value(constant))
        case Binary(operator, constant, Name(variable)) if operator in COMPARISONS:
            return _compared(variable, MIRRORED[operator], constant_value(constant))
        case Call("contains", (Array() as array, Name(variable))):
            return _one_of(variable, constant_value(array))
        case Call("contains", (Name("recipients"), constant)):
            address = constant_value(constant)
            return Asked((Recipient(address),)) if isinstance(address, str) else None
        case Call("starts_with" | "ends_with" | "contains" as function, (tested, constant)):
            return _tested(_text_variable(tested), _PARTS[function], constant_value(constant))
        case Call("contains_ignore_case", (tested, constant)):
            return _tested_in_lower_case(tested, "contains", constant_value(constant))
        case Call("eq_ignore_case", (tested, constant)):
            return _tested_in_lower_case(tested, "equals", constant_value(constant))
        case Call("is_empty", (Name(variable),)) if DELIVERY.variables.get(variable) is str:
            return Asked((_equals(variable, ""),))
        case _:
            return None


def compared(node: Node) -> tuple[str, Value] | None:
    """The variable and the constant that are compared, where that is what `node` does."""
    match node:
        case Binary(operator, Name(variable), constant) | Binary(operator, constant, Name(variable)) if (
            operator in COMPARISONS
        ):
            value = constant_value(constant)
            return None if value is None or variable not in DELIVERY.variables else (variable, value)
        case _:
            return None


def constants_tested(node: Node) -> Iterator[tuple[str, String]]:
    """The texts that a comparison or a test looks for, each with the variable in which it does."""
    match node:
        case Binary(operator, Name(variable), String() as constant) if operator in COMPARISONS:
            yield variable, constant
        case Binary(operator, String() as constant, Name(variable)) if operator in COMPARISONS:
            yield variable, constant
        case Call("contains", (Array(items), Name(variable))):
            yield from ((variable, item) for item in items if isinstance(item, String))
        case Call(function, (Name(variable), String() as constant)) if function in _PARTS:
            yield variable, constant
        case _:
            pass


def _truth(variable: str) -> Asked | None:
    match DELIVERY.variables.get(variable):
        case kind if kind is int:
            return Asked((Number(variable, Integers.compared("!=", 0)),))
        case kind if kind is str:
            return Asked((_equals(variable, ""),), negated=True)
        case _:
            return None


def _equals(variable: str, constant: str) -> Text:
    return Text(variable, TextTest("equals", constant))


def _compared(variable: str, operator: str, constant: Value | None) -> Asked | None:
    kind = DELIVERY.variables.get(variable)
    if kind is int and isinstance(constant, (int, float, str)):
        return Asked((Number(variable, _numbers(operator, number(constant))),))
    if kind is str and isinstance(constant, str):
        equal, below = _equals(variable, constant), Text(variable, TextTest("below", constant))
        match operator:
            case "==" | "!=":
                return Asked((equal,), negated=operator == "!=")
            case "<" | ">=":
                return Asked((below,), negated=operator == ">=")
            case _:
                return Asked((below, equal), negated=operator == ">")
    return None


def _numbers(operator: str, constant: float) -> Integers:
    """Those n for which `n operator constant` is true."""
    if isinstance(constant, int):
        return Integers.compared(operator, constant)
    if constant != constant:  # noqa: PLR0124  (NaN)
        return Integers() if operator == "!=" else Integers(())
    # Integers compare with a float as floats, by which many may be equal to one.
    below = _upto(lambda n: float(n) < constant)
    not_above = _upto(lambda n: float(n) <= constant)
    equal = not_above.both(below.others())
    return {
        "==": equal,
        "!=": equal.others(),
        "<": below,
        "<=": not_above,
        ">": not_above.others(),
        ">=": below.others(),
    }[operator]


def _upto(holds: Callable[[int], bool]) -> Integers:
    """The integers for which `holds`: those from the least to some number."""
    first, last = INT_MIN, INT_MAX + 1
    while first < last:
        middle = (first + last) // 2
        if holds(middle):
            first = middle + 1
        else:
            last = middle
    return Integers(((INT_MIN, first - 1),) if first > INT_MIN else ())


def _one_of(variable: str, elements: Value | None) -> Asked | None:
    kind = DELIVERY.variables.get(variable)
    if not isinstance(elements, tuple) or kind not in (int, str):
        return None
    of_each = [_compared(variable, "==", element) for element in elements]
    if None in of_each:
        return None
    return Asked(tuple([question for asked in of_each if asked for question in asked.one_of]))


def _text_variable(node: Node) -> str | None:
    """The text variable that `node` is, as it is or in the lower case that it has anyway."""
    match node:
        case Call("to_lowercase", (Name(variable),)) if variable in HOSTS:
            return variable
        case Name(variable) if DELIVERY.variables.get(variable) is str:
            return variable
        case _:
            return None


def _tested(variable: str | None, kind: Kind, constant: Value | None) -> Asked | None:
    if variable is None or not isinstance(constant, str):
        return None
    return Asked((Text(variable, TextTest(kind, constant)),))


def _tested_in_lower_case(tested: Node, kind: Kind, constant: Value | None) -> Asked | None:
    variable = _text_variable(tested)
    if variable not in HOSTS or not isinstance(constant, str) or not constant.isascii():
        return None
    return _tested(variable, kind, constant.lower())
