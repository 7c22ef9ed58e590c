"""`tlspolicy table`: what is told apart, what is said of it, and how it is drawn."""

from __future__ import annotations

import argparse
import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tlspolicy import DeliveryContext, LastError, PolicyError, PolicyEvaluationError, TlsPolicy
from tlspolicy.cli import survey as surveying
from tlspolicy.cli import table
from tlspolicy.cli.arguments import CommandError
from tlspolicy.cli.drawing import drawn
from tlspolicy.cli.picture import Cell, Picture, Protection, words
from tlspolicy.cli.survey import survey
from tlspolicy.cli.terminal import Terminal

MANUAL: dict[str, Any] = {
    "starttls": [{"if": "retry_num > 1 && last_error == 'tls'", "then": "disable"}, {"else": "require"}],
    "allow_invalid_certs": [{"if": "retry_num > 0 && last_error == 'tls'", "then": True}, {"else": False}],
}


def seen(picture: Picture) -> list[list[str]]:
    """Each table as lines of text."""
    return [
        [
            *(" and ".join(conditions) for conditions in table.cases),
            " | ".join(map(str, table.columns)),
            *(" | ".join([row.name, *map(words, row.cells)]) for row in table.rows),
        ]
        for table in picture.tables
    ]


def cases_of(condition: str) -> list[str]:
    """The headings of the tables where only a condition makes a difference."""
    picture = survey(TlsPolicy(starttls=[{"if": condition, "then": "optional"}, {"else": "require"}]), {})
    return [" and ".join(conditions) for table in picture.tables[1:] for conditions in table.cases]


PROTECTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "verified": ({}, "verified TLS"),
    "unverified": ({"allow_invalid_certs": True}, "unverified TLS"),
    "offered": ({"starttls": "optional"}, "TLS if offered"),
    "offered-unverified": ({"starttls": "optional", "allow_invalid_certs": True}, "TLS if offered, unverified"),
    "clear-text": ({"starttls": "disable"}, "clear text"),
    "dane": ({"dane": "require"}, "verified TLS, DANE required"),
    "dane-unverified": ({"dane": "require", "allow_invalid_certs": True}, "unverified TLS, DANE required"),
    "mta-sts-verifies": ({"mta_sts": "require", "allow_invalid_certs": True}, "verified TLS, MTA-STS required"),
    "required-and-so-not-optional": (
        {"dane": "require", "mta_sts": "require", "starttls": "optional"},
        "verified TLS, DANE and MTA-STS required",
    ),
    "can't-be": ({"dane": "require", "starttls": "disable"}, "no delivery, DANE required"),
    "no-answer": ({"starttls": "level()", "functions": {"level": lambda: 5}}, "no answer"),
}


@pytest.mark.parametrize(("policy", "expected"), PROTECTIONS.values(), ids=PROTECTIONS)
def test_protections(policy: dict[str, Any], expected: str) -> None:
    assert seen(survey(TlsPolicy(**policy), {})) == [["any retry", f"any | {expected}"]]


