"""`tlspolicy ways` and `tlspolicy diff`: answers made by hand, in words and as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tlspolicy import DeliveryContext, Level, Place, Requirement, TlsDecision, TlsPolicy
from tlspolicy.analysis import Comparison, Difference, Undecided, Way, Ways
from tlspolicy.cli.data import decision_data

if TYPE_CHECKING:
    from command_line import Run

LATE = DeliveryContext(retry_num=2, last_error="tls")
STRICT = TlsDecision()
CLEAR = TlsDecision(starttls=Requirement.DISABLE, allow_invalid_certs=True, tls_timeout=60.0)
OPEN = Undecided(Place("policy.toml", "queue.outbound.tls.starttls[0].if", 3), "it calls a function")
OPEN_LINE = "undecided: policy.toml:3: queue.outbound.tls.starttls[0].if: it calls a function"
OPEN_DATA = {"key": "queue.outbound.tls.starttls[0].if", "line": 3, "why": "it calls a function"}
WAY = Way("retry_num ≥ 2 and last_error = 'tls'", LATE, CLEAR)
WAY_LINES = (
    "retry_num ≥ 2 and last_error = 'tls'\n"
    "    such as: retry_num=2 last_error=tls\n"
    "    decides: starttls = disable, allow_invalid_certs = true, tls_timeout = 60 s\n"
)
ALWAYS = Way("always", DeliveryContext(), STRICT)
ALWAYS_LINES = (
    "always\n    such as: a first attempt of which nothing else is known\n    decides: as a policy that says nothing\n"
)
DIFFERENCE = Difference("retry_num ≥ 2", LATE, STRICT, CLEAR)
DIFFERENCE_LINES = (
    "retry_num ≥ 2\n"
    "    such as: retry_num=2 last_error=tls\n"
    "    old: starttls = require, allow_invalid_certs = false, tls_timeout = 180 s\n"
    "    new: starttls = disable, allow_invalid_certs = true, tls_timeout = 60 s\n"
)

WAYS = [
    ("none", Ways(()), 0, "never: proved\n"),
    ("one", Ways((WAY,)), 1, f"{WAY_LINES}1 way\n"),
    ("two", Ways((WAY, ALWAYS)), 1, f"{WAY_LINES}{ALWAYS_LINES}2 ways\n"),
    ("one and a question", Ways((WAY,), (OPEN,)), 1, f"{WAY_LINES}{OPEN_LINE}\n1 way\n"),
    ("a question", Ways((), (OPEN,)), 2, f"{OPEN_LINE}\nno way found, and none ruled out\n"),
]


@pytest.mark.parametrize("level", ["clear-text", "unverified"])
@pytest.mark.parametrize(("ways", "status", "text"), [case[1:] for case in WAYS], ids=[case[0] for case in WAYS])
def test_ways(run: Run, monkeypatch: pytest.MonkeyPatch, ways: Ways, status: int, text: str, level: str) -> None:
    asked: list[Level] = []

    def ways_to(policy: TlsPolicy, to: Level) -> Ways:
        assert isinstance(policy, TlsPolicy)
        asked.append(to)
        return ways

    monkeypatch.setattr("tlspolicy.cli.ways.ways_to", ways_to)
    assert run("ways", "policy.toml", level) == (status, text, "")
    ran = run("ways", "policy.toml", level, "--json")
    assert asked == [{"clear-text": Level.CLEAR_TEXT, "unverified": Level.UNVERIFIED}[level]] * 2
    assert (ran.status, json.loads(ran.out)) == (
        status,
        {
            "level": level,
            "impossible": status == 0,
            "ways": [
                {"conditions": way.conditions, "context": given, "decision": decision_data(way.decision)}
                for way, given in zip(ways.ways, [{"retry_num": 2, "last_error": "tls"}, {}], strict=False)
            ],
            "undecided": [OPEN_DATA] * len(ways.undecided),
        },
    )


COMPARISONS = [
    ("equal", Comparison(()), 0, "equal: proved for every attempt\n"),
    ("one", Comparison((DIFFERENCE,)), 1, f"{DIFFERENCE_LINES}1 difference\n"),
    (
        "two and a question",
        Comparison((DIFFERENCE,) * 2, (OPEN,)),
        1,
        f"{DIFFERENCE_LINES * 2}{OPEN_LINE}\n2 differences\n",
    ),
    ("a question", Comparison((), (OPEN,)), 2, f"{OPEN_LINE}\nno difference found, and none ruled out\n"),
]


@pytest.mark.parametrize(
    ("comparison", "status", "text"), [case[1:] for case in COMPARISONS], ids=[case[0] for case in COMPARISONS]
)
def test_diff(run: Run, monkeypatch: pytest.MonkeyPatch, comparison: Comparison, status: int, text: str) -> None:
    asked: list[int] = []

    def compare(*policies: TlsPolicy) -> Comparison:
        asked.extend(len(policy.rules["starttls"].rules) for policy in policies)
        return comparison

    monkeypatch.setattr("tlspolicy.cli.diff.compare", compare)
    assert run("diff", "policy.toml", "changed.toml") == (status, text, "")
    ran = run("diff", "policy.toml", "changed.toml", "--json")
    difference = {
        "conditions": "retry_num ≥ 2",
        "context": {"retry_num": 2, "last_error": "tls"},
        "old": decision_data(STRICT),
        "new": decision_data(CLEAR),
    }
    assert (ran.status, json.loads(ran.out)) == (
        status,
        {
            "equal": status == 0,
            "differences": [difference] * len(comparison.differences),
            "undecided": [OPEN_DATA] * len(comparison.undecided),
        },
    )


@pytest.mark.parametrize(
    "words", ["diff broken.toml policy.toml", "diff policy.toml broken.toml", "ways broken.toml clear-text"]
)
def test_what_is_no_policy_has_no_answer(run: Run, words: str) -> None:
    ran = run(*words.split())
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("tlspolicy: broken.toml:4: ")


def test_old_and_new_are_not_mistaken(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    decided: list[Requirement] = []

    def compare(*policies: TlsPolicy) -> Comparison:
        decided.extend(policy.evaluate(LATE).starttls for policy in policies)
        return Comparison(())

    monkeypatch.setattr("tlspolicy.cli.diff.compare", compare)
    run("diff", "policy.toml", "changed.toml")
    assert decided == [Requirement.DISABLE, Requirement.REQUIRE]
