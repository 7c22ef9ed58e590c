"""Cells of texts: every text is in one, and no cell is without."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy.analysis import texts
from tlspolicy.analysis.texts import Kind, TextCell, TextTest, cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KINDS = get_args(Kind)
# Of these constants are made. Between them in their order, before and after there are characters in `LETTERS`, too.
CONSTANTS = st.text("ab.", max_size=3) | st.sampled_from(["A", "aA", "b.A"])
LETTERS = "-./Aabc"
SHORT = ["".join(letters) for length in range(5) for letters in product(LETTERS, repeat=length)]
TESTS = st.lists(st.builds(TextTest, st.sampled_from(KINDS), CONSTANTS), max_size=5, unique=True)


def passed(tests: Sequence[TextTest], text: str) -> int:
    """Which of `tests` are true of a text, a bit each."""
    return sum(1 << bit for bit, test in enumerate(tests) if test.holds(text))


def is_host(text: str) -> bool:
    """Whether a `DeliveryContext` may have it of a host."""
    return text == text.lower() and not text.endswith(".")


def found(tests: Sequence[TextTest], *, hosts: bool = False) -> list[TextCell]:
    """The cells, of which there are not too many."""
    of_tests = cells(tests, hosts=hosts)
    assert of_tests is not None
    return of_tests


@pytest.mark.parametrize(
    ("kind", "true", "false"),
    [
        ("equals", ["ab"], ["", "a", "abc", "AB"]),
        ("below", ["", "a", "aa", "aab", "AB"], ["ab", "ab0", "b", "é"]),
        ("starts", ["ab", "abc"], ["", "a", "cab", "Ab"]),
        ("ends", ["ab", "cab"], ["", "b", "abc"]),
        ("contains", ["ab", "cabc"], ["", "a", "ba", "acb"]),
    ],
)
def test_a_test_holds(kind: Kind, true: Iterable[str], false: Iterable[str]) -> None:
    test = TextTest(kind, "ab")
    assert all(map(test.holds, true))
    assert not any(map(test.holds, false))


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        pytest.param([], [(0b0, "", False)], id="no tests: all texts are alike"),
        pytest.param([("equals", "b")], [(0b0, "", False), (0b1, "b", True)], id="one text, and all others"),
        pytest.param(
            [("starts", "b"), ("ends", "bc")],
            [(0b00, "", False), (0b01, "b", False), (0b11, "bc", False), (0b10, "cbc", False)],
            id="a start and an end may overlap",
        ),
        pytest.param(
            [("ends", "bc"), ("contains", "bd")],
            [(0b00, "", False), (0b01, "bc", False), (0b10, "bd", False), (0b11, "bdbc", False)],
            id="parts that begin alike",
        ),
        pytest.param([("contains", "")], [(0b1, "", False)], id="all texts contain the empty one"),
        pytest.param([("below", "\0")], [(0b1, "", False), (0b0, "\0", False)], id="nothing but '' is below the first"),
        pytest.param([("below", "")], [(0b0, "", False)], id="nothing is below the empty text"),
    ],
)
def test_cells(tests: list[tuple[Kind, str]], expected: list[tuple[int, str, bool]]) -> None:
    assert sorted(found([TextTest(*test) for test in tests])) == sorted(TextCell(*cell) for cell in expected)


@pytest.mark.parametrize(
    ("test", "kinds"),
    [
        (("equals", "A"), {0}),
        (("equals", "a."), {0}),
        (("starts", "a."), {0, 1}),
        (("ends", "."), {0}),
        (("contains", "\N{LATIN CAPITAL LETTER E WITH ACUTE}"), {0}),
    ],
    ids=repr,
)
def test_a_host_is_in_lower_case_and_ends_with_no_dot(test: tuple[Kind, str], kinds: set[int]) -> None:
    assert {cell.passed for cell in found([TextTest(*test)], hosts=True)} == kinds


@pytest.mark.parametrize(("hosts", "other"), [(False, "A"), (True, "[")])
def test_there_is_another_character_whatever_the_constants_have(hosts: bool, other: str) -> None:  # noqa: FBT001
    characters = set(map(chr, range(0x80))) - {"A", "["}
    tests = [TextTest("equals", ""), *[TextTest("starts", character) for character in sorted(characters)]]
    assert [cell.example for cell in found(tests, hosts=hosts) if not cell.passed] == [other]


def test_too_much_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = [TextTest("contains", "a"), TextTest("contains", "b")]
    monkeypatch.setattr(texts, "MAX_STATES", 5)
    assert cells(tests[:1], hosts=False) is not None
    assert cells(tests, hosts=False) is None


@given(TESTS, st.booleans())
def test_every_text_is_in_a_cell_and_no_cell_is_empty(tests: list[TextTest], hosts: bool) -> None:  # noqa: FBT001
    of_tests = {cell.passed: cell for cell in found(tests, hosts=hosts)}
    shortest: dict[int, list[str]] = {}
    for text in SHORT:
        if is_host(text) or not hosts:
            shortest.setdefault(passed(tests, text), []).append(text)
    assert shortest.keys() <= of_tests.keys()
    for number, cell in of_tests.items():
        assert passed(tests, cell.example) == number
        assert is_host(cell.example) or not hosts
        alike = shortest.get(number, [])
        assert all(len(cell.example) <= len(text) for text in alike)
        assert not cell.alone or alike == [cell.example]


@given(
    st.lists(st.builds(TextTest, st.sampled_from(KINDS), st.text(max_size=3)), max_size=5, unique=True),
    st.text(max_size=6),
    st.booleans(),
)
def test_so_it_is_of_any_characters(tests: list[TextTest], text: str, hosts: bool) -> None:  # noqa: FBT001
    of_tests = {cell.passed: cell for cell in found(tests, hosts=hosts)}
    assert all(passed(tests, cell.example) == number for number, cell in of_tests.items())
    for each in (text, *(test.constant for test in tests)):
        kept = each.lower().rstrip(".") if hosts else each
        cell = of_tests[passed(tests, kept)]
        assert not cell.alone or cell.example == kept