OTHER = "all others | verified TLS | verified TLS"
AXES: dict[str, tuple[str, list[str]]] = {
    "a-number": (
        "retry_num == 3",
        ["retry 0–2 | retry 3 | retry 4+", "any | verified TLS | clear text | verified TLS"],
    ),
    "greater": ("4 < retry_num", ["retry 0–4 | retry 5+", "any | verified TLS | clear text"]),
    "a-fraction": ("retry_num >= 2.5", ["retry 0–2 | retry 3+", "any | verified TLS | clear text"]),
    "a-duration": ("retry_num > 1s", ["retry 0–1000 | retry 1001+", "any | verified TLS | clear text"]),
    "a-truth": ("retry_num > true", ["retry 0–1 | retry 2+", "any | verified TLS | clear text"]),
    "negative": ("retry_num > -5", ["any retry", "any | clear text"]),
    "infinite": (f"retry_num > 1{'0' * 400}.0", ["any retry", "any | verified TLS"]),
    "whether-any": ("!retry_num", ["retry 0 | retry 1+", "any | clear text | verified TLS"]),
    "if-then": ("if_then(retry_num, 1, 0)", ["retry 0 | retry 1+", "any | verified TLS | clear text"]),
    "none-that-matters": ("retry_num > 5 && retry_num < 3", ["any retry", "any | verified TLS"]),
    "many-columns": (
        " || ".join(f"retry_num == {2 * number}" for number in range(20)),
        [
            " | ".join(f"retry {number}" for number in range(12)),
            f"any{' | clear text | verified TLS' * 6}",
        ],
    ),
    "an-error": ("last_error == 'tls'", ["retry 0 | retry 1+", "tls | – | clear text", OTHER]),
    "some-errors": (
        "contains(['dane', 'mta-sts'], last_error)",
        ["retry 0 | retry 1+", "dane, mta-sts | – | clear text", OTHER],
    ),
    "no-error": (
        "last_error == 'none'",
        ["retry 0 | retry 1+", "none | clear text | clear text", "all others | – | verified TLS"],
    ),
    "calculated": ("retry_num * 2 > 9 && retry_num", ["retry 0–4 | retry 5+", "any | verified TLS | clear text"]),
}


@pytest.mark.parametrize(("condition", "expected"), AXES.values(), ids=AXES)
def test_axes(condition: str, expected: list[str]) -> None:
    policy = TlsPolicy(starttls=[{"if": condition, "then": "disable"}, {"else": "require"}])
    assert seen(survey(policy, {})) == [expected]


GIVEN: dict[str, tuple[dict[str, Any], list[str]]] = {
    "retry-num": ({"retry_num": 2}, ["retry 2", "tls | clear text", "all others | verified TLS"]),
    "first": ({"retry_num": 0, "last_error": "tls"}, ["retry 0", "tls | verified TLS"]),
    "last-error": (
        {"last_error": "tls"},
        ["retry 0 | retry 1 | retry 2+", "tls | – | unverified TLS | clear text"],
    ),
}


@pytest.mark.parametrize(("fields", "expected"), GIVEN.values(), ids=GIVEN)
def test_given(fields: dict[str, Any], expected: list[str]) -> None:
    assert seen(survey(TlsPolicy(**MANUAL), fields)) == [expected]


CASES = {
    "equal": ("rcpt_domain == 'a.example'", ["rcpt_domain == 'a.example'"]),
    "the-other-way-round": ("'a.example' == rcpt_domain", ["rcpt_domain == 'a.example'"]),
    "unequal": ("mx != 'a.example'", ["mx == 'a.example'"]),
    "one-of": ("contains(['a.example', 5, 'b.example'], mx)", ["mx == 'a.example'", "mx == 'b.example'"]),
    "array": ("contains(recipients, 'a@a.example')", ["contains(recipients, 'a@a.example')"]),
    "ends": ("ends_with(mx, '.a.example')", ["ends_with(mx, '.a.example')"]),
    "ends-address": ("ends_with(sender, '@a.example')", ["ends_with(sender, '@a.example')"]),
    "starts": ("starts_with(mx, 'mx1.')", ["starts_with(mx, 'mx1.')"]),
    "starts-address": ("starts_with(rcpt, 'postmaster@')", ["starts_with(rcpt, 'postmaster@')"]),
    "another-case": ("contains_ignore_case(mx, '.A.')", ["contains_ignore_case(mx, '.A.')"]),
    "source": ("source == 'dsn'", ["source == 'dsn'"]),
    "no-source": ("source == 'x'", []),
    "no-lower-case": ("mx == 'A.example'", []),
    "matches": (r"matches('^.+\.a\.example$', mx)", [r"matches('^.+\.a\.example$', mx)"]),
    "matches-digits": (r"matches('(^|\.)mx\d+\.a\.example$', mx)", [r"matches('(^|\.)mx\d+\.a\.example$', mx)"]),
    "matches-alternatives": ("matches('^(a|b)$', mx)", ["matches('^(a|b)$', mx)"]),
    "matches-what-is-not-simple": (r"matches('^\p{Greek}$', mx)", []),
    "calculated": ("len(mx) > 5 || mx == rcpt_domain + 'x'", []),
    "no-text": ("size == 'x'", []),
    "unused": ("rcpt_domain == 'a.example' && 0", []),
    "either": ("mx == 'a.example' || rcpt_domain == 'b.example'", ["mx == 'a.example'", "rcpt_domain == 'b.example'"]),
    "both": (
        "mx == 'a.example' && rcpt_domain == 'b.example'",
        ["mx == 'a.example' and rcpt_domain == 'b.example'"],
    ),
    "one-is-enough": (
        "mx == 'a.example' && sender != 'x@a.example'",
        ["mx == 'a.example'", "mx == 'a.example' and sender == 'x@a.example'"],
    ),
    "two-of-a-kind": ("mx == 'a.example' && mx != 'b.example'", ["mx == 'a.example'"]),
}


