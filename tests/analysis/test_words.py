"""Words for a box: a sentence that says where it is, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import conditions, parsed, space_of

from tlspolicy.analysis import texts
from tlspolicy.analysis.formulas import projection
from tlspolicy.analysis.words import words

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

    from tlspolicy.expressions.nodes import Node


def said(written: str, *others: str) -> str:
    """The words for where a condition is true: one of few variables, in the space that it makes with others."""
    space, (meaning, *_) = space_of(*map(parsed, (written, *others)))
    return words(space, tuple(projection(meaning.true, number, space.full) for number in range(len(space.full))))


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        # Integers
        ("retry_num == 2", "retry_num = 2"),
        ("retry_num != 2", "retry_num ≠ 2"),
        ("retry_num > 2", "retry_num ≥ 3"),
        ("retry_num < 2", "retry_num ≤ 1"),
        ("priority <= -2", "priority ≤ -2"),
        ("retry_num > 2 && retry_num < 5", "3 ≤ retry_num ≤ 4"),
        ("retry_num < 2 || retry_num > 5", "(retry_num ≤ 1 or retry_num ≥ 6)"),
        ("retry_num == 1 || retry_num == 3 || retry_num > 5", "(retry_num = 1, retry_num = 3 or retry_num ≥ 6)"),
        ("contains([1, 3], retry_num)", "retry_num is 1 or 3"),
        ("contains([1, 3, 5, 7, 9, 11], retry_num)", "retry_num is 1, 3, 5, 7, 9 or 11"),
        ("contains([1, 3, 5, 7, 9, 11, 13], retry_num)", "retry_num is 1, 3, 5, 7, 9 or 2 others"),
        ("retry_num != 1 && retry_num != 3", "retry_num is none of 1 and 3"),
        ("retry_num != 0", "retry_num ≥ 1"),
        # Texts of which all values are known
        ("last_error == 'tls'", "last_error = 'tls'"),
        ("last_error != 'tls'", "last_error ≠ 'tls'"),
        ("contains(['tls', 'dane'], last_error)", "last_error is 'tls' or 'dane'"),
        ("!contains(['tls', 'dane'], last_error)", "last_error is none of 'tls' and 'dane'"),
        # Texts
        ("mx == 'a'", "mx = 'a'"),
        ("mx != 'a'", "mx ≠ 'a'"),
        ("contains(['a', 'b'], mx)", "mx is 'a' or 'b'"),
        ("!contains(['a', 'b'], mx)", "mx is none of 'a' and 'b'"),
        ("contains(['1','2','3','4','5','6','7'], mx)", "mx is '1', '2', '3', '4', '5' or 2 others"),
        ("mx < 'a'", "mx < 'a'"),
        ("mx >= 'a'", "mx ≥ 'a'"),
        ("mx >= 'a' && mx < 'c'", "mx ≥ 'a' and mx < 'c'"),
        ("starts_with(mx, 'a')", "mx starts with 'a'"),
        ("!starts_with(mx, 'a')", "mx does not start with 'a'"),
        ("ends_with(mx, 'a')", "mx ends with 'a'"),
        ("!ends_with(mx, 'a')", "mx does not end with 'a'"),
        ("contains(mx, 'a')", "mx contains 'a'"),
        ("!contains(mx, 'a')", "mx does not contain 'a'"),
        ("contains(mx, 'a') || contains(mx, 'b')", "(mx contains 'a' or mx contains 'b')"),
        ("ends_with(mx, '.b') && mx != 'a.b'", "mx ends with '.b' and mx ≠ 'a.b'"),
        ("ends_with(mx, 'b') && ends_with(mx, 'ab')", "mx ends with 'ab'"),
        ("starts_with(mx, 'a') && mx >= 'aa' && mx < 'ac'", "mx ≥ 'aa' and mx < 'ac'"),
        ("mx == 'a' && starts_with(rcpt, 'a')", "mx = 'a' and rcpt starts with 'a'"),
        (f"mx == '{'a' * 200}'", f"mx = '{'a' * 98}…"),
        # What is only answered
        ("contains(recipients, 'a@b')", "recipients contains 'a@b'"),
        ("!contains(recipients, 'a@b')", "recipients does not contain 'a@b'"),
        ("mx == rcpt", "mx == rcpt is true"),
        ("!(mx == rcpt)", "mx == rcpt is false"),
        ("mx == rcpt && retry_num > 1", "retry_num ≥ 2 and mx == rcpt is true"),
        # Everything
        ("true", "always"),
        ("retry_num >= 0", "always"),
    ],
)
def test_where_a_condition_is_true(condition: str, sentence: str) -> None:
    assert said(condition) == sentence


@pytest.mark.parametrize(
    ("condition", "others", "sentence"),
    [
        ("retry_num > 2", ["retry_num > 5", "retry_num == 3"], "retry_num ≥ 3"),
        ("ends_with(mx, 'b')", ["ends_with(mx, '.b')", "starts_with(mx, 'a')"], "mx ends with 'b'"),
        ("mx == 'a'", ["starts_with(mx, 'a')", "matches('a', mx)"], "mx = 'a'"),
    ],
)
def test_whatever_else_is_asked(condition: str, others: list[str], sentence: str) -> None:
    assert said(condition, *others) == sentence


def test_a_text_of_which_no_few_words_can_be_said() -> None:
    condition = "contains(mx, 'a') ^ contains(mx, 'b')"
    assert said(condition) == "mx is such as 'a' or 'b'"


def test_many_ranges() -> None:
    several = " || ".join(f"(retry_num > {10 * each} && retry_num < {10 * each + 5})" for each in range(7))
    assert said(several).endswith(", 41 ≤ retry_num ≤ 44 or 2 others)")


def test_tests_of_texts_that_are_only_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_STATES", 3)
    assert said("contains(mx, 'a') && !contains(mx, 'b')") == "mx contains 'a' and mx does not contain 'b'"


@given(conditions(pure=True), conditions(pure=True), st.data())
def test_different_boxes_have_different_words(first: Node, second: Node, data: DataObject) -> None:
    space, _ = space_of(first, second)
    boxes = st.tuples(*[st.integers(1, cells) for cells in space.full])
    ours, theirs = data.draw(boxes), data.draw(boxes)
    sentence = words(space, ours)
    abridged = any(lost in sentence for lost in (" is such as ", " others", "…"))
    assert abridged or (sentence == words(space, theirs)) is (ours == theirs)
