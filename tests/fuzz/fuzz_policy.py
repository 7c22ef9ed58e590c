"""Coverage-guided fuzzing: whatever comes in, a value or a `PolicyError` comes out, and in time.

    .venv/bin/pip install atheris
    .venv/bin/python tests/fuzz/fuzz_policy.py -max_total_time=1200 -timeout=10 /tmp/corpus

Needs CPython 3.11 to 3.13 on Linux. A finding is written to a file `crash-…` or `timeout-…`, whose name as the only
argument runs it again.
"""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["tlspolicy"]):
    from tlspolicy import DELIVERY, DeliveryContext, Expression, PolicyError, RuleList, Schema, TlsPolicy
    from tlspolicy.config import parse_json, parse_plan
    from tlspolicy.errors import Place

SCHEMA = Schema({"a": str, "b": int, "c": tuple}, {"require": 1}, {"key_get": lambda _store, key: key})
PREFIX = "[queue.outbound.tls]\n"


def expression(data: atheris.FuzzedDataProvider) -> None:
    """An expression over a mapping; printed and read again it is the same."""
    context = {
        "a": data.ConsumeUnicode(20),
        "b": data.ConsumeInt(9),
        "c": [data.ConsumeUnicode(5), data.ConsumeFloat()],
    }
    parsed = Expression.parse(data.ConsumeUnicodeNoSurrogates(400), SCHEMA)
    if Expression.parse(str(parsed), SCHEMA) != parsed:
        raise AssertionError(str(parsed))
    parsed.evaluate(context)


def rules(data: atheris.FuzzedDataProvider) -> None:
    """A rule list as a text."""
    RuleList.parse(data.ConsumeUnicode(400), DELIVERY).explain(DeliveryContext(retry_num=data.ConsumeIntInRange(0, 3)))


def toml(data: atheris.FuzzedDataProvider) -> None:
    """A file in TOML."""
    policy = TlsPolicy.loads(PREFIX * data.ConsumeBool() + data.ConsumeUnicode(600))
    policy.evaluate(DeliveryContext(last_error="tls"))


def other(data: atheris.FuzzedDataProvider) -> None:
    """A file in JSON, or a plan."""
    parse = parse_json if data.ConsumeBool() else parse_plan
    TlsPolicy.from_mapping(parse(data.ConsumeUnicode(600), Place(file="fuzz"))).explain(DeliveryContext())


def parsed_data(data: atheris.FuzzedDataProvider) -> None:
    """Data that somebody else has parsed."""
    try:
        document = json.loads(data.ConsumeUnicode(400))
    except (ValueError, RecursionError):
        return
    TlsPolicy.from_mapping({"queue": {"outbound": {"tls": {"starttls": document, "dane": document}}}})


def context(data: atheris.FuzzedDataProvider) -> None:
    """A delivery context."""
    names = list(DELIVERY.variables)
    values = [data.ConsumeUnicode(30), data.ConsumeInt(9), data.ConsumeBool(), None, [data.ConsumeUnicode(9)]]
    DeliveryContext(**{data.PickValueInList(names): data.PickValueInList(values) for _ in range(3)})


TARGETS = (expression, rules, toml, other, parsed_data, context)


def run(data: bytes) -> None:
    """Run one of the targets, which the first byte chooses."""
    provider = atheris.FuzzedDataProvider(data)
    try:
        TARGETS[provider.ConsumeIntInRange(0, len(TARGETS) - 1)](provider)
    except PolicyError as error:
        if not str(error):
            raise AssertionError(repr(error)) from error


if __name__ == "__main__":
    atheris.Setup(sys.argv, run)
    atheris.Fuzz()
