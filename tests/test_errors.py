from __future__ import annotations

import pickle

import pytest

from tlspolicy import (
    Place,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    PolicyTypeError,
    PolicyValueError,
    TlsSessionError,
)
from tlspolicy.errors import did_you_mean, listed

SHOWN = {
    "message-alone": (PolicyError("it is wrong"), "it is wrong"),
    "place-alone": (PolicyError("it is wrong", place=Place("p.toml", "a.b", 3)), "p.toml:3: a.b: it is wrong"),
    "file-without-line": (PolicyError("it is wrong", place=Place("p.toml")), "p.toml: it is wrong"),
    "line-without-file": (PolicyError("it is wrong", place=Place(key="a.b", line=3)), "a.b: it is wrong"),
    "source": (
        PolicyError("it is wrong", "a + b", 4, 5),
        "line 1, column 5: it is wrong\n    a + b\n        ^",
    ),
    "range": (
        PolicyError("it is wrong", "abc + b", 0, 3, Place(key="x")),
        "x: line 1, column 1: it is wrong\n    abc + b\n    ^^^",
    ),
    "second-line": (
        PolicyError("it is wrong", "a +\n\tb +\nc", 5, 6),
        "line 2, column 2: it is wrong\n     b +\n     ^",
    ),
    "range-over-lines": (PolicyError("it is wrong", "'a\nb'", 0, 5), "line 1, column 1: it is wrong\n    'a\n    ^^"),
    "end": (PolicyError("it is wrong", "a +", 3, 3), "line 1, column 4: it is wrong\n    a +\n       ^"),
    "line-end": (PolicyError("it is wrong", "a +\nb", 3, 5), "line 1, column 4: it is wrong\n    a +\n       ^"),
    "wide-and-narrow": (
        PolicyError("it is wrong", "日本e\u0301 x", 5, 6),
        "line 1, column 6: it is wrong\n    日本e\u0301 x\n          ^",
    ),
    "no-terminal-codes": (
        PolicyError("it is wrong", "\x1b[31m x", 6, 7),
        "line 1, column 7: it is wrong\n    �[31m x\n          ^",
    ),
    "long-line": (
        PolicyError("it is wrong", "a" * 100 + "b" + "c" * 100, 100, 101),
        f"line 1, column 101: it is wrong\n    …{'a' * 37}b{'c' * 36}…\n     {' ' * 37}^",
    ),
    "long-range": (
        PolicyError("it is wrong", "a" * 200, 0, 200),
        f"line 1, column 1: it is wrong\n    {'a' * 74}…\n    {'^' * 74}",
    ),
    "session": (
        TlsSessionError("STARTTLS is not offered", mx="mx.example", kind="starttls-not-offered", last_error="tls"),
        "mx.example: STARTTLS is not offered (tls)",
    ),
}


@pytest.mark.parametrize(("error", "shown"), SHOWN.values(), ids=SHOWN)
def test_shown(error: Exception, shown: str) -> None:
    assert str(error) == shown


@pytest.mark.parametrize(
    "error",
    [
        PolicySyntaxError("m", "source", 1, 2, Place("f", "k", 3)),
        PolicyTypeError("m"),
        PolicyValueError("m"),
        PolicyEvaluationError("m"),
        TlsSessionError("m", mx="x", kind="a", last_error="tls", result_type="b", permanent=True),
    ],
)
def test_pickles(error: Exception) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (PolicySyntaxError, ValueError),
        (PolicyTypeError, TypeError),
        (PolicyValueError, ValueError),
        (PolicyEvaluationError, RuntimeError),
    ],
)
def test_is_also_the_builtin_that_it_is(error: type[PolicyError], builtin: type[Exception]) -> None:
    assert issubclass(error, PolicyError)
    assert issubclass(error, builtin)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("retry_nun", "; did you mean 'retry_num'?"), ("RETRY_NUM", "; did you mean 'retry_num'?"), ("zzz", "")],
)
def test_did_you_mean(name: str, hint: str) -> None:
    assert did_you_mean(name, ["retry_num", "rcpt"]) == hint


def test_listed() -> None:
    assert [listed("a"), listed("ab"), listed("abc", "and")] == ["a", "a or b", "a, b and c"]