@pytest.mark.parametrize(("condition", "expected"), CASES.values(), ids=CASES)
def test_cases(condition: str, expected: list[str]) -> None:
    assert cases_of(condition) == expected


def test_cases_that_are_decided_alike_are_one_table() -> None:
    rules = [
        {"if": "contains(['a.example', 'b.example'], rcpt_domain)", "then": "require"},
        {"if": "mx == 'c.example'", "then": "disable"},
        {"if": "rcpt_domain == 'd.example'", "then": "require"},
        {"else": "optional"},
    ]
    assert seen(survey(TlsPolicy(starttls=rules), {})) == [
        ["any retry", "any | TLS if offered"],
        [
            "rcpt_domain == 'a.example'",
            "rcpt_domain == 'b.example'",
            "rcpt_domain == 'd.example'",
            "any retry",
            "any | verified TLS",
        ],
        ["mx == 'c.example'", "any retry", "any | clear text"],
    ]


def test_what_is_given_is_no_case() -> None:
    policy = TlsPolicy(starttls=[{"if": "rcpt_domain == 'a.example'", "then": "disable"}, {"else": "optional"}])
    assert seen(survey(policy, {"rcpt": "x@a.example"})) == [["any retry", "any | clear text"]]
    assert seen(survey(policy, {"rcpt_domain": ""})) == [["any retry", "any | TLS if offered"]]


def test_strategies() -> None:
    policy = TlsPolicy.loads(
        "queue.strategy.tls = [ { if = \"ends_with(mx, '.a.example')\", then = \"'b'\" }, { else = \"'a'\" } ]\n"
        "[queue.tls.a]\nstarttls = 'optional'\n[queue.tls.b]\nstarttls = 'require'\ndane = 'require'\n"
    )
    assert seen(survey(policy, {})) == [
        ["any retry", "any | TLS if offered"],
        ["ends_with(mx, '.a.example')", "any retry", "any | verified TLS, DANE required"],
    ]


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "MOST_CASES", 5)
    monkeypatch.setattr(surveying, "MOST_TABLES", 3)
    rules = [{"if": f"mx == 'mx{number}' && retry_num > {number}", "then": "disable"} for number in range(100)]
    picture = survey(TlsPolicy(starttls=[*rules, {"else": "require"}]), {})
    assert [table.cases for table in picture.tables] == [(), (("mx == 'mx0'",),), (("mx == 'mx1'",),)]
    assert str(picture.tables[1].columns[-1]) == "retry 1–63"
    assert picture.notes == [
        "Where nothing else is said, mx is empty: give name=value to see others.",
        "There is more to come after the last retries that are shown.",
        "The rules tell more cases apart than were tried.",
        "There would be 3 more tables.",
    ]


