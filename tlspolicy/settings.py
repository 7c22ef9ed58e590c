"""The settings of a policy: what each is called, defaults to, and takes as a result.

What the result of a rule may be is checked when the rule is loaded, as far as that can be known, and again when it has
been evaluated. Whatever a setting does not take is an error: nothing is read as a weaker setting.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.decision import LEVELS, MAX_TIMEOUT, Requirement
from tlspolicy.errors import PolicyEvaluationError, PolicyTypeError, did_you_mean
from tlspolicy.expressions.checker import is_constant
from tlspolicy.expressions.explanation import shown
from tlspolicy.expressions.nodes import (
    Array,
    Boolean,
    Call,
    Integer,
    Logical,
    Name,
    Node,
    String,
    Unary,
    children,
)
from tlspolicy.expressions.rules import RuleList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlspolicy.errors import Place
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.outcomes import Outcome
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.values import Value

_NOTHING_KNOWN: Final = DeliveryContext()
_LEVEL_VALUES: Final = frozenset(level.value for level in Requirement)
_MILLISECONDS: Final = 1000
_LONGEST: Final = int(MAX_TIMEOUT) * _MILLISECONDS


class ResultError(Exception):
    """A result that the setting does not take, and the node at fault where it is known."""

    def __init__(self, message: str, node: Node | None = None) -> None:
        super().__init__(message, node)
        self.message = message
        self.node = node


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a policy.

    Args:
        name: its name in `TlsPolicy` and `TlsDecision`.
        default: what it is where a policy does not say.
        check: looks at an expression that may give its value; raises `ResultError` where it shows that it can't.
        convert: makes of the value what `TlsDecision` holds, or raises `ResultError`.
    """

    name: str
    default: str
    check: Callable[[Expression], None]
    convert: Callable[[Value], object]

    def parse(
        self,
        source: object,
        place: Place,
        schema: Schema = DELIVERY,
        parse: Callable[..., RuleList] = RuleList.parse,
    ) -> RuleList:
        """Make the rule list of this setting.

        Args:
            source: what `parse` takes.
            place: where it stands, for errors.
            schema: `DELIVERY`, with the functions that ask the world.
            parse: `RuleList.parse`, or `RuleList.of_file_data` for what a file's parser has read.

        Raises:
            PolicySyntaxError: it is no rule list.
            PolicyTypeError: a result that the setting does not take.
        """
        checked: set[Node] = set()

        def check(result: Expression) -> None:
            if result.node not in checked:  # Very many rules may give the same.
                self._check(result)
                checked.add(result.node)

        return parse(source, schema, place, check)

    def _check(self, result: Expression) -> None:
        try:
            self.check(result)
            for branch in alternatives(result.node):
                if is_constant(branch, result.schema):
                    self._convert_constant(branch, result)
        except ResultError as error:
            node = error.node or result.node
            raise PolicyTypeError(error.message, result.text, node.start, node.end, result.place) from None

    def _convert_constant(self, branch: Node, result: Expression) -> None:
        try:
            self.convert(replace(result, node=branch).evaluate(_NOTHING_KNOWN))
        except ResultError as error:
            raise ResultError(error.message, branch) from None

    def decided(self, rules: RuleList, outcome: Outcome) -> object:
        """What `TlsDecision` holds of this setting.

        Args:
            rules: its rule list.
            outcome: what this has given.

        Raises:
            PolicyEvaluationError: it is nothing that the setting takes.
        """
        try:
            return self.convert(outcome.value)
        except ResultError as error:
            result = rules.default if outcome.matched is None else rules.rules[outcome.matched].result
            raise PolicyEvaluationError(error.message, result.text, 0, len(result.text), result.place) from None


def _check_level(result: Expression) -> None:
    """A level is one of its constants, 0, 1, 2, true or false, its name as a text, or an `if_then` of levels.

    What a function that asks the world gives is seen when it is asked.
    """
    _check_level_node(result.node, result.schema)


def _check_level_node(node: Node, schema: Schema) -> None:
    match node:
        case Call("if_then", (_, then, otherwise)):
            _check_level_node(then, schema)
            _check_level_node(otherwise, schema)
        case Call(function) if function in schema.functions:
            pass
        case Name(name) if name in LEVELS:
            pass
        case String() | Integer() | Boolean():  # Which of them is looked at as any constant's value is.
            pass
        case _:
            message = "this is no level: a level is require, optional or disable, or if_then(…) of them"
            raise ResultError(message, node)


def level(value: Value) -> Requirement:
    """The level that a value is; `ResultError` where it is none."""
    number = LEVELS.get(value) if isinstance(value, str) else value
    if isinstance(number, int) and number in _LEVEL_VALUES:
        return Requirement(number)
    hint = did_you_mean(value, LEVELS) if isinstance(value, str) else ""
    raise ResultError(f"{shown(value)} is no level{hint or ': a level is require, optional or disable'}")


def _check_flag(result: Expression) -> None:
    """True or false is the truth of whatever is no text and no level."""
    _refuse_levels(result.node, "true or false")
    if result.result_types == {str}:
        raise ResultError(_TEXT_IS_NO_FLAG)


def _flag(value: Value) -> bool:
    if isinstance(value, str):
        raise ResultError(_TEXT_IS_NO_FLAG)
    return bool(value)


def _check_timeout(result: Expression) -> None:
    """A time-out is an integer of milliseconds."""
    _refuse_levels(result.node, "a time-out")
    if int not in result.result_types or isinstance(result.node, Boolean):
        raise ResultError(NO_TIMEOUT)


def timeout(value: Value) -> float:
    """The seconds that a value of milliseconds is; `ResultError` where it is no time-out."""
    if not isinstance(value, int):
        raise ResultError(NO_TIMEOUT)
    if not 1 <= value <= _LONGEST:
        raise ResultError(f"a time-out is 1ms to 1d (1 to {_LONGEST}), and this is {value}")
    return value / _MILLISECONDS


def _refuse_levels(node: Node, wanted: str) -> None:
    """Refuse a level that is the result, or that the result is made of; to compare with one is no mistake."""
    match node:
        case Name(name) if name in LEVELS:
            raise ResultError(f"{name!r} is a level, and this setting takes {wanted}", node)
        case Call("if_then", (_, *branches)):
            made_of: Iterable[Node] = branches
        case Logical() | Unary() | Array():
            made_of = children(node)
        case _:
            made_of = ()
    for each in made_of:
        _refuse_levels(each, wanted)


def alternatives(node: Node) -> Iterator[Node]:
    """The parts of an expression of which one will be its value."""
    match node:
        case Call("if_then", (_, then, otherwise)):
            yield from alternatives(then)
            yield from alternatives(otherwise)
        case _:
            yield node


_TEXT_IS_NO_FLAG: Final = "a text is neither true nor false here, and 'false' would be true: write true or false"
NO_TIMEOUT: Final = "a time-out is a whole number of milliseconds, or a duration such as 30s or 5m"

SETTINGS: Final = (
    Setting("starttls", "require", _check_level, level),
    Setting("allow_invalid_certs", "false", _check_flag, _flag),
    Setting("dane", "optional", _check_level, level),
    Setting("mta_sts", "optional", _check_level, level),
    Setting("tls_timeout", "3m", _check_timeout, timeout),
    Setting("mta_sts_timeout", "10m", _check_timeout, timeout),
)
"""Every setting, in the order of `TlsDecision`'s fields. The defaults are Stalwart's."""
