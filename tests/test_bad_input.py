"""What is wrong with a policy is said so that it can be mended: each kind once, by its exact text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import (
    DeliveryContext,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    PolicyTypeError,
    RuleList,
    Schema,
    TlsPolicy,
    config,
)
from tlspolicy.expressions import rules

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = (Path(__file__).parents[1] / "examples" / "policy.toml").read_text(encoding="utf-8")


def tls(rules: str) -> str:
    return f"[queue.outbound.tls]\n{rules}\n"


FILES = {
    "unknown-name": (
        SEED.replace("retry_num > 0", "retry_nun > 0"),
        PolicySyntaxError,
        """\
p.toml:4: queue.outbound.tls.allow-invalid-certs[0].if: line 1, column 1: unknown name 'retry_nun'; did you mean 'retry_num'?
    retry_nun > 0 && last_error == 'tls'
    ^^^^^^^^^""",
    ),
    "missing-else": (
        tls("starttls = [ { if = \"retry_num > 1\", then = 'disable' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: 'else' is missing: the list must end with { else = … }",
    ),
    "then-without-if": (
        tls("starttls = [ { then = 'disable' }, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: this rule has 'then' without 'if'",
    ),
    "if-without-then": (
        tls("starttls = [ { if = 'retry_num > 1' }, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: this rule has 'if' without 'then'",
    ),
    "two-else": (
        tls("starttls = [ { else = 'require' }, { else = 'disable' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: 'else' must be the last rule: what stands after it would never be tried",
    ),
    "else-and-if": (
        tls("starttls = [ { if = '1', then = 'disable', else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: 'else' must stand in a rule of its own, the last one",
    ),
    "empty-rule": (
        tls("starttls = [ {}, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: this rule is empty: it must have 'if' and 'then', or 'else'",
    ),
    "empty-list": (
        tls("starttls = []"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls: the list of rules is empty: it must end with { else = … }",
    ),
    "unknown-rule-key": (
        tls("starttls = [ { when = '1', then = 'disable' }, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: unknown key 'when'; did you mean 'then'?",
    ),
    "foreign-rule-key": (
        tls("starttls = [ { x = '1' }, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: unknown key 'x': a rule has if and then, or else",
    ),
    "unknown-setting": (
        tls("start-tls = 'require'"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.start-tls: unknown key 'start-tls'; did you mean 'starttls'?",
    ),
    "table-for-a-list": (
        tls("starttls = { if = '1', then = 'require' }"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls: a list of rules is written [ { if = …, then = … }, { else = … } ], "
        "and this is a table",
    ),
    "text-for-a-rule": (
        tls("starttls = [ 'require' ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0]: a rule is a table { if = …, then = … }, not a text",
    ),
    "array-for-an-expression": (
        tls("starttls = [ { if = ['1'], then = 'disable' }, { else = 'require' } ]"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls[0].if: an expression in quotes, a boolean or a number must stand here, "
        "not an array",
    ),
    "date-for-an-expression": (
        tls("starttls = 1979-05-27"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls: an expression in quotes, a boolean or a number must stand here, not a date",
    ),
    "number-too-large": (
        tls("allow-invalid-certs = [ { if = 'size > 9223372036854775808', then = true }, { else = false } ]"),
        PolicySyntaxError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs[0].if: line 1, column 8: this integer is larger than 64 bits can hold \
(9223372036854775807)
    size > 9223372036854775808
           ^^^^^^^^^^^^^^^^^^^""",
    ),
    "bare-number-too-large": (
        tls("starttls = 9223372036854775808"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls: this integer is larger than 64 bits can hold "
        "(-9223372036854775808 to 9223372036854775807)",
    ),
    "number-that-python-refuses": (
        tls("starttls = " + "9" * 5000),
        PolicySyntaxError,
        f"""\
p.toml: line 2, column 12: an integer of thousands of digits
    starttls = {"9" * 63}…
               {"^" * 63}""",
    ),
    "not-a-number": (
        tls("allow-invalid-certs = nan"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.allow-invalid-certs: nan is no number that a rule may have",
    ),
    "string-without-end": (
        tls('''starttls = "matches('^mx, mx)"'''),
        PolicySyntaxError,
        """\
p.toml:2: queue.outbound.tls.starttls: line 1, column 9: this string never ends
    matches('^mx, mx)
            ^^^^^^^^^""",
    ),
    "no-level": (
        tls('starttls = "retry_num > 1"'),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.starttls: line 1, column 1: this is no level: a level is require, optional or disable, \
or if_then(…) of them
    retry_num > 1
    ^^^^^^^^^^^^^""",
    ),
    "misspelt-level": (
        tls("""starttls = "if_then(retry_num, 'disbale', require)" """),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.starttls: line 1, column 20: 'disbale' is no level; did you mean 'disable'?
    if_then(retry_num, 'disbale', require)
                       ^^^^^^^^^""",
    ),
    "level-out-of-range": (
        tls("dane = 3"),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.dane: line 1, column 1: 3 is no level: a level is require, optional or disable
    3
    ^""",
    ),
    "text-for-a-flag": (
        tls("""allow-invalid-certs = "'false'" """),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 1: a text is neither true nor false here, and 'false' \
would be true: write true or false
    'false'
    ^^^^^^^""",
    ),
    "level-for-a-flag": (
        tls("""allow-invalid-certs = "if_then(retry_num, if_then(1, 0, disable), false)" """),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 34: 'disable' is a level, and this setting takes true \
or false
    if_then(retry_num, if_then(1, 0, disable), false)
                                     ^^^^^^^""",
    ),
    "time-out-too-short": (
        '[queue.outbound.timeouts]\ntls = "0s"',
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.timeouts.tls: line 1, column 1: a time-out is 1ms to 1d (1 to 86400000), and this is 0
    0s
    ^^""",
    ),
    "time-out-too-long": (
        '[queue.outbound.timeouts]\nmta-sts = "1d + 1"',
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.timeouts.mta-sts: line 1, column 1: a time-out is 1ms to 1d (1 to 86400000), and this is 86400001
    1d + 1
    ^^^^^^""",
    ),
    "time-out-of-truth": (
        "[queue.outbound.timeouts]\ntls = true",
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.timeouts.tls: line 1, column 1: a time-out is a whole number of milliseconds, or a duration \
such as 30s or 5m
    true
    ^^^^""",
    ),
    "time-out-of-text": (
        "[queue.outbound.timeouts]\ntls = 'mx'",
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.timeouts.tls: line 1, column 1: a time-out is a whole number of milliseconds, or a duration \
such as 30s or 5m
    mx
    ^^""",
    ),
    "regex-backslash": (
        tls(r"""starttls = [{ if = "matches('^\S+\.org$', mx)", then = 0 }, { else = 1 }]"""),
        PolicySyntaxError,
        r"""p.toml: line 2, column 31: unescaped '\' in a string: write each backslash twice ("…\\S…"), or use """
        r"""'''…''', which keeps them as they are
    starttls = [{ if = "matches('^\S+\.org$', mx)", then = 0 }, { else = 1 }]
                                  ^""",
    ),
    "regex-backspace": (
        tls(r'''allow-invalid-certs = "matches('\bbank\b', mx)"'''),
        PolicySyntaxError,
        r"""p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 10: the control character U+0008 comes of a """
        r"""single backslash in the file: write it twice (\\b), or write the text in '''…''', which keeps backslashes """
        """as they are
    matches('�bank�', mx)
             ^""",
    ),
    "bad-regex": (
        tls("allow-invalid-certs = '''matches('^(mx', mx)'''"),
        PolicySyntaxError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 11: missing ), unterminated subpattern
    matches('^(mx', mx)
              ^""",
    ),
    "empty-file": (
        "",
        PolicySyntaxError,
        "p.toml: there is no TLS policy in this document: looked for the table [queue.outbound.tls], the tables "
        "[queue.strategy] and [queue.tls.NAME] or the objects MtaOutboundStrategy and MtaTlsStrategy",
    ),
    "other-file": (
        "[server]\nhostname = 'mx'\n[queue.outbound.timeouts]\nconnect = '1m'",
        PolicySyntaxError,
        "p.toml: there is no TLS policy in this document: looked for the table [queue.outbound.tls], the tables "
        "[queue.strategy] and [queue.tls.NAME] or the objects MtaOutboundStrategy and MtaTlsStrategy",
    ),
    "queue-no-table": ("queue = 1", PolicySyntaxError, "p.toml:1: queue: this must be a table"),
    "tls-no-table": (
        "queue.outbound.tls = 'require'",
        PolicySyntaxError,
        "p.toml:1: queue.outbound.tls: this must be a table",
    ),
    "no-toml": (
        tls("starttls = [ { if = '1', then = 'disable' }"),
        PolicySyntaxError,
        """\
p.toml: line 3, column 1: unclosed array
    \n    ^""",
    ),
    "duplicate-key": (
        tls("dane = 'require'\ndane = 'disable'"),
        PolicySyntaxError,
        """\
p.toml: line 3, column 1: this key stands twice
    dane = 'disable'
    ^""",
    ),
    "nested-too-deep": (
        tls("starttls = " + "[" * 100_000),
        PolicySyntaxError,
        f"""\
p.toml: line 2, column 100011: tables or arrays are nested too deep
    …{"[" * 38}
     {" " * 37}^""",
    ),
    "misspelt-table": (
        "[queue.outbound.timeouts]\ntls = '1m'\n[queue.outbound.tsl]\ndane = 'require'",
        PolicySyntaxError,
        "p.toml:3: queue.outbound.tsl: unknown table 'tsl'; did you mean 'tls'?",
    ),
    "misspelt-table-beside-it": (
        tls("starttls = 'optional'") + "[queue.outbound.TLS]\nstarttls = 'require'",
        PolicySyntaxError,
        "p.toml:3: queue.outbound.TLS: unknown table 'TLS'; did you mean 'tls'?",
    ),
    "misspelt-time-outs": (
        tls("") + "[queue.outbound.timeouts]\nconnect = '1m'\nmta_sts = '10s'",
        PolicySyntaxError,
        "p.toml:5: queue.outbound.timeouts.mta_sts: unknown key 'mta_sts'; did you mean 'mta-sts'?",
    ),
    "key-in-quotes": (
        "'queue.outbound.tls.dane' = 'require'\n" + tls("starttls = 'optional'"),
        PolicySyntaxError,
        "p.toml:1: queue.outbound.tls.dane: the key 'queue.outbound.tls.dane' is in quotes as a whole: write its parts as "
        "tables, or without quotes",
    ),
    "string-over-lines": (
        tls('dane = "require'),
        PolicySyntaxError,
        """\
p.toml: line 2, column 16: this string is not closed on its line
    dane = "require
                   ^""",
    ),
    "no-quotes": (
        tls("dane = require"),
        PolicySyntaxError,
        """\
p.toml: line 2, column 8: this is no value: an expression is written in quotes
    dane = require
           ^""",
    ),
    "terminal-codes": (
        tls('"\\u001b[31m\\nx" = 1'),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.�[31m x: unknown key '\\x1b[31m\\nx'",
    ),
    "buried-level": (
        tls("allow-invalid-certs = 'retry_num > 5 || !disable'"),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 19: 'disable' is a level, and this setting takes true \
or false
    retry_num > 5 || !disable
                      ^^^^^^^""",
    ),
    "constant-text-for-a-flag": (
        tls("""allow-invalid-certs = "if_then(0, 1, to_lowercase('x'))" """),
        PolicyTypeError,
        """\
p.toml:2: queue.outbound.tls.allow-invalid-certs: line 1, column 15: a text is neither true nor false here, and 'false' \
would be true: write true or false
    if_then(0, 1, to_lowercase('x'))
                  ^^^^^^^^^^^^^^^^^""",
    ),
    "windows-lines": (
        tls("starttls = = 1").replace("\n", "\r\n"),
        PolicySyntaxError,
        """\
p.toml: line 2, column 12: this is no value: an expression is written in quotes
    starttls = = 1
               ^""",
    ),
    "copy-in-a-comment": (
        "# '''matches('^\\S$', mxx)'''\n" + tls('''allow-invalid-certs = "matches('^\\\\S$', mxx)"'''),
        PolicySyntaxError,
        r"""p.toml:3: queue.outbound.tls.allow-invalid-certs: line 1, column 17: unknown name 'mxx'; did you mean 'mx'?
    matches('^\S$', mxx)
                    ^^^""",
    ),
    "nested-far-too-deep": (
        "[queue.outbound.tls.starttls" + ".a" * 600 + "]\nx=" + "{a" + ".a" * 900 + "=1}",
        PolicySyntaxError,
        "p.toml:1: queue.outbound.tls.starttls: a list of rules is written [ { if = …, then = … }, { else = … } ], "
        "and this is a table",
    ),
    "open-brackets": (
        tls("starttls = '" + "(" * 100_000 + "'"),
        PolicySyntaxError,
        "p.toml:2: queue.outbound.tls.starttls: an expression may have 65536 characters, this has 100000",
    ),
    "some-open-brackets": (
        tls("starttls = '((((1'"),
        PolicySyntaxError,
        """\
p.toml:2: queue.outbound.tls.starttls: line 1, column 4: this '(' is never closed
    ((((1
       ^""",
    ),
}


