"""Timing functions against one another: in one process, by turns, so that a noisy machine disturbs all of them."""

from __future__ import annotations

from itertools import repeat
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS: Final = 40
_ROUND_SECONDS: Final = 0.004


def medians(functions: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of a call of each function, in nanoseconds.

    Args:
        functions: called without arguments, each some hundred times or more before it is the next one's turn.
        rounds: how many turns each has.
    """
    calls = {name: _calls(function) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(_time(function, calls[name]) / calls[name])
    return {name: median(each) * 1e9 for name, each in times.items()}


def decisions(
    functions: Mapping[str, Callable[[Any], object]], contexts: Mapping[str, object], rounds: int = ROUNDS
) -> dict[str, float]:
    """As `medians`, of functions of a context; each is called with its own. The call itself is all that is timed."""
    calls = {name: _decision_calls(function, contexts[name]) for name, function in functions.items()}
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(_decide(function, contexts[name], calls[name]) / calls[name])
    return {name: median(each) * 1e9 for name, each in times.items()}


def _calls(function: Callable[[], object]) -> int:
    """How many calls take about a round."""
    _time(function, 5)
    return max(1, int(_ROUND_SECONDS / (_time(function, 5) / 5)))


def _time(function: Callable[[], object], calls: int) -> float:
    started = perf_counter()
    for _ in repeat(None, calls):
        function()
    return perf_counter() - started


def _decision_calls(function: Callable[[Any], object], context: object) -> int:
    _decide(function, context, 100)
    return max(100, int(_ROUND_SECONDS / (_decide(function, context, 100) / 100)))


def _decide(function: Callable[[Any], object], context: object, calls: int) -> float:
    started = perf_counter()
    for _ in repeat(None, calls):
        function(context)
    return perf_counter() - started
