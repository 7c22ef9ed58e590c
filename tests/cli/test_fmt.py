"""`tlspolicy fmt`: what it rewrites, what it leaves alone, and how it writes."""

from __future__ import annotations

import argparse
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from generated import trees
from hypothesis import given, reject
from hypothesis import strategies as st
from rich.console import Console

from tlspolicy import PolicyError, PolicySyntaxError, TlsPolicy, config
from tlspolicy.cli import fmt, spelling
from tlspolicy.cli.arguments import CommandError, UnreadableError
from tlspolicy.cli.spelling import respelt
from tlspolicy.cli.terminal import Terminal
from tlspolicy.context import DELIVERY
from tlspolicy.errors import Place
from tlspolicy.expressions.printer import printed

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn

PARSERS: dict[str, Callable[[str, Place], dict[str, object]]] = {
    "toml": config.parse_toml,
    "json": config.parse_json,
    "ndjson": config.parse_plan,
}


def toml(text: str) -> str:
    return respelt(text, config.parse_toml, Place())


# A literal of TOML, and what becomes of it.
LITERALS = {
    "canonical": ("'''1'''", "'''1'''"),
    "canonical-with-escapes": (r'"\u0031"', r'"\u0031"'),
    "double": ('"retry_num>1"', '"retry_num > 1"'),
    "double-with-quotes": (r'"mx==\"a\""', "\"mx == 'a'\""),
    "double-with-backslash": (r'"matches(\"\\d\",mx)"', r'"matches(' + r"'\\d', mx)" + '"'),
    "double-to-be-escaped": (r'''"mx==\"it's\""''', r'''"mx == \"it's\""'''),
    "double-with-line-break": (r'"mx==' + r"'a\nb'" + '"', r'"mx == ' + r"'a\nb'" + '"'),
    "double-not-ascii": ("\"mx=='é'\"", "\"mx == 'é'\""),
    "double-ascii": (r'''"mx=='\u00e9\U0001F600'"''', r'''"mx == '\U000000E9\U0001F600'"'''),
    "single": ("'(retry_num)'", "'retry_num'"),
    "single-with-quotes": ("'mx==\"a\"'", "\"mx == 'a'\""),
    "single-with-tab": ("'retry_num\t>1'", "'retry_num > 1'"),
    "single-with-backslash": (r"""'matches("\d",mx)'""", r"""'''matches('\d', mx)'''"""),
    "triple-single": ("'''\nretry_num\n  > 1 '''", "'''retry_num > 1'''"),
    "triple-single-at-the-ends": ("'''\"a\"==mx || mx==\"b\"'''", "''''a' == mx || mx == 'b''''"),
    "triple-single-with-line-break": ("'''mx=='a\nb\\d' '''", '"mx == ' + r"'a\nb\\d'" + '"'),
    "triple-single-with-two-quotes": ("'''mx==\"\"'''", "'''mx == '''''"),
    "triple-double": ('"""\n\\\n  retry_num\n  > 1 """', '"""retry_num > 1"""'),
    "triple-double-with-quotes": ('"""mx=="it\'s"||1"""', '"""mx == "it\'s" || 1"""'),
    "triple-double-at-the-end": ('"""1||mx=="it\'s" """', '"""1 || mx == \\"it\'s\\""""'),
}


@pytest.mark.parametrize(("before", "after"), LITERALS.values(), ids=LITERALS)
def test_toml_literals(before: str, after: str) -> None:
    document = "[queue.outbound.tls]\nallow-invalid-certs = [ { if = %s, then = true }, { else = false } ] # mx==1\n"
    assert toml(document % before) == document % after