@pytest.mark.parametrize(("text", "error", "message"), FILES.values(), ids=FILES)
def test_file(
    text: str, error: type[PolicyError], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.toml").write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        TlsPolicy.load("p.toml")
    assert str(raised.value) == message
    assert type(raised.value) is error


def test_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.toml").write_bytes(b"[queue.outbound.tls]\n# M\xfcnchen\n")
    with pytest.raises(PolicySyntaxError) as raised:
        TlsPolicy.load("p.toml")
    assert str(raised.value) == "p.toml:2: not UTF-8: the byte 0xfc can't stand there"


def test_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "p.TOML"
    file.write_bytes(b"\xef\xbb\xbf" + SEED.encode())
    assert TlsPolicy.load(file) == TlsPolicy.loads(SEED)


def test_byte_order_mark_in_a_text() -> None:
    assert TlsPolicy.loads(f"\N{BYTE ORDER MARK}{SEED}") == TlsPolicy.loads(SEED)


def test_keys_of_data_may_be_anything() -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        TlsPolicy.from_mapping({"queue": {"outbound": {"tls": {1: 2}}}})
    assert str(raised.value) == "queue.outbound.tls: a key is a text, and this is 1"


@pytest.mark.parametrize(
    "text",
    ["[" + "#" * 5000, "[ # ### old rules ###\n# was\n 1]", '[{else="1"}]{', '[{else="1"}]1'],
)
def test_what_is_nearly_a_list_is_refused_at_once(text: str) -> None:
    with pytest.raises(PolicySyntaxError):
        TlsPolicy(starttls=text)


def test_an_array_as_a_text_is_an_expression() -> None:
    assert RuleList.parse("[]", Schema({})).evaluate({}) == ()
    assert RuleList.parse(" # one\n[ # two\n{ else = 1 } ]", Schema({})).evaluate({}) == 1


def test_other_name(tmp_path: Path) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        TlsPolicy.load(tmp_path / "p.yaml")
    assert str(raised.value) == f"{tmp_path / 'p.yaml'}: the name of a policy's file ends in .toml, .json or .ndjson"


def test_file_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "MAX_FILE_SIZE", 100)
    file = tmp_path / "p.toml"
    file.write_text(SEED, encoding="utf-8")
    with pytest.raises(PolicySyntaxError, match="may have 100 bytes, and this is larger"):
        TlsPolicy.load(file)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: path / "missing.toml", FileNotFoundError),
        (lambda path: os.fspath(path / "missing.toml").encode(), FileNotFoundError),
        (lambda path: f"{path}/a\0.toml", PolicySyntaxError),
        (lambda _: 5, PolicyTypeError),
    ],
    ids=["missing", "bytes", "nul", "no-path"],
)
def test_no_file(make: Callable[[Path], Any], error: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(error):
        TlsPolicy.load(make(tmp_path))


def test_folder(tmp_path: Path) -> None:
    folder = tmp_path / "policy.toml"
    folder.mkdir()
    with pytest.raises(OSError, match=r"policy\.toml"):
        TlsPolicy.load(folder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TlsPolicy.loads(b""), "a policy's text must be a str, not bytes"),  # type: ignore[arg-type]
        (lambda: TlsPolicy.from_mapping("x"), "a document must be a mapping, not str"),  # type: ignore[arg-type]
    ],
)
def test_other_types(make: Callable[[], object], message: str) -> None:
    with pytest.raises(PolicyTypeError) as raised:
        make()
    assert str(raised.value) == message


