"""The settings of a policy: what each is called, defaults to, and takes as a result.

What the result of a rule may be is checked when the rule is loaded, as far as that can be known, and again when it has
been evaluated. Whatever a setting does not take is an error: nothing is read as a weaker setting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tlspolicy.context import DELIVERY, DeliveryContext
from tlspolicy.decision import LEVELS, MAX_TIMEOUT, Requirement
from tlspolicy.errors import PolicyEvaluationError, PolicyTypeError, did_you_mean
from tlspolicy.expressions.explanation import shown
from tlspolicy.expressions.nodes import (
    Array,
    Boolean,
    Call,
    Capture,
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
    from collections.abc import Callable, Iterable

    from tlspolicy.errors import Place
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.values import Value

_LEVEL_VALUES: Final = frozenset(level.value for level in Requirement)
_MILLISECONDS: Final = 1000
_LONGEST: Final = int(MAX_TIMEOUT) * _MILLISECONDS


class _ResultError(Exception):
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
        check: looks at an expression that may give its value; raises `_ResultError` where it shows that it can't.
        convert: makes of the value what `TlsDecision` holds, or raises `_ResultError`.
    """

    name: str
    default: str
    check: Callable[[Expression], None]
    convert: Callable[[Value], object]

    def parse(self, source: object, place: Place, parse: Callable[..., RuleList] = RuleList.parse) -> RuleList:
        """Make the rule list of this setting.

        Args:
            source: what `parse` takes.
            place: where it stands, for errors.
            parse: `RuleList.parse`, or `RuleList.of_file_data` for what a file's parser has read.

        Raises:
            PolicySyntaxError: it is no rule list.
            PolicyTypeError: a result that the setting does not take.
        """
        rules = parse(source, DELIVERY, place)
        for result in rules.results:
            try:
                self.check(result)
                if _is_constant(result.node):
                    self.convert(result.evaluate(DeliveryContext()))
            except _ResultError as error:
                node = error.node or result.node
                raise PolicyTypeError(error.message, result.text, node.start, node.end, result.place) from None
        return rules

    def decide(self, rules: RuleList, context: object) -> tuple[object, int | None]:
        """What `TlsDecision` holds of this setting, and which rule decided.

        Raises:
            PolicyEvaluationError: the rules gave nothing that the setting takes.
        """
        value, matched = rules.outcome(context)
        try:
            return self.convert(value), matched
        except _ResultError as error:
            result = rules.default if matched is None else rules.rules[matched].result
            raise PolicyEvaluationError(error.message, result.text, 0, len(result.text), result.place) from None


def _check_level(result: Expression) -> None:
    """A level is one of its constants, 0, 1, 2, true or false, its name as a text, or an `if_then` of levels."""
    _check_level_node(result.node)


def _check_level_node(node: Node) -> None:
    match node:
        case Call("if_then", (_, then, otherwise)):
            _check_level_node(then)
            _check_level_node(otherwise)
        case Name(name) if name in LEVELS:
            pass
        case String(name):
            if name not in LEVELS:
                hint = did_you_mean(name, LEVELS) or ": a level is require, optional or disable"
                raise _ResultError(f"{name!r} is no level{hint}", node)
        case Integer(value) if value in _LEVEL_VALUES:
            pass
        case Boolean():
            pass
        case _:
            message = "this is no level: a level is require, optional or disable, or if_then(…) of them"
            raise _ResultError(message, node)


def _level(value: Value) -> Requirement:
    number = LEVELS.get(value) if isinstance(value, str) else value
    if isinstance(number, int) and number in _LEVEL_VALUES:
        return Requirement(number)
    raise _ResultError(f"{shown(value)} is no level: a level is require, optional or disable")


def _check_flag(result: Expression) -> None:
    """True or false is the truth of whatever is no text and no level."""
    _refuse_levels(result.node, "true or false")
    if result.result_types == {str}:
        raise _ResultError(_TEXT_IS_NO_FLAG)


def _flag(value: Value) -> bool:
    if isinstance(value, str):
        raise _ResultError(_TEXT_IS_NO_FLAG)
    return bool(value)


def _check_timeout(result: Expression) -> None:
    """A time-out is an integer of milliseconds."""
    _refuse_levels(result.node, "a time-out")
    if int not in result.result_types or isinstance(result.node, Boolean):
        raise _ResultError(_NO_TIMEOUT)


def _timeout(value: Value) -> float:
    if not isinstance(value, int):
        raise _ResultError(_NO_TIMEOUT)
    if not 1 <= value <= _LONGEST:
        raise _ResultError(f"a time-out is 1ms to 1d (1 to {_LONGEST}), and this is {value}")
    return value / _MILLISECONDS


def _refuse_levels(node: Node, wanted: str) -> None:
    """Refuse a level that is the result, or that the result is made of; to compare with one is no mistake."""
    match node:
        case Name(name) if name in LEVELS:
            raise _ResultError(f"{name!r} is a level, and this setting takes {wanted}", node)
        case Call("if_then", (_, *branches)):
            made_of: Iterable[Node] = branches
        case Logical() | Unary() | Array():
            made_of = children(node)
        case _:
            made_of = ()
    for each in made_of:
        _refuse_levels(each, wanted)


def _is_constant(node: Node) -> bool:
    """Whether an expression depends on nothing, and its value can be looked at when it is loaded."""
    if isinstance(node, Name):
        return node.name in LEVELS
    return not isinstance(node, Capture) and all(map(_is_constant, children(node)))


_TEXT_IS_NO_FLAG: Final = "a text is neither true nor false here, and 'false' would be true: write true or false"
_NO_TIMEOUT: Final = "a time-out is a whole number of milliseconds, or a duration such as 30s or 5m"

SETTINGS: Final = (
    Setting("starttls", "require", _check_level, _level),
    Setting("allow_invalid_certs", "false", _check_flag, _flag),
    Setting("dane", "optional", _check_level, _level),
    Setting("mta_sts", "optional", _check_level, _level),
    Setting("tls_timeout", "3m", _check_timeout, _timeout),
    Setting("mta_sts_timeout", "10m", _check_timeout, _timeout),
)
"""Every setting, in the order of `TlsDecision`'s fields. The defaults are Stalwart's."""
