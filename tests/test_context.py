from __future__ import annotations

import dataclasses
import enum
import pickle
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import DELIVERY, DeliveryContext, LastError, PolicyError, PolicyTypeError, PolicyValueError
from tlspolicy.context import SOURCES
from tlspolicy.expressions.schema import LONGEST_CHECKED
from tlspolicy.expressions.values import INT_MAX, MAX_ARRAY_LENGTH

TEXTS = [name for name, kind in DELIVERY.variables.items() if kind is str]
INTEGERS = [name for name, kind in DELIVERY.variables.items() if kind is int]


def test_what_is_not_said() -> None:
    context = DeliveryContext()
    defaults = dict.fromkeys(TEXTS, "") | dict.fromkeys(INTEGERS, 0)
    assert dataclasses.asdict(context) == defaults | {
        "recipients": (),
        "last_error": "none",
        "source": "unknown",
        "expires_in": 2**63 - 1,
    }


NORMALISED: dict[str, tuple[dict[str, Any], dict[str, object]]] = {
    "addresses": (
        {"sender": "John@Sender.Example", "rcpt": "Jane@Bank.Example."},
        {
            "sender": "john@sender.example",
            "sender_domain": "sender.example",
            "rcpt": "jane@bank.example",
            "rcpt_domain": "bank.example",
        },
    ),
    "domain-of-its-own": ({"rcpt": "a@b.example", "rcpt_domain": "C.Example."}, {"rcpt_domain": "c.example"}),
    "quoted-local-part": ({"rcpt": '"a@b"@c.example'}, {"rcpt_domain": "c.example"}),
    "no-domain": ({"rcpt": "postmaster"}, {"rcpt_domain": ""}),
    "bounce": ({"sender": ""}, {"sender_domain": ""}),
    "hosts": ({"mx": "MX1.Example.", "remote_ip": "2001:DB8::1"}, {"mx": "mx1.example", "remote_ip": "2001:db8::1"}),
    "recipients": ({"recipients": ["A@B.Example.", "c"]}, {"recipients": ("a@b.example", "c")}),
    "no-idn": ({"rcpt_domain": "MÜNCHEN.example"}, {"rcpt_domain": "münchen.example"}),
    "kept": ({"queue_name": "A.", "last_status": "Error."}, {"queue_name": "A.", "last_status": "Error."}),
    "enum": ({"last_error": LastError.TLS}, {"last_error": "tls"}),
    "negative-priority": ({"priority": -3}, {"priority": -3}),
    "int-subclass": ({"retry_num": enum.IntEnum("N", {"X": 2}).X}, {"retry_num": 2}),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize(("given_fields", "expected"), NORMALISED.values(), ids=NORMALISED)
def test_normalised(given_fields: dict[str, Any], expected: dict[str, object]) -> None:
    context = DeliveryContext(**given_fields)
    found = {name: getattr(context, name) for name in expected}
    assert found == expected
    assert {type(value) for value in found.values()} <= {str, int, tuple}


WRONG: dict[str, tuple[dict[str, Any], type[PolicyError], str]] = {
    **{name: ({name: b"x"}, PolicyTypeError, f"DeliveryContext.{name}: must be a str, not bytes") for name in TEXTS},
    **{name: ({name: "1"}, PolicyTypeError, f"DeliveryContext.{name}: must be an int, not str") for name in INTEGERS},
    **{
        f"bool-{name}": ({name: True}, PolicyValueError, f"DeliveryContext.{name}: must be a number, not True")
        for name in INTEGERS
    },
    **{
        f"negative-{name}": (
            {name: -1},
            PolicyValueError,
            f"DeliveryContext.{name}: must not be negative, and is -1",
        )
        for name in INTEGERS
        if name != "priority"
    },
    **{
        f"large-{name}": (
            {name: 2**63},
            PolicyValueError,
            f"DeliveryContext.{name}: must fit in 64 bits, and is 9223372036854775808",
        )
        for name in INTEGERS
    },
    "huge": (
        {"size": 10**5000},
        PolicyValueError,
        "DeliveryContext.size: must fit in 64 bits, and is an integer of 16610 bits",
    ),
    "least-priority": (
        {"priority": -(2**63) - 1},
        PolicyValueError,
        "DeliveryContext.priority: must fit in 64 bits, and is an integer of 64 bits",
    ),
    "float": ({"retry_num": 1.0}, PolicyTypeError, "DeliveryContext.retry_num: must be an int, not float"),
    "none": ({"mx": None}, PolicyTypeError, "DeliveryContext.mx: must be a str, not NoneType"),
    "recipients": (
        {"recipients": "a@b.example"},
        PolicyTypeError,
        "DeliveryContext.recipients: must be a tuple of str, not str",
    ),
    "recipients-element": (
        {"recipients": ["a", 1]},
        PolicyTypeError,
        "DeliveryContext.recipients[1]: must be a str, not int",
    ),
    "recipients-number": (
        {"recipients": [""] * (MAX_ARRAY_LENGTH + 1)},
        PolicyValueError,
        "DeliveryContext.recipients: may have 65536 elements, not 65537",
    ),
    "last-error": (
        {"last_error": "TLS"},
        PolicyValueError,
        "DeliveryContext.last_error: must be 'none', 'dns', 'unexpected-reply', 'connection', 'tls', 'dane', 'mta-sts', "
        "'rate', 'concurrency' or 'io', not 'TLS'; did you mean 'tls'?",
    ),
    "source": (
        {"source": "x"},
        PolicyValueError,
        "DeliveryContext.source: must be 'authenticated', 'unauthenticated', 'dmarc_pass', 'dsn', 'report', "
        "'autogenerated' or 'unknown', not 'x'",
    ),
    "surrogate": ({"mx": "\ud800"}, PolicyValueError, "DeliveryContext.mx: a text with a lone surrogate"),
    "too-long": (
        {"queue_name": "x" * (LONGEST_CHECKED + 1)},
        PolicyValueError,
        "DeliveryContext.queue_name: a text of more than 65536 characters",
    ),
}


@pytest.mark.parametrize(("fields", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong(fields: dict[str, Any], error: type[PolicyError], message: str) -> None:
    with pytest.raises(error) as raised:
        DeliveryContext(**fields)
    assert str(raised.value) == message


def test_immutable() -> None:
    context = DeliveryContext()
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.retry_num = 5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del context.mx
    assert hash(context) == hash(DeliveryContext())


def test_pickles() -> None:
    context = DeliveryContext(rcpt="a@b.example", recipients=["a@b.example"])  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(context)) == context  # noqa: S301


def test_retry_is_the_next_attempt() -> None:
    context = DeliveryContext(rcpt="a@b.example", mx="mx1.example", retry_num=1)
    again = context.retry(last_error="io", last_status="Broken pipe")
    assert (again.last_error, again.last_status) == ("io", "Broken pipe")
    assert again.retry(last_error="dns").last_status == ""
    assert context.retry(last_error="tls", mx="MX2.example.") == DeliveryContext(
        rcpt="a@b.example", mx="mx2.example", retry_num=2, last_error="tls"
    )


def test_retry_of_another_address_is_for_its_domain() -> None:
    context = DeliveryContext(rcpt="a@b.example", sender="x@y.example")
    changed = context.retry(last_error="io", rcpt="a@c.example", sender="x@z.example", retry_num=0)
    assert (changed.rcpt_domain, changed.sender_domain, changed.retry_num) == ("c.example", "z.example", 0)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(TEXTS, st.text() | st.sampled_from([*SOURCES, *LastError]))
        | dict.fromkeys(INTEGERS, st.integers() | st.booleans())
        | {"recipients": st.lists(st.text())},
    )
)
def test_any_context_is_checked_or_refused(fields: dict[str, Any]) -> None:
    try:
        context = DeliveryContext(**fields)
    except PolicyError as error:
        assert error.place.key.startswith("DeliveryContext.")
        return
    assert context == dataclasses.replace(context)
    assert 0 <= context.size <= INT_MAX
    assert context.last_error in list(LastError)