NOTES: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "nothing": ("retry_num > 1", {}, []),
    "first": ("last_error == 'tls'", {}, ["–: a first attempt has no last error."]),
    "given": ("size > 1", {"size": 5}, ["In every attempt size is 5."]),
    "held": (
        "size > 1 || expires_in < 5 || is_empty(recipients) || mx == '' || source == ''",
        {},
        [
            "Where nothing else is said, recipients is empty, mx is empty, expires_in is not known, "
            'source is "unknown", size is 0: give name=value to see others.',
            "By expires_in or size there are attempts with less protection than is shown: see tlspolicy ways.",
        ],
    ),
    "calculated": ("retry_num / 5 > 3", {}, ["The rules calculate with retry_num: it was tried up to 63."]),
    "calculated-and-given": ("retry_num / 5 > 3", {"retry_num": 5}, ["In every attempt retry_num is 5."]),
    "control": ("mx == 'a'", {"mx": "\x1b[2J"}, ['In every attempt mx is "\\u001b[2J".']),
    "invisible": ("mx == 'a'", {"mx": "\u202e"}, ['In every attempt mx is "�".']),
}


@pytest.mark.parametrize(("condition", "fields", "expected"), NOTES.values(), ids=NOTES)
def test_notes(condition: str, fields: dict[str, Any], expected: list[str]) -> None:
    policy = TlsPolicy(starttls=[{"if": condition, "then": "disable"}, {"else": "require"}])
    assert survey(policy, fields).notes == expected


@pytest.mark.parametrize("fields", [{"retry_num": -1}, {"last_error": "x"}, {"mx": 5}])
def test_there_is_no_such_attempt(fields: dict[str, Any]) -> None:
    with pytest.raises(PolicyError):
        survey(TlsPolicy(), fields)


CONDITIONS = st.sampled_from(
    [
        *(f"retry_num {operator} {number}" for operator in ("==", "!=", ">", "<=") for number in (0, 1, 2, 4, 2.5)),
        *(f"last_error == '{error}'" for error in ("none", "tls", "dane", "io")),
        *(f"mx {operator} '{host}'" for operator in ("==", "!=") for host in ("a", "b")),
        "ends_with(rcpt_domain, '.example')",
        "!retry_num",
        "size > 5",
    ]
)
JOINED = st.recursive(
    CONDITIONS, lambda parts: st.builds("({} {} {})".format, parts, st.sampled_from(["&&", "||"]), parts), max_leaves=4
)
RULES = st.builds(
    lambda rules, last: [*({"if": condition, "then": then} for condition, then in rules), {"else": last}],
    st.lists(st.tuples(JOINED, st.sampled_from(["disable", "optional", "require"])), max_size=3),
    st.sampled_from(["optional", "require", "if_then(retry_num > 7, disable, 1)"]),
)
LEVELS = {0: Protection.CLEAR_TEXT, 1: Protection.VERIFIED, 2: Protection.OFFERED}


@given(RULES, st.integers(0, 12), st.sampled_from(list(LastError)))
def test_a_cell_is_what_the_policy_decides(rules: list[dict[str, Any]], retry: int, error: LastError) -> None:
    policy = TlsPolicy(starttls=rules)
    first = survey(policy, {}).tables[0]
    (column,) = (
        at for at, each in enumerate(first.columns) if each.first <= retry and (each.last is None or retry <= each.last)
    )
    (row,) = (row for row in first.rows if error in row.errors)
    decision = policy.evaluate(DeliveryContext(retry_num=retry, last_error=error))
    impossible = retry == 0 and error != LastError.NONE
    alone = len(first.rows) == 1 or "none" in row.errors
    if not impossible:
        assert row.cells[column] == Cell(LEVELS[decision.starttls.value])
    elif not alone:
        assert row.cells[column] is None


@given(RULES)
def test_neighbours_differ_and_all_is_shown(rules: list[dict[str, Any]]) -> None:
    for each in survey(TlsPolicy(starttls=rules), {}).tables:
        assert sorted(error for row in each.rows for error in row.errors) == sorted(LastError)
        columns = list(zip(*(row.cells for row in each.rows), strict=True))
        assert all(before != after for before, after in pairwise(columns))
        assert each.columns[0].first == 0
        assert each.columns[-1].last is None
        for before, after in pairwise(each.columns):
            assert before.last == after.first - 1


