"""What `--json` writes: decisions, explanations and what an analysis has found, as data."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from tlspolicy.cli.attempts import fields_given
from tlspolicy.decision import Requirement, TlsDecision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlspolicy.analysis import Comparison, Undecided, Ways
    from tlspolicy.explanation import PolicyExplanation

SETTINGS: Final = tuple(field.name for field in fields(TlsDecision) if field.name != "matched")
"""The settings of a decision, in its order."""


def json_line(data: object) -> str:
    """`data` as a line of JSON, in ASCII: any terminal, pipe and file takes it as it is."""
    return json.dumps(data, allow_nan=False)


def decision_data(decision: TlsDecision) -> dict[str, object]:
    """Every setting, a `Requirement` by its name, and in `matched` the index of the rule that decided it."""
    values = {name: getattr(decision, name) for name in SETTINGS}
    plain = {name: str(value) if isinstance(value, Requirement) else value for name, value in values.items()}
    return {**plain, "matched": decision.matched._asdict()}


def explanation_data(explanation: PolicyExplanation) -> dict[str, object]:
    """What `PolicyExplanation.as_data` gives, and with the decision which rules decided."""
    return {**explanation.as_data(), "decision": decision_data(explanation.decision)}


def ways_data(ways: Ways, level: str) -> dict[str, object]:
    """The ways to a level, or that it is proved that there is none."""
    found = [
        {
            "conditions": way.conditions,
            "context": fields_given(way.context),
            "decision": decision_data(way.decision),
        }
        for way in ways.ways
    ]
    return {"level": level, "impossible": ways.impossible, "ways": found, "undecided": undecided_data(ways.undecided)}


def comparison_data(comparison: Comparison) -> dict[str, object]:
    """The differences, or that it is proved that there is none."""
    found = [
        {
            "conditions": difference.conditions,
            "context": fields_given(difference.context),
            "old": decision_data(difference.old),
            "new": decision_data(difference.new),
        }
        for difference in comparison.differences
    ]
    return {
        "equal": comparison.equal,
        "differences": found,
        "undecided": undecided_data(comparison.undecided),
    }


def undecided_data(undecided: Iterable[Undecided]) -> list[dict[str, object]]:
    """The questions that were left open."""
    return [{"key": each.place.key, "line": each.place.line, "why": each.why} for each in undecided]
