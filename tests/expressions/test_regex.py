from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tlspolicy import Expression, PolicyEvaluationError, PolicySyntaxError, Schema
from tlspolicy.expressions import regex
from tlspolicy.expressions.regex import (
    MAX_FOLDED,
    MAX_PATTERN_LENGTH,
    MAX_PATTERN_SIZE,
    MAX_SEARCH_COST,
    MAX_SUBJECT_LENGTH,
    RegexError,
)
from tlspolicy.expressions.values import UnusableValueError

SCHEMA = Schema({"s": str})

CASES = [
    (r"matches('^(\d+)-(x)?$', '12-')", 1),
    (r"matches('b', 'abc')", 1),
    (r"matches('a$', 'a' + s)", 0),
    (r"matches('(?i)É', 'é')", 1),
    (r"matches('^\w$', 'é')", 1),
    (r"matches('^[a-z&&[^aeiou]]+$', 'xyz')", 1),
    (r"matches('^[a-z&&[^aeiou]]+$', 'xaz')", 0),
    (r"matches('^[[:alpha:]]\pL\b{end}', 'ab')", 1),
    (r"matches('^12$', 12)", 1),
    (r"[matches('(?P<n>.)(?<m>.)(z)?', 'ab'), $0, $1, $2, $3, $9]", (1, "ab", "a", "b", "", "")),
    (r"[matches('a', 'a'), matches('x', 'a'), $0]", (1, 0, "")),
    (r"[1 || matches('a', 'a'), $0]", (1, "")),
    (r"[matches('a', 'a') && 1 || matches('b', 'b'), $0]", (1, "a")),
    (r"[matches('a**', 'john@example.org'), $0]", (1, "")),
]


@pytest.mark.parametrize(("text", "value"), CASES, ids=[text for text, _ in CASES])
def test_matches(text: str, value: object) -> None:
    assert Expression.parse(text, SCHEMA).evaluate({"s": "\n"}) == value


# What the regex crate 1.13.1 itself answered, where Python's rules would have it otherwise.
FOUND = [
    # A repetition of a repetition; + is no possessive one.
    ("a**", "aaa", ("aaa",)),
    ("a+*", "aaa", ("aaa",)),
    ("a{2}{3}", "aaaaaaaa", ("aaaaaa",)),
    ("(?:a{2,3}?)+b", "aaaaab", ("aaaaab",)),
    ("a*+a", "aaa", ("aaa",)),
    ("a++a", "aaa", ("aaa",)),
    ("a?+a", "aaa", ("aaa",)),
    ("a+?+", "aaa", ("aaa",)),
    ("(a*)*", "aaa", ("aaa", "aaa")),
    ("((x|y)*)*", "xyy", ("xyy", "xyy", "y")),
    ("^*", "a", ("",)),
    # Lazy.
    ("a*?", "aaa", ("",)),
    ("a??", "aaa", ("",)),
    ("a{2,}?", "aaa", ("aa",)),
    # White space in braces; digits, commas and braces after them.
    ("a{ 2 , 3 }", "aaaa", ("aaa",)),
    ("a{2}1{2}", "aa11", ("aa11",)),
    ("a{2},*", "aa,,", ("aa,,",)),
    ("a{2}}{2}", "aa}}", ("aa}}",)),
    ("]}", "]}", ("]}",)),
    # Escapes.
    (r"\x{41}*", "AAA", ("AAA",)),
    (r"\u{1F600}{2}", "😀😀", ("😀😀",)),
    (r"\x41\u0042\U00000043", "ABC", ("ABC",)),
    (r"\-\#\&\~\ \/\%\_", "-#&~ /%_", ("-#&~ /%_",)),
    (r"a\z", "a", ("a",)),
    (r"\<a\>\b{end-half}", "a", ("a",)),
    (r"\b{2}a", "a", ("a",)),
    (r"\p{sc=Greek}+\PL", "αβ1", ("αβ1",)),
    # Names of groups.
    ("(?P<a.b>x)(?<c[0]>y)(?<_é1>z)", "xyz", ("xyz", "x", "y", "z")),
    # Flags.
    ("(?i)É", "é", ("é",)),
    ("(?i:a)b", "Ab", ("Ab",)),
    ("((?i:a))b", "AB", None),
    ("(?U)a+", "aaa", ("a",)),
    ("(?U:a+?)", "aaa", ("aaa",)),
    ("(?m)^b$", "a\nb", ("b",)),
    ("(?mR)^b$", "a\r\nb\r\n", ("b",)),
    ("(?mR-i)^b$", "a\r\nb\r\n", ("b",)),
    ("(?m-R)^b$", "a\r\nb\r\n", None),
    ("(?s-m)a.b", "a\nb", ("a\nb",)),
    (r"(?u)\w", "é", ("é",)),
    (r"(?-u)\w", "é", None),
    (r"(?-u:\w)\w", "aé", ("aé",)),
    ("(?x) a  b # c**(?i)[\n  c", "abc", ("abc",)),
    ("(?x)a *  *", "aaa", ("aaa",)),
    ("(?x)a * ?", "aaa", ("aaa",)),
    ("(?x)a{2} ?", "aaa", ("aa",)),
    ("(?x) [ a b ] +", " ab", ("ab",)),
    ("(?x)( # c\n ?: a)b", "ab", ("ab",)),
    (r"(?x)\ a", " a", (" a",)),
    ("(?x: a b )c d", "abc d", ("abc d",)),
    ("(?x) (?-x: a) a", " aa", (" aa",)),
    ("(?x)[ ]a]", "]", ("]",)),
    ("(?x)[- b]+", "-b", ("-b",)),
    ("(?x)a\x1c", "a\x1c", ("a\x1c",)),
    # Classes.
    ("[[a](?a:]+", "(?a:", ("(?a:",)),
    ("[[a]**{2}]+", "a*{2}", ("a*{2}",)),
    ("[]a]+[^]a]", "]ab", ("]ab",)),
    ("[--a]+[a-]", "-a-", ("-a-",)),
    (r"[\w--\d]+", "ab1", ("ab",)),
    ("[a-z--[aeiou]]+", "xyz", ("xyz",)),
    ("[a-g~~b-h]+", "ah", ("ah",)),
    ("[[:^alpha:][:digit:]]+", "a12", ("12",)),
    (r"[\x{61}-\x{63}]+", "abcd", ("abc",)),
    ("(a|)*b", "aab", ("aab", "a")),
    ("a||b", "b", ("",)),
    ("(.)é(.)", "x😀éÿy", ("😀éÿ", "😀", "ÿ")),
]