DOCUMENTS = {
    "by-setting": (
        "toml",
        """\
# starttls = "(require)"
[queue.outbound]
'tls' . "starttls"="(require)" # = "(x)"
tls.dane = [{if='''
  retry_num>0''',then="(1)",}, # { else = "(2)" }
  { "else" = 2 },
]
timeouts.tls = '( 5m )'
timeouts.connect = "(5m)"
[other]
starttls = "(require)"
list = ["a = '(1)'", '= "(x)"']
x = nan
""",
        """\
# starttls = "(require)"
[queue.outbound]
'tls' . "starttls"="require" # = "(x)"
tls.dane = [{if='''retry_num > 0''',then="1",}, # { else = "(2)" }
  { "else" = 2 },
]
timeouts.tls = '5m'
timeouts.connect = "(5m)"
[other]
starttls = "(require)"
list = ["a = '(1)'", '= "(x)"']
x = nan
""",
    ),
    "arrays-of-tables": (
        "toml",
        "[[queue.outbound.tls.starttls]]\r\nif='(1)'\r\nthen='(require)'\r\n[[queue.outbound.tls.starttls]]\r\n"
        "else='(require)'\r\n",
        "[[queue.outbound.tls.starttls]]\r\nif='1'\r\nthen='require'\r\n[[queue.outbound.tls.starttls]]\r\n"
        "else='require'\r\n",
    ),
    "by-number": (
        "toml",
        "queue.outbound.tls.starttls = { match = { 10 = { if = '(1)', then = '(1)' }, 2 = { then = '(2)', if = '(2)' } }, "
        "else = '(0)' }",
        "queue.outbound.tls.starttls = { match = { 10 = { if = '1', then = '1' }, 2 = { then = '2', if = '2' } }, "
        "else = '0' }",
    ),
    "by-name": (
        "toml",
        "queue.strategy.tls = \"(  'default')\"\nqueue.strategy.route = \"( 'mx')\"\n"
        "[queue.tls.default]\nstarttls = 'require'\ntimeout.tls = ' 5m'",
        "queue.strategy.tls = \"'default'\"\nqueue.strategy.route = \"( 'mx')\"\n"
        "[queue.tls.default]\nstarttls = 'require'\ntimeout.tls = ' 5m'",
    ),
    "by-object": (
        "json",
        '{"MtaOutboundStrategy": {"tls"\n:{"match": [{"if": "mx==\\"\\u00e9\\"", "then" : "(\'a\')"}], "else":"(\\"a\\")"},'
        '\n "route": "(1)" }, "if": "(1)", "MtaTlsStrategy": [ {"name": "a", "description": "(1)"} ], "x": ["if", {}]}',
        '{"MtaOutboundStrategy": {"tls"\n:{"match": [{"if": "mx == \'\\u00e9\'", "then" : "\'a\'"}], "else":"\'a\'"},'
        '\n "route": "(1)" }, "if": "(1)", "MtaTlsStrategy": [ {"name": "a", "description": "(1)"} ], "x": ["if", {}]}',
    ),
    "not-ascii": (
        "json",
        '{"MtaOutboundStrategy": {"tls": {"match": [{"if": "mx==\'é\'", "then": "\'a\'"}], "else": "\'a\'"}}, '
        '"MtaTlsStrategy": [{"name": "a"}]}',
        '{"MtaOutboundStrategy": {"tls": {"match": [{"if": "mx == \'é\'", "then": "\'a\'"}], "else": "\'a\'"}}, '
        '"MtaTlsStrategy": [{"name": "a"}]}',
    ),
    "plan": (
        "ndjson",
        '{"@type": "create", "object": "MtaRoute", "value": {"tls": "(1)"}}\n\n'
        '{"@type": "upsert", "object": "x:MtaTlsStrategy", "value": {"a": {"n\\u0061me": "a", "dane": "require"}}}\r\n'
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": {"tls": {"else": "( \'a\' )"}}}\n'
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": {"tls": "( \'a\' )"}}\n',
        '{"@type": "create", "object": "MtaRoute", "value": {"tls": "(1)"}}\n\n'
        '{"@type": "upsert", "object": "x:MtaTlsStrategy", "value": {"a": {"n\\u0061me": "a", "dane": "require"}}}\r\n'
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": {"tls": {"else": "( \'a\' )"}}}\n'
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": {"tls": "\'a\'"}}\n',
    ),
    "nothing-to-do": (
        "toml",
        "[queue.outbound.tls]\nstarttls = 'require'",
        "[queue.outbound.tls]\nstarttls = 'require'",
    ),
}


@pytest.mark.parametrize(("kind", "before", "after"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_documents(kind: str, before: str, after: str) -> None:
    assert respelt(before, PARSERS[kind], Place()) == after
    assert respelt(after, PARSERS[kind], Place()) == after


def test_an_expression_that_would_be_too_long_stays() -> None:
    long = "&&".join(["retry_num"] * 5900)
    document = f"[queue.outbound.tls]\nallow-invalid-certs = '{long}'\nstarttls = '(require)'"
    assert toml(document) == document.replace("(require)", "require")


def test_functions_that_ask_the_world() -> None:
    document = "[queue.outbound.tls]\nstarttls = '(level( mx ))'"
    functions = {"level": lambda _host: 1}
    assert respelt(document, config.parse_toml, Place(), functions) == document.replace("(level( mx ))", "level(mx)")


DAMAGE = {
    "no-toml": '"',
    "no-policy": '"retry_nun"',
    "another-policy": '"optional"',
    "something-else": '"require"\nx = "1"',
}


@pytest.mark.parametrize("literal", DAMAGE.values(), ids=DAMAGE)
def test_what_is_not_the_same_is_refused(literal: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notation = spelling._Notation(spelling._toml_values, lambda _text, _old: literal)  # noqa: SLF001
    monkeypatch.setitem(spelling._NOTATIONS, config.parse_toml, notation)  # noqa: SLF001
    with pytest.raises(PolicyError) as raised:
        run("p.toml")
    assert str(raised.value) == (
        "p.toml: the canonical spelling would change this file's meaning, which is a mistake of this program's: "
        "nothing was written"
    )
    assert file.read_bytes() == BEFORE.encode()


# What is drawn: an expression with blanks and parentheses that say nothing, in any literal, among what is no expression.
NAMES = tuple(name for name, kind in DELIVERY.variables.items() if kind is str)
BLANKS = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def expressions(draw: DrawFn) -> str:
    text = printed(draw(trees(NAMES, {"len": (1,), "contains": (2,), "matches": (2,)}, max_leaves=4)))
    depth = draw(st.integers(0, 2))
    return draw(BLANKS) + "(" * depth + draw(BLANKS) + text + ")" * depth + draw(BLANKS)


@st.composite
def toml_literals(draw: DrawFn, text: str) -> str:
    basic = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")[1:-1]
    fits = not set(text) & set(map(chr, [*range(9), *range(10, 32), 127]))
    kinds = [f'"{basic}"', f'"""{basic}"""', f'"""\n\\\n  {basic}"""']
    kinds += [f"'{text}'"] if fits and "'" not in text else []
    kinds += [f"'''{text}'''", f"'''\n{text}'''"] if fits and "'''" not in text else []
    return draw(st.sampled_from(kinds))


def json_literals(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([json.dumps(text), json.dumps(text, ensure_ascii=False)])


NOISE = st.sampled_from(["", " ", "\n", " # if = '(1)'\n", ' # "\n', "\r\n", "\n\n#'''\n"])


@st.composite
def toml_documents(draw: DrawFn) -> list[str]:
    """The pieces of a document: every second one is the literal of an expression."""
    pieces = [draw(st.sampled_from(["", "x = \"= '(1)'\"\n", "if = '( 1 )'\r\n", "y = ['''\n= \"'''] # '\n"]))]
    pieces[-1] += "[queue.outbound.tls]\nallow-invalid-certs = [" + draw(NOISE)
    for _ in range(draw(st.integers(0, 2))):
        pieces[-1] += "{" + draw(NOISE) + draw(st.sampled_from(["if = ", '"if"=', "'if' =\t"]))
        pieces += [draw(toml_literals(draw(expressions()))), draw(NOISE) + ", then = true" + draw(NOISE) + "},"]
        pieces[-1] += draw(NOISE)
    pieces[-1] += "{ else = "
    pieces += [draw(toml_literals("(  len( mx ))")), draw(NOISE) + "}" + draw(NOISE) + ']\n[other]\nelse = "(1)"\n']
    return pieces


@st.composite
def json_documents(draw: DrawFn) -> list[str]:
    pieces = [
        '{"x": {"if": "(1)", "a\\":": 5}, "MtaTlsStrategy": [{"name": "a"}],\n"MtaOutboundStrategy" : { "tls": {"match": ['
    ]
    for index in range(draw(st.integers(0, 2))):
        pieces[-1] += ("," if index else "") + draw(
            st.sampled_from(['{"then": "\'a\'", "if": ', '{"then":"\'a\'",\n"if"\t:'])
        )
        pieces += [draw(json_literals(draw(expressions()))), "}"]
    pieces[-1] += '], "else" : '
    pieces += [draw(json_literals("( 'a' )")), '} }, "y": "\\\\" }']
    return pieces


@given(st.tuples(st.just("toml"), toml_documents()) | st.tuples(st.just("json"), json_documents()))
def test_only_expressions_change(document: tuple[str, list[str]]) -> None:
    kind, pieces = document
    parse, before = PARSERS[kind], "".join(pieces)
    try:
        policy = TlsPolicy.from_mapping(parse(before, Place()))
    except PolicyError:  # A control character, which no expression of a file may have.
        reject()
    after = respelt(before, parse, Place())
    assert after != before
    assert TlsPolicy.from_mapping(parse(after, Place())) == policy
    assert respelt(after, parse, Place()) == after
    at = 0
    for piece in pieces[::2]:
        start = after.index(piece, at)
        assert at or not start
        at = start + len(piece)
    assert at == len(after)


def run(*words: str, out: Console | None = None, **more: Any) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    fmt.configure(parser)
    terminal = Terminal(out or Console(file=io.StringIO()), Console(file=io.StringIO()))
    status = fmt.run(parser.parse_args(words, argparse.Namespace(**more)), terminal)
    return status, *(console.file.getvalue() for console in (terminal.out, terminal.err))  # type: ignore[attr-defined]


BEFORE = "\ufeff# é\r\n[queue.outbound.tls]\r\nstarttls = '(require)'"
AFTER = "\ufeff# é\r\n[queue.outbound.tls]\r\nstarttls = 'require'"
DIFF = """\
--- p.toml
+++ p.toml
@@ -1,3 +1,3 @@
 \ufeff# é\r
 [queue.outbound.tls]\r
-starttls = '(require)'
\\ No newline at end of file
+starttls = 'require'
\\ No newline at end of file
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("p.toml")
    path.write_bytes(BEFORE.encode())
    return path


def test_writes_a_file_and_keeps_its_mode(file: Path) -> None:
    file.chmod(0o640)
    assert run("p.toml") == (0, "", "p.toml changed\n")
    assert file.read_bytes() == AFTER.encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in Path().glob("*p.toml*")] == ["p.toml"]
    written = file.stat()
    assert run("p.toml") == (0, "", "")
    assert file.stat() == written


def test_follows_a_symbolic_link(file: Path) -> None:
    Path("sub").mkdir()
    link = Path("sub/link.toml")
    link.symlink_to("../p.toml")
    assert run("sub/link.toml") == (0, "", "sub/link.toml changed\n")
    assert link.is_symlink()
    assert file.read_bytes() == AFTER.encode()


def test_keeps_the_owner(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "chown", lambda _path, user, group: given.append((user, group)))
    owner, status = file.stat(), os.stat_result
    fields = list(owner)
    fields[4:6] = [4711, 4712]
    plain = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda path, **how: status(fields) if path.name == "p.toml" else plain(path, **how)
    )
    assert run("p.toml")[0] == 0
    assert given == [(4711, 4712)]


def test_a_file_that_can_not_be_replaced_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CommandError, match=r"^p\.toml: Permission denied$"):
        run("p.toml")
    assert file.read_bytes() == BEFORE.encode()
    assert [each.name for each in Path().glob("*p.toml*")] == ["p.toml"]


def test_check(file: Path) -> None:
    Path("q.toml").write_text("[queue.outbound.tls]\nstarttls = 'require'\n", encoding="utf-8")
    assert run("--check", "p.toml", "q.toml") == (1, "p.toml would be changed\n", "")
    assert run("--check", "q.toml") == (0, "", "")
    assert file.read_bytes() == BEFORE.encode()


def test_diff(file: Path) -> None:
    assert run("--diff", "p.toml") == (0, DIFF, "")
    assert run("--diff", "--check", "p.toml") == (1, DIFF, "")
    assert file.read_bytes() == BEFORE.encode()


def test_diff_on_a_terminal_has_colours_and_no_control_characters(file: Path) -> None:
    file.write_text("# [red]\x1b[2J :smile:\n[queue.outbound.tls]\nstarttls = '(1)'\n", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("\x1b", "\u202e"), encoding="utf-8")
    out = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=20)
    status, shown, _ = run("--diff", "p.toml", out=out)
    assert status == 0
    assert shown.splitlines()[3:] == [
        " # [red]�[2J :smile:",
        " [queue.outbound.tls]",
        "\x1b[31m-starttls = '(1)'\x1b[0m",
        "\x1b[32m+starttls = '1'\x1b[0m",
    ]


def test_none_is_written_if_one_is_wrong(file: Path) -> None:
    Path("q.toml").write_text("[queue.outbound.tls]\nstarttls = 'requier'\n", encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        run("p.toml", "q.toml")
    assert str(raised.value).startswith(
        "q.toml:2: queue.outbound.tls.starttls: line 1, column 1: unknown name 'requier'"
    )
    assert file.read_bytes() == BEFORE.encode()


def test_functions_of_the_command_line(file: Path) -> None:
    file.write_text("queue.outbound.tls.starttls = '( level() )'", encoding="utf-8")
    assert run("p.toml", functions={"level": lambda: 1}) == (0, "", "p.toml changed\n")
    assert file.read_text(encoding="utf-8") == "queue.outbound.tls.starttls = 'level()'"


class _Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", _Stdin(BEFORE.encode()))
    assert run("-") == (0, "", "")
    assert capfdbinary.readouterr().out == AFTER.encode()
    monkeypatch.setattr(sys, "stdin", _Stdin(AFTER.encode()))
    assert run("-") == (0, "", "")
    assert capfdbinary.readouterr().out == AFTER.encode()
    monkeypatch.setattr(sys, "stdin", _Stdin(BEFORE.encode()))
    assert run("--check", "-") == (1, "<stdin> would be changed\n", "")
    assert capfdbinary.readouterr().out == b""


WRONG_INPUT = {
    "not-utf-8": (b"\xff", "not UTF-8: the byte 0xff can't stand there"),
    "too-large": (b"#" * 11, "a policy may have 10 bytes, and this is larger"),
    "no-policy": (b"starttls=1", "there is no TLS policy in this document: "),
}


@pytest.mark.parametrize(("data", "message"), WRONG_INPUT.values(), ids=WRONG_INPUT)
def test_wrong_standard_input(data: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "MAX_FILE_SIZE", 10)
    monkeypatch.setattr(sys, "stdin", _Stdin(data))
    with pytest.raises(PolicySyntaxError) as raised:
        run("-")
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("name", ["policy.toml", "policy.json", "policy.ndjson"])
def test_a_diff_can_be_applied(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = name.rpartition(".")[2]
    before = next(text for each, text, _ in DOCUMENTS.values() if each == kind)
    monkeypatch.chdir(tmp_path)
    path = Path(name)
    path.write_bytes(before.encode())
    _, diff, _ = run("--diff", name)
    run(name)
    formatted = path.read_bytes()
    path.write_bytes(before.encode())
    subprocess.run(["patch", "--binary", "--quiet", name], input=diff.encode(), check=True, capture_output=True)  # noqa: S607
    assert path.read_bytes() == formatted


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(UnreadableError, match=r"^missing\.toml: No such file or directory$"):
        run("missing.toml")
