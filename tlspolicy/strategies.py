"""Named strategies: plain settings under a name, which one rule list chooses from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.decision import Requirement, TlsDecision
from tlspolicy.errors import PolicyError, PolicyTypeError, Problems, did_you_mean, listed, quoted
from tlspolicy.expressions.expression import kind_of
from tlspolicy.expressions.nodes import MILLISECONDS, Duration, Integer
from tlspolicy.expressions.parser import parse_expression
from tlspolicy.settings import NO_TIMEOUT, ResultError, Setting, level, timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.values import Value
    from tlspolicy.layouts import Found

# What a strategy is where it does not say.
_DEFAULT: Final = TlsDecision(starttls=Requirement.OPTIONAL, mta_sts_timeout=300.0)
_FLAGS: Final = {True: True, False: False, "true": True, "false": False}
_MOST_NAMED: Final = 10


class Strategy(NamedTuple):
    """A strategy: its name, and what it decides."""

    name: str
    decision: TlsDecision


def strategies(tables: Mapping[str, Mapping[str, Found]], problems: Problems) -> tuple[Strategy, ...]:
    """The strategies of a document.

    Args:
        tables: each strategy's settings by their names, by the strategy's name.
        problems: gets a `PolicyTypeError` for each value that its setting does not take.
    """
    return tuple([Strategy(name, _decision(table, problems)) for name, table in tables.items()])


def _decision(table: Mapping[str, Found], problems: Problems) -> TlsDecision:
    fields: dict[str, object] = {}
    for name, (data, place) in table.items():
        with problems:
            try:
                fields[name] = _PLAIN[name](data)
            except ResultError as error:
                raise PolicyTypeError(error.message, place=place) from None
    return TlsDecision(**{**_defaults(), **fields})  # type: ignore[arg-type]


def _defaults() -> dict[str, object]:
    return {name: getattr(_DEFAULT, name) for name in _PLAIN}


def _level(data: object) -> Requirement:
    if isinstance(data, (bool, str)):
        return level(data)
    raise ResultError(f"a level is require, optional or disable, and this is {kind_of(data)}")


def _flag(data: object) -> bool:
    if not isinstance(data, (bool, str)) or data not in _FLAGS:
        raise ResultError("this must be true or false")
    return _FLAGS[data]


def _timeout(data: object) -> float:
    """A duration, or an integer of milliseconds."""
    milliseconds = _milliseconds(data) if isinstance(data, str) else data
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise ResultError(NO_TIMEOUT)
    return timeout(milliseconds)


def _milliseconds(text: str) -> int | None:
    try:
        node = parse_expression(text)
    except PolicyError:
        return None
    match node:
        case Duration(count, unit):
            return count * MILLISECONDS[unit]
        case Integer(value):
            return value
        case _:
            return None


_PLAIN: Final[dict[str, Callable[[object], object]]] = {
    "starttls": _level,
    "allow_invalid_certs": _flag,
    "dane": _level,
    "mta_sts": _level,
    "tls_timeout": _timeout,
    "mta_sts_timeout": _timeout,
}


def choice(among: tuple[Strategy, ...]) -> Setting:
    """The setting whose rules give the name of a strategy, and whose value is what that decides."""
    decisions = dict(among)
    some = [*map(quoted, [*decisions][:_MOST_NAMED]), *["others"][: len(decisions) > _MOST_NAMED]]
    known = listed(some or ["none"], "and")

    def check(result: Expression) -> None:
        if str not in result.result_types:
            raise ResultError(_NO_NAME)

    def _hint(name: str) -> str:
        return did_you_mean(name, decisions) or f": there are {known}"

    def convert(value: Value) -> TlsDecision:
        if not isinstance(value, str):
            raise ResultError(_NO_NAME)
        if value not in decisions:
            raise ResultError(f"no strategy has the name {quoted(value)}{_hint(value)}")
        return decisions[value]

    return Setting("strategy", "", check, convert)


_NO_NAME: Final = "the name of a strategy is a text, in quotes of its own inside the expression's: \"'default'\""