def run(*words: str, width: int = 80, colour: bool = False) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    table.configure(parser)
    out, err = io.StringIO(), io.StringIO()
    console = Console(file=out, width=width, force_terminal=colour, color_system="standard" if colour else None)
    status = table.run(parser.parse_args(words), Terminal(console, Console(file=err)))
    return status, out.getvalue(), err.getvalue()


POLICY = """
[queue.outbound.tls]
starttls = [ { if = "rcpt_domain == 'bank.example'", then = "require" },
             { if = "retry_num > 1 && last_error == 'tls'", then = "disable" },
             { if = "retry_num > 8 && size < 1000 && last_error == 'dane'", then = 'optional' },
             { else = "require" } ]
allow-invalid-certs = [ { if = "rcpt_domain == 'bank.example'", then = false },
                        { if = "retry_num > 0 && last_error == 'tls' || retry_num > 5", then = true },
                        { else = false } ]
"""
SHOWN = """\
Any other attempt
last error   retry 0        retry 1          retry 2–5      retry 6–8
──────────────────────────────────────────────────────────────────────────
tls          –              unverified TLS   clear text     clear text
dane         –              verified TLS     verified TLS   unverified TLS
all others   verified TLS   verified TLS     verified TLS   unverified TLS

last error   retry 9+
─────────────────────────────
tls          clear text
dane         TLS if offered,
             unverified
all others   unverified TLS

Where rcpt_domain == 'bank.example'
last error   any retry
─────────────────────────
any          verified TLS

–: a first attempt has no last error.
Where nothing else is said, rcpt_domain is empty, size is 0: give name=value to
see others.
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("p.toml")
    path.write_text(POLICY, encoding="utf-8")
    return path


def plain(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def test_on_paper(file: Path) -> None:
    status, shown, said = run(str(file))
    assert (status, plain(shown), said) == (0, SHOWN, "")


def test_on_a_terminal(file: Path) -> None:
    _, shown, _ = run(str(file), colour=True, width=120)
    assert "\x1b[1;31mclear text" in shown
    assert "\x1b[32mverified TLS" in shown
    assert shown.count("last error") == 2 + 1


def test_on_a_very_narrow_one(file: Path) -> None:
    _, shown, _ = run(str(file), width=10)
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 10


def test_for_one_domain(file: Path) -> None:
    _, shown, _ = run(str(file), "rcpt_domain=bank.example")
    assert plain(shown).startswith("Any attempt\nlast error   any retry\n")
    assert 'In every attempt rcpt_domain is "bank.example".' in shown


def test_what_a_file_says_does_nothing_to_the_terminal(file: Path) -> None:
    names = ["[red]x", ":smile:", "\u202e", *(f"d{number}" for number in range(9)), "x" * 200]
    listed = ", ".join(f"'{name}'" for name in names)
    rule = f'{{ if = "contains([{listed}], rcpt_domain)", then = "optional" }}'
    file.write_text(f"queue.outbound.tls.starttls = [ {rule}, {{ else = 1 }} ]", encoding="utf-8")
    _, shown, _ = run(str(file), colour=True, width=200)
    assert "rcpt_domain == '[red]x'" in shown
    assert "rcpt_domain == ':smile:'" in shown
    assert "rcpt_domain == '�'" in shown
    assert "or in 3 other cases" in shown


def test_json(file: Path) -> None:
    status, shown, _ = run(str(file), "rcpt_domain=\u202e", "--json")
    assert status == 0
    assert "\u202e" not in shown
    data = json.loads(shown)
    assert data["given"] == {"rcpt_domain": "\u202e"}
    assert data["held"] == {"size": 0}
    assert data["more_tables"] == 0
    assert data["notes"][0] == "–: a first attempt has no last error."
    (only,) = data["tables"]
    assert only["cases"] == []
    assert only["retries"][-2:] == [{"first": 6, "last": 8}, {"first": 9, "last": None}]
    assert only["rows"][0]["last_errors"] == ["tls"]
    assert only["rows"][0]["cells"][:2] == [
        None,
        {"protection": "unverified TLS", "dane_required": False, "mta_sts_required": False},
    ]


SVG = "{http://www.w3.org/2000/svg}"


def test_svg(file: Path) -> None:
    assert run(str(file), "--svg", "p.svg") == (0, "", "")
    text = Path("p.svg").read_text(encoding="utf-8")
    root = ET.fromstring(text)  # noqa: S314  (our own)
    assert text.count("http") == 1  # the name of SVG itself
    assert root.findtext(f"{SVG}title") == "How much TLS p.toml demands"
    assert "Any other attempt: tls, retry 1: unverified TLS." in str(root.findtext(f"{SVG}desc"))
    assert root.attrib["aria-label"] == root.findtext(f"{SVG}title")
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts.count("clear text") == 3
    assert "Where rcpt_domain == 'bank.example'" in texts
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for element in root.iter(f"{SVG}rect"):
        if "x" in element.attrib:
            assert float(element.attrib["x"]) + float(element.attrib["width"]) <= width
            assert float(element.attrib["y"]) + float(element.attrib["height"]) <= height


def test_svg_breaks_long_notes() -> None:
    (note,) = survey(TlsPolicy(), {"mx": "a" * 60, "rcpt": f"x@{'b' * 60}"}).notes
    root = ET.fromstring(drawn(survey(TlsPolicy(), {"mx": "a" * 60, "rcpt": f"x@{'b' * 60}"}), "p"))  # noqa: S314
    lines = [str(element.text) for element in root.iter(f"{SVG}text") if "fill" in element.attrib]
    assert len(lines) == 2
    assert " ".join(lines) == note


def test_svg_takes_any_text() -> None:
    policy = TlsPolicy(starttls=[{"if": "mx == '<&\"]]>'", "then": "optional"}, {"else": "require"}])
    root = ET.fromstring(drawn(survey(policy, {"size": 1}), "<a>\x00&.toml"))  # noqa: S314
    assert root.findtext(f"{SVG}title") == "How much TLS <a>�&.toml demands"
    assert "Where mx == '<&\"]]>'" in [element.text for element in root.iter(f"{SVG}text")]


def test_a_rule_that_raises_gives_no_answer() -> None:
    def level(host: str) -> int:
        if host:
            raise OSError("no answer")
        return 1

    policy = TlsPolicy(starttls="if_then(mx == 'a', level(mx), level(''))", functions={"level": level})
    with pytest.raises(PolicyEvaluationError):
        policy.evaluate(DeliveryContext(mx="a"))
    assert seen(survey(policy, {})) == [
        ["any retry", "any | verified TLS"],
        ["mx == 'a'", "any retry", "any | no answer"],
    ]


@pytest.mark.parametrize("name", ["missing/p.svg", ".", "a\0b"])
def test_a_picture_that_can_not_be_written(file: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r"No such file|directory|null"):
        run(str(file), "--svg", name)


def test_a_picture_does_not_replace_the_policy(file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(CommandError, match="this is the policy itself"):
        run(str(file), "--svg", str(file))
    assert file.read_bytes() == before


HIDDEN = {
    "a network": ("is_ip_in_cidr(remote_ip, '10.0.0.0/8')", ("remote_ip",)),
    "an age": ("queue_age > 14400 && last_error == 'tls'", ("queue_age",)),
    "a domain, which is shown": ("rcpt_domain == 'a.example'", ()),
    "retries, which are shown": ("retry_num > 2", ()),
}


@pytest.mark.parametrize(("condition", "weaker"), HIDDEN.values(), ids=HIDDEN)
def test_less_protection_than_is_shown_is_told(condition: str, weaker: tuple[str, ...]) -> None:
    policy = TlsPolicy(starttls=[{"if": condition, "then": "disable"}, {"else": "require"}])
    picture = survey(policy, {})
    assert picture.weaker == weaker
    told = [note for note in picture.notes if "less protection" in note]
    assert told == [
        f"By {name} there are attempts with less protection than is shown: see tlspolicy ways." for name in weaker
    ]
    assert picture.heading(picture.tables[0])[0].endswith("of which nothing else is known") is bool(weaker)
    assert survey(policy, {"size": 1}).weaker == ()
