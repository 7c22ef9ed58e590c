"""Strategies for rule lists and policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tlspolicy.context import DELIVERY
from tlspolicy.policy import TlsPolicy
from tlspolicy.testing.conditions import conditions
from tlspolicy.testing.literals import any_of
from tlspolicy.testing.trees import expressions

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

    from tlspolicy.expressions.schema import Schema
    from tlspolicy.policy import Functions

_LEVELS: Final = st.sampled_from(["require", "optional", "disable"])
_STRATEGY_NAMES: Final = ("default", "strict", "lax")
_MOST_RULES: Final = 4


def rule_lists(
    schema: Schema = DELIVERY, results: SearchStrategy[Any] | None = None
) -> SearchStrategy[list[dict[str, Any]]]:
    """Lists of rules over a schema as data: `[{"if": …, "then": …}, …, {"else": …}]`, as `RuleList.parse` takes them.

    They shrink to an `else` alone.

    Args:
        schema: what they may name.
        results: what a rule may give: texts of expressions, booleans or numbers; by default `expressions(schema)` and
            the small among the others.
    """
    ifs = expressions(schema, int) | expressions(schema) | st.booleans()
    if results is None:
        results = expressions(schema) | st.booleans() | st.integers(0, 9)
    return _lists(ifs, results)


def policies(functions: Functions | None = None) -> SearchStrategy[TlsPolicy]:
    """Policies that load: mostly of such rules as administrators write, in both ways to write them.

    They shrink to `TlsPolicy()`. An example that fails is shown as the call that made it, with all of its rules.

    Args:
        functions: what answers the functions that ask the world, as for `TlsPolicy`; rules then call them.
    """
    schema = DELIVERY if functions is None else DELIVERY.with_functions(functions)
    usual = conditions(schema)
    levels = _LEVELS | _choices(usual, _LEVELS)
    settings = {
        "starttls": levels,
        "allow_invalid_certs": st.booleans() | usual,
        "dane": levels,
        "mta_sts": levels,
        "tls_timeout": _timeouts(),
        "mta_sts_timeout": _timeouts(),
    }
    any_condition = any_of(*[usual] * 4, expressions(schema, int), st.booleans())
    lists = {name: any_of(results, *[_lists(any_condition, results)] * 3) for name, results in settings.items()}
    given = {} if functions is None else {"functions": st.just(functions)}
    by_setting = st.fixed_dictionaries({}, optional=lists).flatmap(
        lambda found: st.builds(TlsPolicy, **{name: st.just(source) for name, source in found.items()}, **given)
    )
    by_name = st.builds(TlsPolicy.from_mapping, _documents(usual), **given)
    return any_of(by_setting, by_setting, by_setting, by_name)


@st.composite
def _lists(draw: DrawFn, conditions: SearchStrategy[Any], results: SearchStrategy[Any]) -> list[dict[str, Any]]:
    rules = [{"if": draw(conditions), "then": draw(results)} for _ in range(draw(st.integers(0, _MOST_RULES)))]
    return [*rules, {"else": draw(results)}]


def _choices(conditions: SearchStrategy[str], results: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.builds("if_then({}, {}, {})".format, conditions, results, results)


def _timeouts() -> SearchStrategy[str | int]:
    return st.sampled_from(["30s", "3m", "500ms", "1d"]) | st.integers(1, 86_400_000)


@st.composite
def _documents(draw: DrawFn, conditions: SearchStrategy[str]) -> dict[str, Any]:
    """What a file with named strategies holds."""
    levels = _LEVELS | st.booleans()
    strategy = st.fixed_dictionaries(
        {}, optional={"starttls": levels, "allow-invalid-certs": st.booleans(), "dane": levels, "mta-sts": levels}
    )
    names = st.sampled_from([f"'{name}'" for name in _STRATEGY_NAMES])
    rules = draw(_lists(conditions, names | _choices(conditions, names)))
    return {"queue": {"strategy": {"tls": rules}, "tls": {name: draw(strategy) for name in _STRATEGY_NAMES}}}