def test_number_of_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_RULES", 3)
    rule, last = {"if": True, "then": 1}, {"else": 2}
    RuleList.parse([rule, rule, rule, last], Schema({}))
    with pytest.raises(PolicySyntaxError, match="a list may have 3 rules before its else, this has 4"):
        RuleList.parse([rule, rule, rule, rule, last], Schema({}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["require", "retry_num > 1"]),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["if", "then", "else", "0"]), values, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["starttls", "allow-invalid-certs", "dane", "mta-sts"]),
        VALUES
        | st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(["if", "then", "else"], VALUES)), max_size=3),
    )
)
def test_any_data_is_a_policy_or_an_error(settings: dict[str, object]) -> None:
    try:
        policy = TlsPolicy.from_mapping({"queue": {"outbound": {"tls": settings}}})
    except (PolicySyntaxError, PolicyTypeError):
        return
    try:
        policy.evaluate(DeliveryContext())
    except PolicyEvaluationError:
        return


@given(st.data())
def test_any_mangled_file_is_a_policy_or_an_error(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SEED)))
    end = data.draw(st.integers(start, min(len(SEED), start + 8)))
    mangled = SEED[:start] + data.draw(st.text(max_size=4)) + SEED[end:]
    try:
        policy = TlsPolicy.loads(mangled)
    except (PolicySyntaxError, PolicyTypeError):
        return
    policy.evaluate(DeliveryContext())