def test_which_recipient_is_wrong() -> None:
    with pytest.raises(PolicyTypeError, match=r"DeliveryContext.recipients\[1\]: must be a str, not int"):
        DeliveryContext(recipients=("a@b.example", 5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "kept"),
    [("caf\udce9", "caf?"), ("x" * (LONGEST_CHECKED + 1), "x" * LONGEST_CHECKED), ("Caf\xe9 ", "Caf\xe9 ")],
    ids=["surrogate", "too-long", "text"],
)
def test_a_host_may_say_anything(said: str, kept: str) -> None:
    """What it says must not stop the queue."""
    assert DeliveryContext().retry(last_error="io", last_status=said).last_status == kept


def test_the_class_has_not_what_rules_read() -> None:
    assert DeliveryContext(mx="mx.example").__mx__ == "mx.example"  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        _ = DeliveryContext.__mx__  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        DeliveryContext.__mx__ = "mx.example"  # type: ignore[attr-defined]


class Odd(str):
    __slots__ = ()

    def __len__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        raise LookupError

    def __hash__(self) -> int:
        return 0

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return f"{encoding}{errors}".encode()


@pytest.mark.parametrize("field", ["sender", "mx", "queue_name", "last_status", "source", "last_error"])
def test_what_only_looks_like_a_text_is_looked_at(field: str) -> None:
    for value in (mock.ANY, Odd("\udce9"), Odd("x" * 70_000)):
        if field == "last_status" and isinstance(value, str):
            assert type(DeliveryContext(last_status=value).last_status) is str
        else:
            with pytest.raises(PolicyError):
                DeliveryContext(**{field: value})  # type: ignore[arg-type]


def test_what_only_looks_like_recipients_is_none() -> None:
    with pytest.raises(PolicyTypeError, match="must be a tuple of str"):
        DeliveryContext(recipients=mock.ANY)


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        (DeliveryContext(), "DeliveryContext()"),
        (
            DeliveryContext(rcpt="Jane@Example.org", retry_num=1, last_error="tls"),
            "DeliveryContext(rcpt='jane@example.org', rcpt_domain='example.org', retry_num=1, last_error='tls')",
        ),
        (DeliveryContext(recipients=("a@b.example",), priority=-1), "recipients=('a@b.example',), priority=-1"),
    ],
    ids=["nothing known", "an address", "an array"],
)
def test_its_representation_makes_it_again(context: DeliveryContext, expected: str) -> None:
    assert expected in repr(context)
    assert eval(repr(context)) == context  # noqa: S307  (our own)


@pytest.mark.parametrize("host", ["mx..", "mx...", "..", "MX.Example.."])
def test_what_is_normalised_stays_as_it_is(host: str) -> None:
    first = DeliveryContext(mx=host, rcpt_domain=host)
    assert first.retry(last_error="tls") == DeliveryContext(
        mx=first.mx, rcpt_domain=first.rcpt_domain, retry_num=1, last_error="tls"
    )
    assert not first.mx.endswith(".")