@pytest.mark.parametrize(("pattern", "subject", "groups"), FOUND, ids=[f"{case[0]} in {case[1]}" for case in FOUND])
def test_rusts_dialect(pattern: str, subject: str, groups: tuple[str, ...] | None) -> None:
    assert regex.search(pattern, subject) == groups


NO_GROUP = "this is no group: groups are (…), (?:…), (?<name>…) and (?i:…)"
NO_NAME = "the name of a group is a letter or _ and after it letters, digits, _ . [ or ]"
NO_BRACE = r"a { that stands for itself is written \{; repetitions are {2}, {2,} and {2,5}"
NO_ESCAPE = r"this is no escape: characters are written \x41 or \x{1F600}, classes \pL or \p{Greek}"
TOO_LARGE = "too large: with its repetitions written out its size is over 250000"
NO_LOOK = "look-around, including look-ahead and look-behind, is not supported"
REFUSED = [
    ("a(?i)b", "only at the start may flags stand alone: write (?i:…) around what they should hold for", 1),
    ("((?i)a)b", "only at the start may flags stand alone: write (?i:…) around what they should hold for", 1),
    ("(?m)(?s-U)a", "only at the start may flags stand alone: write (?s-U:…) around what they should hold for", 4),
    (r"(?a)\w", "there is no flag a: the flags are i m s x U u R", 2),
    ("(?iL:a)", "there is no flag L: the flags are i m s x U u R", 3),
    ("(?ii)a", "i stands twice in these flags", 3),
    ("(?i-i:a)", "i stands twice in these flags", 4),
    ("(?i-)a", "no flag follows this -", 3),
    ("(?)a", "nothing to repeat", 0),
    ("(?é", NO_GROUP, 0),
    ("(?İ)", NO_GROUP, 0),
    ("a(?", NO_GROUP, 1),
    ("(?#c)a", NO_GROUP, 0),
    ("(?>a)", NO_GROUP, 0),
    ("(?P<n>a)(?P=n)", NO_GROUP, 8),
    ("(?(1)a|b)", NO_GROUP, 0),
    ("a(?=b)", NO_LOOK, 1),
    ("(?<!a)b", NO_LOOK, 0),
    ("(?<1a>x)", NO_NAME, 3),
    ("(?P<a-b>x)", NO_NAME, 4),
    ("(?<>x)", NO_NAME, 3),
    ("(?<a", "the name of this group is not closed by >", 1),
    ("(?P<n>é(?P<n>a", "there are two groups of the name n", 11),
    ("(a(b", "missing ), unterminated subpattern", 2),
    ("a)", "unbalanced parenthesis", 1),
    ("*", "nothing to repeat", 0),
    ("a|*", "nothing to repeat", 2),
    ("(?i)*", "nothing to repeat", 4),
    ("a{", NO_BRACE, 1),
    ("a{,5}", NO_BRACE, 1),
    ("a{b}", NO_BRACE, 1),
    ("{5}", "nothing to repeat", 0),
    ("a{2, }", "repetition quantifier expects a valid decimal", 1),
    ("éa**a{2,1}", "invalid repetition count range, the start must be <= the end", 5),
    (r"(a)\1", "backreferences are not supported", 3),
    (r"\101", "backreferences are not supported", 0),
    (r"a\Z", r"the end of the text is written \z", 1),
    (r"a\N", "unrecognized escape sequence", 1),
    (r"\Qa\E", "unrecognized escape sequence", 0),
    (r"a\é", "unrecognized escape sequence", 1),
    ("a\\", NO_ESCAPE, 1),
    (r"\x4", NO_ESCAPE, 0),
    (r"(?x)\x 41", NO_ESCAPE, 4),
    (r"\p", NO_ESCAPE, 0),
    (r"\x{110000}", "there is no such character", 0),
    (r"\u{D800}", "there is no such character", 0),
    ("a\ud800", "a lone surrogate is no character", 1),
    ("[]", "unterminated character set", 0),
    ("a[b[c]", "unterminated character set", 1),
    ("[z-a]", "bad character range z-a", 1),
    ("[a-[b]]", r"in front of a [ in a class a - is written \-", 2),
    ("(?x)[a- [b]]", r"in front of a [ in a class a - is written \-", 6),
    ("(?x)[a#]", r"under the flag x a # in a class begins a comment: write \#", 6),
    ("(?-u:.)", "pattern can match invalid UTF-8", 5),
    (f"a{{{MAX_PATTERN_SIZE}}}", TOO_LARGE, None),
    ("(?:a{1000}){1000}", TOO_LARGE, None),
    (r"\w{1000}", "Compiled regex exceeds size limit of 10485760 bytes.", None),
]


