"""Attempts as a command line and a line of JSON give them, and as they are shown."""

from __future__ import annotations

import json
import shlex
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import DeliveryContext, LastError
from tlspolicy.cli.arguments import CommandError
from tlspolicy.cli.attempts import LONGEST_LINE, as_words, attempt_of_line, attempt_of_words, fields_given
from tlspolicy.cli.stream import batches
from tlspolicy.cli.terminal import harmless

WORDS = [
    ("", DeliveryContext()),
    ("retry_num=1 last_error=tls", DeliveryContext(retry_num=1, last_error="tls")),
    ("priority=-5 size=+7", DeliveryContext(priority=-5, size=7)),
    ("rcpt=Jane@Example.ORG", DeliveryContext(rcpt="jane@example.org", rcpt_domain="example.org")),
    ("recipients=a@b.example,c@d.example", DeliveryContext(recipients=("a@b.example", "c@d.example"))),
    ("recipients=", DeliveryContext()),
    ("last_status=a=b", DeliveryContext(last_status="a=b")),
    ("'last_status=250 fine'", DeliveryContext(last_status="250 fine")),
    ("mx=", DeliveryContext()),
]


@pytest.mark.parametrize(("words", "attempt"), WORDS)
def test_words(words: str, attempt: DeliveryContext) -> None:
    assert attempt_of_words(shlex.split(words)) == attempt


LINES = [
    (b"{}", DeliveryContext()),
    (b'{"retry_num": 1, "last_error": "tls"}\r', DeliveryContext(retry_num=1, last_error="tls")),
    (b' {"recipients": ["a@b.example"]}', DeliveryContext(recipients=("a@b.example",))),
    ('{"last_status": "größer"}'.encode(), DeliveryContext(last_status="größer")),
]


@pytest.mark.parametrize(("line", "attempt"), LINES)
def test_lines(line: bytes, attempt: DeliveryContext) -> None:
    assert attempt_of_line(line) == attempt


REFUSED = [
    (b"retry_num=1", "column 1: this is no JSON: expecting value"),
    (b"[1]", 'an attempt is an object of JSON: {"retry_num": 1, …}'),
    (b'{"retry_nun": 1}', "unknown variable 'retry_nun'; did you mean 'retry_num'?"),
    (b'{"retry_num": "1"}', "retry_num: must be an int, not str"),
    (b'{"retry_num": 1.5}', "retry_num: must be an int, not float"),
    (b'{"retry_num": true}', "retry_num: must be a number, not True"),
    (b'{"retry_num": 1, "retry_num": 2}', "a name is given twice"),
    (b'{"mx": null}', "mx: must be a str, not NoneType"),
    (b'{"mx": "\\ud800"}', "mx: a text with a lone surrogate"),
    (b'{"recipients": "a@b.example"}', "recipients: must be a tuple of str, not str"),
    (b'{"recipients": ["a", 1]}', "recipients[1]: must be a str, not int"),
    (b'{"mx": "\xff"}', "not UTF-8: the byte 0xff can't stand there"),
    (b'{"size": ' + b"9" * 5000 + b"}", "a number too large, or nested too deep"),
    (b"[" * 100_000, "a number too large, or nested too deep"),
    (b"{" + b" " * LONGEST_LINE + b"}", "a line of more than 1048576 bytes"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_lines_that_are_refused(line: bytes, message: str) -> None:
    with pytest.raises(CommandError) as raised:
        attempt_of_line(line)
    assert str(raised.value) == message


WITNESSES = [
    (DeliveryContext(), "a first attempt of which nothing else is known"),
    (DeliveryContext(retry_num=2, last_error="tls"), "retry_num=2 last_error=tls"),
    (DeliveryContext(expires_in=0), "expires_in=0"),
    (DeliveryContext(rcpt="a@b.example"), "rcpt=a@b.example rcpt_domain=b.example"),
    (DeliveryContext(recipients=("a@b.example", "c@d.example")), "recipients=a@b.example,c@d.example"),
    (DeliveryContext(last_status="it's 'bad'"), """'last_status=it'"'"'s '"'"'bad'"'"''"""),
    (DeliveryContext(last_status="\x1b[31m\n"), "'last_status=�[31m '"),
]


@pytest.mark.parametrize(("context", "words"), WITNESSES)
def test_an_attempt_is_shown_by_what_is_known(context: DeliveryContext, words: str) -> None:
    assert as_words(context) == words


# A text that a terminal shows as it is; of hosts and addresses none with a comma, or that loses a dot once more.
texts = st.text(st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"]) | st.just(" "), max_size=20)
hosts = st.text("abcxyz.@'\" $-", max_size=20).map(lambda text: text.rstrip("."))
numbers = st.integers(0, 2**63 - 1)
attempts = st.builds(
    DeliveryContext,
    sender=hosts,
    mx=hosts,
    recipients=st.lists(hosts.filter(bool), max_size=3).map(tuple),
    retry_num=numbers,
    expires_in=numbers,
    priority=st.integers(-(2**63), 2**63 - 1),
    last_error=st.sampled_from(LastError),
    last_status=texts,
)


@given(attempts.filter(lambda attempt: attempt != DeliveryContext()))
def test_what_is_shown_can_be_given(attempt: DeliveryContext) -> None:
    assert attempt_of_words(shlex.split(as_words(attempt))) == attempt


@given(attempts)
def test_what_is_written_can_be_read(attempt: DeliveryContext) -> None:
    assert attempt_of_line(json.dumps(fields_given(attempt)).encode()) == attempt


@given(
    st.binary()
    | st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_line_is_an_attempt_or_refused(line: bytes) -> None:
    try:
        attempt = attempt_of_line(line)
    except CommandError as error:
        assert str(error)
    else:
        assert isinstance(attempt, DeliveryContext)


@given(st.text())
def test_nothing_harmful_is_shown(text: str) -> None:
    assert all(line.isprintable() for line in harmless(text).split("\n"))


class Slow(BytesIO):
    """A stream that gives so many bytes at a time."""

    def __init__(self, data: bytes, most: int) -> None:
        super().__init__(data)
        self.most = most

    def read1(self, size: int | None = -1, /) -> bytes:
        assert size
        return super().read1(min(size, self.most))


@given(st.lists(st.binary(max_size=10)).map(b"\n".join), st.integers(1, 20))
def test_lines_come_in_whole(data: bytes, most: int) -> None:
    lines = [line for batch in batches(Slow(data, most)) for line in batch]
    assert b"\n".join(lines) == data.removesuffix(b"\n")


def test_what_is_there_comes_at_once() -> None:
    assert [*batches(Slow(b"a\nb\nc\nd", 4))] == [[b"a", b"b"], [b"c"], [b"d"]]


@pytest.mark.parametrize("end", [b"", b"\nnext"])
def test_a_line_that_never_ends_is_cut(end: bytes) -> None:
    first, *rest = [line for batch in batches(BytesIO(b"x" * 3 * LONGEST_LINE + end)) for line in batch]
    assert (len(first), rest) == (LONGEST_LINE + 1, end.split(b"\n")[1:])
