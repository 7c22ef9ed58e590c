"""Findings, ways and differences as data, and how they print."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from tlspolicy import DeliveryContext, Requirement, TlsDecision, TlsPolicy
from tlspolicy.analysis import (
    CODES,
    Comparison,
    Difference,
    Finding,
    Findings,
    Severity,
    Undecided,
    Way,
    Ways,
    analyse,
)
from tlspolicy.errors import Place

HERE = Place(file="p.toml", key="dane[0].if", line=3)
FINDING = Finding("never-true", Severity.ERROR, HERE, "1 &&\n 0", 6, 7, "it is so", "mend it")
OPEN = Undecided(HERE, "who knows")
WAY = Way("mx = 'a'", DeliveryContext(mx="a"), TlsDecision())
DIFFERENCE = Difference("mx = 'a'", DeliveryContext(mx="a"), TlsDecision(), TlsDecision(starttls=Requirement.DISABLE))

PRINTED = {
    "finding": (
        FINDING,
        "p.toml:3: dane[0].if: line 2, column 2: error: it is so; mend it [never-true]\n     0\n     ^",
    ),
    "without-a-source": (
        replace(FINDING, source="", start=0, end=0),
        "p.toml:3: dane[0].if: error: it is so; mend it [never-true]",
    ),
    "nowhere": (
        replace(FINDING, place=Place(), source="", start=0, end=0, severity=Severity.NOTE),
        "note: it is so; mend it [never-true]",
    ),
    "undecided": (OPEN, "p.toml:3: dane[0].if: who knows"),
    "undecided-nowhere": (Undecided(Place(), "who knows"), "who knows"),
    "findings": (
        Findings((replace(FINDING, source=""),), (OPEN,)),
        "p.toml:3: dane[0].if: error: it is so; mend it [never-true]\np.toml:3: dane[0].if: who knows",
    ),
    "nothing-found": (Findings(()), ""),
    "way": (WAY, "mx = 'a'"),
    "ways": (Ways((WAY,), (OPEN,)), "mx = 'a'\np.toml:3: dane[0].if: who knows"),
    "no-way": (Ways(()), "never"),
    "difference": (DIFFERENCE, "mx = 'a'"),
    "comparison": (Comparison((DIFFERENCE,), (OPEN,)), "mx = 'a'\np.toml:3: dane[0].if: who knows"),
    "no-difference": (Comparison(()), "equal"),
    "warning": (Severity.WARNING, "warning"),
}


@pytest.mark.parametrize(("thing", "text"), PRINTED.values(), ids=PRINTED)
def test_prints(thing: object, text: str) -> None:
    assert str(thing) == text


def test_findings_are_a_sequence() -> None:
    findings = Findings((FINDING,))
    assert (len(findings), findings[0], list(findings), FINDING in findings) == (1, FINDING, [FINDING], True)


def test_severities_are_ordered() -> None:
    assert Severity.NOTE < Severity.WARNING < Severity.ERROR


@pytest.mark.parametrize(
    ("ways", "undecided", "proved"),
    [((), (), True), ((WAY,), (), False), ((), (OPEN,), False), ((WAY,), (OPEN,), False)],
)
def test_only_nothing_at_all_is_proof(ways: tuple[Way, ...], undecided: tuple[Undecided, ...], *, proved: bool) -> None:
    assert Ways(ways, undecided).impossible is proved
    assert Comparison((DIFFERENCE,) * len(ways), undecided).equal is proved


def test_findings_pickle() -> None:
    findings = analyse(TlsPolicy(starttls="optional"))
    assert pickle.loads(pickle.dumps(findings)) == findings  # noqa: S301
    assert findings[0].context == DeliveryContext()


def test_codes_are_sorted_and_explained() -> None:
    assert list(CODES) == sorted(CODES)
    assert all(CODES.values())