@pytest.mark.parametrize(("pattern", "reason", "position"), REFUSED, ids=[ascii(case[0]) for case in REFUSED])
def test_what_is_refused(pattern: str, reason: str, position: int | None) -> None:
    with pytest.raises(RegexError) as raised:
        regex.compiled(pattern)
    assert (raised.value.reason, raised.value.position) == (reason, position)


@pytest.mark.parametrize("pattern", ["a(?=b)", r"(a)\1", "(", "[z-a]", "a{1000}{1000}{1000}", "(?é", "a(?i)b"])
def test_what_the_dialect_does_not_have_is_refused_at_load(pattern: str) -> None:
    with pytest.raises(PolicySyntaxError):
        Expression.parse(f"matches('{pattern}', s)", SCHEMA)


def test_a_pattern_on_which_the_engine_fails_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(_pattern: str) -> None:
        raise PanicException

    monkeypatch.setattr("rurex.compile", panic)
    with pytest.raises(PolicySyntaxError, match="this is no regular expression"):
        Expression.parse("matches('never seen before either', s)", SCHEMA)


def test_what_interrupts_the_engine_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_pattern: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rurex.compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Expression.parse("matches('never seen before', s)", SCHEMA)


def test_pattern_length() -> None:
    Expression.parse(f"matches('{'a' * MAX_PATTERN_LENGTH}', s)", SCHEMA)
    with pytest.raises(PolicySyntaxError, match="longer than 4096 characters"):
        Expression.parse(f"matches('{'a' * (MAX_PATTERN_LENGTH + 1)}', s)", SCHEMA)


def test_pattern_size() -> None:
    times = (MAX_PATTERN_SIZE - 1) // 2
    regex.compiled(f"a{{{times}}}")
    with pytest.raises(RegexError, match="too large"):
        regex.compiled(f"a{{{times + 1}}}")


def test_classes_whose_case_is_ignored() -> None:
    most = MAX_FOLDED // 3_000
    regex.compiled("(?i)" + r"\pL" * most)
    with pytest.raises(RegexError, match="too many classes of Unicode under the flag i"):
        regex.compiled("(?i)" + r"\pL" * (most + 1))


def test_subject_length() -> None:
    expression = Expression.parse("matches('b', s)", SCHEMA)
    assert expression.evaluate({"s": "a" * MAX_SUBJECT_LENGTH}) == 0
    with pytest.raises(PolicyEvaluationError, match="a text of more than 65536 characters"):
        expression.evaluate({"s": "a" * (MAX_SUBJECT_LENGTH + 1)})


@pytest.mark.parametrize("character", ["a", "é", "😀"])
def test_subject_length_with_a_large_pattern(character: str) -> None:
    pattern = "[ab]{9000}"
    most = MAX_SEARCH_COST // regex.cost(pattern)
    fitting = character * (most // len(character.encode()))
    assert regex.search(pattern, fitting) is None
    with pytest.raises(UnusableValueError, match=rf"too long for so large a pattern: {most} at most"):
        regex.search(pattern, fitting + character)


DEARER = [
    ("a", "aa"),
    ("a", "é"),
    ("a", "."),
    (".", r"\w"),
    ("[a]", r"[a\w]"),
    ("a|b", "a|b|c"),
    ("a?", "(?:a?)?"),
    ("a{0}", "a{2}"),
    ("a{9}", "a{10}"),
    ("a{9}", "a{9,}"),
    ("a{9}", "a{8,9}"),
    ("(?:a)" * 40, "(a)" * 40),
]


@pytest.mark.parametrize(("smaller", "larger"), DEARER)
def test_what_takes_longer_costs_more(smaller: str, larger: str) -> None:
    assert regex.cost(smaller) < regex.cost(larger)


def test_a_subject_that_is_no_text() -> None:
    with pytest.raises(UnusableValueError, match="a text with a lone surrogate"):
        regex.search("a", "\ud800")


# Each with the longest subject that it is given. What a backtracking engine would never finish, and what took the
# engine itself up to 36 seconds before searches had a limit.
SLOW = [
    ("^(a+)+$", "a", "a"),
    ("^(?:[ab]+[ab]+)+(a|b|ab){3000}$", "ab", "b"),
    ("(a?b?){9999}(a|b){9999}!", "ab", "a"),
    ("(.*a)(.*b){40}.{3000}c", "ab", "b"),
    ("[ab]*a[ab]{3000}c", "ab", "a"),
    ("(?:(?:a{0,10}){0,10}){0,20}[!?]", "a", "a"),
    (r"(?:(?:a?b?){0,100}){20}[!?]\b", "ab", "a"),
    (r"(?:\b|.?){300}[!?]", "é😀", "é"),
    (r"\b(?:\w?){80}[!?]\b", "a😀", "a"),
    (r"\b" + "(.)?" * 200 + "[!?]", "é😀", "é"),
]


@pytest.mark.parametrize(("pattern", "repeated", "end"), SLOW, ids=[case[0][:40] for case in SLOW])
def test_nothing_takes_long(pattern: str, repeated: str, end: str) -> None:
    most = MAX_SEARCH_COST // regex.cost(pattern)
    subject = (repeated * (most // len(repeated.encode()) - 1))[: MAX_SUBJECT_LENGTH - 1] + end
    started = time.process_time()
    regex.search(pattern, subject)
    assert time.process_time() - started < 10  # Half a second, as timed.


def test_what_a_backtracking_engine_never_finishes_is_answered() -> None:
    expression = Expression.parse("matches('^(a+)+$', s)", SCHEMA)
    started = time.process_time()
    assert expression.evaluate({"s": "a" * (MAX_SUBJECT_LENGTH - 1) + "!"}) == 0
    assert time.process_time() - started < 60  # A backtracking engine would need longer than there is time.


_TOKENS = re.findall(
    r"\S+",
    r"a é 😀 . ^ $ * + ? {2} {2,} {,2} { } | ( ) (?: (?i: (?i) (?x) (?x: (?P<n> (?<n> (?é (?P= (?a) [ ] [^ - -- && ~~ :"
    r" [:alpha:] \d \w \pL \p{Greek} \x41 \x{e9} \b \b{start} \Z \1 \ # 1 ,",
)
_PATTERNS = st.lists(st.sampled_from([*_TOKENS, " ", "\n"]) | st.text(max_size=2), max_size=12).map("".join)
_ANY_TEXT = st.text(st.characters())


@given(_PATTERNS | _ANY_TEXT, _ANY_TEXT)
@example("(?P<n>é(?P<n>a", "")
def test_any_text_is_a_usable_pattern_or_refused(pattern: str, subject: str) -> None:
    try:
        groups = regex.search(pattern, subject)
    except (RegexError, UnusableValueError):
        return
    assert groups is None or groups[0] in subject


def test_without_the_engine_a_pattern_is_refused_at_load(monkeypatch: pytest.MonkeyPatch) -> None:
    regex.compiled.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "rurex", None)
    with pytest.raises(
        PolicySyntaxError, match=r"matches\(\) needs the regex engine: pip install 'tlspolicy\[regex\]'"
    ):
        Expression.parse("matches('a', s)", SCHEMA)
