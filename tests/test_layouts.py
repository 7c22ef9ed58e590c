"""Stalwart's three layouts: the same policy in each, and what is wrong with one."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import tomli

from tlspolicy import (
    DeliveryContext,
    LastError,
    Matched,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    PolicyTypeError,
    Requirement,
    RuleList,
    Schema,
    TlsDecision,
    TlsPolicy,
)

BY_SETTING = """
[queue.outbound.tls]
starttls = [ { if = "retry_num > 1 && last_error == 'tls'", then = "disable" }, { else = "require" } ]
allow-invalid-certs = [ { if = "retry_num > 1 && last_error == 'tls'", then = false },
                        { if = "retry_num > 0 && last_error == 'tls'", then = true }, { else = false } ]
mta-sts = [ { if = "retry_num > 1 && last_error == 'tls'", then = "disable" }, { else = "optional" } ]

[queue.outbound.timeouts]
mta-sts = "5m"
"""
BY_NAME = """
[queue.strategy]
route = "'mx'"
tls = [ { if = "retry_num > 1 && last_error == 'tls'", then = "'none'" },
        { if = "retry_num > 0 && last_error == 'tls'", then = "'invalid' + '-tls'" },
        { else = "'default'" } ]

[queue.tls.none]
starttls = "disable"
mta-sts = false

[queue.tls.invalid-tls]
starttls = true
allow-invalid-certs = true

[queue.tls.default]
starttls = "require"
allow-invalid-certs = "false"
timeout.tls = "3m"
timeout.mta-sts = "300000"
"""
SELECTOR = {
    "match": {
        "10": {"if": "retry_num > 0 && last_error == 'tls'", "then": "'invalid-tls'"},
        "2": {"if": "retry_num > 1 && last_error == 'tls'", "then": "'none'"},
    },
    "else": "'default'",
}
STRATEGIES: list[dict[str, object]] = [
    {"name": "none", "startTls": "disable", "mtaSts": "disable", "description": "last resort"},
    {"name": "invalid-tls", "id": "b", "allowInvalidCerts": True, "startTls": "require"},
    {"name": "default", "startTls": "require", "tlsTimeout": 180000, "mtaStsTimeout": 300000},
]
BY_OBJECT: dict[str, Any] = {
    "MtaOutboundStrategy": {"tls": SELECTOR, "route": {"else": "'mx'"}},
    "MtaTlsStrategy": STRATEGIES,
}
PLAN = "\n".join(
    map(
        json.dumps,
        [
            {"@type": "create", "object": "MtaRoute", "value": 5},
            {"@type": "destroy", "object": "x:Account"},
            {"@type": "upsert", "object": "MtaTlsStrategy", "value": {"a": {"name": "default"}}, "matchOn": ["name"]},
            {
                "@type": "reconcile",
                "object": "x:MtaTlsStrategy",
                "value": {str(i): each for i, each in enumerate(STRATEGIES)},
            },
            {"@type": "update", "object": "X:MtaOutboundStrategy", "value": {"tls": {"else": "'none'"}}, "scope": {}},
            {"@type": "update", "object": "MtaOutboundStrategy", "value": {"tls": SELECTOR}},
            {"@type": "update", "object": "MtaOutboundStrategy", "value": {"route": {"else": "'mx'"}}},
        ],
    )
)


def written(folder: Path, name: str, text: str) -> TlsPolicy:
    (folder / name).write_text(text, encoding="utf-8")
    return TlsPolicy.load(folder / name)


@pytest.fixture(scope="module")
def spellings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TlsPolicy]:
    folder = tmp_path_factory.mktemp("spellings")
    by_id = {**BY_OBJECT, "MtaTlsStrategy": {f"id{i}": each for i, each in enumerate(STRATEGIES)}}
    listed = {**SELECTOR, "match": [SELECTOR["match"]["2"], SELECTOR["match"]["10"]]}  # type: ignore[index]
    older = {**BY_OBJECT, "MtaOutboundStrategy": {"tls": listed}}
    return {
        "by-setting": TlsPolicy.loads(BY_SETTING),
        "by-name": TlsPolicy.loads(BY_NAME),
        "by-name-parsed": TlsPolicy.from_mapping(tomli.loads(BY_NAME)),
        "by-name-in-json": written(folder, "name.json", json.dumps(tomli.loads(BY_NAME))),
        "by-object": TlsPolicy.from_mapping(BY_OBJECT),
        "by-object-by-id": TlsPolicy.from_mapping(by_id),
        "by-object-listed": TlsPolicy.from_mapping(older),
        "json": written(folder, "policy.JSON", "\N{BYTE ORDER MARK}" + json.dumps(BY_OBJECT, indent=2)),
        "plan": written(folder, "policy.ndjson", PLAN.replace("\n", "\r\n\r\n")),
    }


@pytest.mark.parametrize("last_error", [LastError.NONE, LastError.TLS, LastError.DNS])
@pytest.mark.parametrize("retry_num", range(4))
def test_the_same_policy_in_any_layout_gives_equal_decisions(
    spellings: dict[str, TlsPolicy], retry_num: int, last_error: LastError
) -> None:
    attempt = DeliveryContext(retry_num=retry_num, last_error=last_error)
    decisions = {name: policy.evaluate(attempt) for name, policy in spellings.items()}
    assert decisions == dict.fromkeys(spellings, decisions["by-setting"])


def test_a_policy_that_was_used_pickles() -> None:
    policy = TlsPolicy.loads(BY_NAME)
    decision = policy.evaluate(DeliveryContext())
    again = pickle.loads(pickle.dumps(policy))  # noqa: S301
    assert again == policy
    assert again.evaluate(DeliveryContext()) == decision


def test_what_a_strategy_does_not_say() -> None:
    policy = TlsPolicy.loads("queue.strategy.tls = \"'x'\"\n[queue.tls.x]")
    assert policy.evaluate(DeliveryContext()) == TlsDecision(
        starttls=Requirement.OPTIONAL,
        allow_invalid_certs=False,
        dane=Requirement.OPTIONAL,
        mta_sts=Requirement.OPTIONAL,
        tls_timeout=180.0,
        mta_sts_timeout=300.0,
    )
    assert policy.strategies == {"x": policy.evaluate(DeliveryContext())}
    assert list(policy.rules) == ["strategy"]
    assert TlsPolicy().strategies == {}


def test_the_rule_that_chose_a_strategy_decided_all_of_it(spellings: dict[str, TlsPolicy]) -> None:
    attempt = DeliveryContext(retry_num=1, last_error="tls")
    assert spellings["by-name"].evaluate(attempt).matched == Matched(1, 1, 1, 1, 1, 1)
    assert spellings["by-name"].evaluate(DeliveryContext()).matched == Matched()


def test_explain_names_the_strategy() -> None:
    policy = TlsPolicy.loads(BY_NAME)
    assert (
        str(policy.explain(DeliveryContext(retry_num=1, last_error="tls")))
        == """\
strategy = invalid-tls
    [0].if retry_num > 1 && last_error == 'tls' → 0
        retry_num > 1 → 0
            retry_num → 1
        last_error == 'tls' (not evaluated)
    [1].if retry_num > 0 && last_error == 'tls' → 1
        retry_num > 0 → 1
            retry_num → 1
        last_error == 'tls' → 1
            last_error → 'tls'
    [1].then 'invalid' + '-tls' → 'invalid-tls' (decides)
    [2] (not tried)
starttls = require
allow_invalid_certs = true
dane = optional
mta_sts = optional
tls_timeout = 180.0
mta_sts_timeout = 300.0"""
    )


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"else": "5"}, 5),
        ({"match": {}, "else": "5"}, 5),
        ({"match": [], "else": 5}, 5),
        ({"match": {"1": {"if": "0", "then": "1"}, "0": {"if": "1", "then": "2"}}, "else": "3"}, 2),
        ({"match": [{"if": "0", "then": "1"}], "else": "3"}, 3),
    ],
)
def test_match_and_else(data: object, value: int) -> None:
    assert RuleList.parse(data, Schema({})).evaluate({}) == value


def test_a_computed_name_that_is_none_is_refused_at_evaluation() -> None:
    policy = TlsPolicy.loads('queue.strategy.tls = "rcpt_domain"\n[queue.tls."a.example"]\nstarttls = "disable"')
    assert policy.evaluate(DeliveryContext(rcpt_domain="a.example")).starttls is Requirement.DISABLE
    with pytest.raises(
        PolicyEvaluationError, match=r"no strategy has the name 'a\.exampel'; did you mean 'a\.example'"
    ):
        policy.evaluate(DeliveryContext(rcpt_domain="a.exampel"))
    computed = TlsPolicy.loads("queue.strategy.tls = \"if_then(retry_num, 'x', size)\"\n[queue.tls.x]")
    with pytest.raises(PolicyEvaluationError, match="the name of a strategy is a text"):
        computed.evaluate(DeliveryContext())


DEFAULT = '\n[queue.tls.default]\nstarttls = "require"\n'
WRONG: dict[str, tuple[str, str, type[PolicyError], str]] = {
    "no-such-strategy": (
        "p.toml",
        "queue.strategy.tls = [ { if = 'retry_num', then = \"'defualt'\" }, { else = \"'x'\" } ]" + DEFAULT,
        PolicyTypeError,
        """\
p.toml:1: queue.strategy.tls[0].then: line 1, column 1: no strategy has the name 'defualt'; did you mean 'default'?
    'defualt'
    ^^^^^^^^^
p.toml:1: queue.strategy.tls[1].else: line 1, column 1: no strategy has the name 'x': there are 'default'
    'x'
    ^^^""",
    ),
    "no-strategies": (
        "p.toml",
        "queue.strategy.tls = \"if_then(retry_num, 'a', 'b')\"",
        PolicyTypeError,
        """\
p.toml:1: queue.strategy.tls: line 1, column 20: no strategy has the name 'a': there are none
    if_then(retry_num, 'a', 'b')
                       ^^^""",
    ),
    "name-without-quotes": (
        "p.toml",
        'queue.strategy.tls = "default"' + DEFAULT,
        PolicySyntaxError,
        """\
p.toml:1: queue.strategy.tls: line 1, column 1: unknown name 'default'; a text is written in quotes: 'default'
    default
    ^^^^^^^""",
    ),
    "level-for-a-name": (
        "p.toml",
        'queue.strategy.tls = "require"' + DEFAULT,
        PolicyTypeError,
        """\
p.toml:1: queue.strategy.tls: line 1, column 1: the name of a strategy is a text, in quotes of its own inside the \
expression's: "'default'"
    require
    ^^^^^^^""",
    ),
    "number-for-a-name": (
        "p.toml",
        'queue.strategy.tls = "retry_num"' + DEFAULT,
        PolicyTypeError,
        """\
p.toml:1: queue.strategy.tls: line 1, column 1: the name of a strategy is a text, in quotes of its own inside the \
expression's: "'default'"
    retry_num
    ^^^^^^^^^""",
    ),
    "no-selector": (
        "p.toml",
        "[queue.strategy]\nroute = \"'mx'\"\n" + DEFAULT,
        PolicySyntaxError,
        "p.toml:1: queue.strategy: queue.strategy.tls is missing: it says which of the strategies to take",
    ),
    "plain-values": (
        "p.toml",
        "queue.strategy.tls = \"'default'\"\n[queue.tls.default]\nstarttls = 'requier'\ndane = 1\nmta-sts = 'x'\n"
        "allow-invalid-certs = 'no'\ntimeout = { tls = '1h30m', mta-sts = '2d' }\n[queue.tls.b]\ntimeout.tls = true\n"
        "[queue.tls.c]\ntimeout.tls = 1.5\ntimeout.mta-sts = '5 m'",
        PolicyTypeError,
        """\
p.toml:3: queue.tls.default.starttls: 'requier' is no level; did you mean 'require'?
p.toml:4: queue.tls.default.dane: a level is require, optional or disable, and this is a number
p.toml:5: queue.tls.default.mta-sts: 'x' is no level: a level is require, optional or disable
p.toml:6: queue.tls.default.allow-invalid-certs: this must be true or false
p.toml:7: queue.tls.default.timeout.tls: a time-out is a whole number of milliseconds, or a duration such as 30s or 5m
p.toml:7: queue.tls.default.timeout.mta-sts: a time-out is 1ms to 1d (1 to 86400000), and this is 172800000
p.toml:9: queue.tls.b.timeout.tls: a time-out is a whole number of milliseconds, or a duration such as 30s or 5m
p.toml:11: queue.tls.c.timeout.tls: a time-out is a whole number of milliseconds, or a duration such as 30s or 5m
p.toml:12: queue.tls.c.timeout.mta-sts: a time-out is a whole number of milliseconds, or a duration such as 30s or 5m""",
    ),
    "unknown-keys": (
        "p.toml",
        "queue.strategy.tls = \"'a'\"\n[queue.tls.a]\nstart-tls = 1\ntimeout = { tsl = 1 }\n[queue.tls]\nb = 5",
        PolicySyntaxError,
        """\
p.toml:3: queue.tls.a.start-tls: unknown key 'start-tls'; did you mean 'starttls'?
p.toml:4: queue.tls.a.timeout.tsl: unknown key 'tsl'; did you mean 'tls'?
p.toml:6: queue.tls.b: this must be a table""",
    ),
    "two-layouts": (
        "p.toml",
        BY_SETTING + BY_NAME,
        PolicySyntaxError,
        "p.toml: there are two policies in this document: the table [queue.outbound.tls] and the tables [queue.strategy] "
        "and [queue.tls.NAME]",
    ),
    "everything-at-once": (
        "p.toml",
        "[queue.outbound.tls]\n"
        "starttls = [ { if = 'retry_nun > 0 && lst_error', then = 'disable' }, { if = '1' }, { else = 'mx' } ]\n"
        "dane = 5\n"
        "[queue.outbound.timeouts]\ntls = '0s'",
        PolicySyntaxError,
        """\
p.toml:2: queue.outbound.tls.starttls[0].if: line 1, column 1: unknown name 'retry_nun'; did you mean 'retry_num'?
    retry_nun > 0 && lst_error
    ^^^^^^^^^
p.toml:2: queue.outbound.tls.starttls[0].if: line 1, column 18: unknown name 'lst_error'; did you mean 'last_error'?
    retry_nun > 0 && lst_error
                     ^^^^^^^^^
p.toml:2: queue.outbound.tls.starttls[1]: this rule has 'if' without 'then'
p.toml:2: queue.outbound.tls.starttls[2].else: line 1, column 1: this is no level: a level is require, optional or \
disable, or if_then(…) of them
    mx
    ^^
p.toml:3: queue.outbound.tls.dane: line 1, column 1: 5 is no level: a level is require, optional or disable
    5
    ^
p.toml:5: queue.outbound.timeouts.tls: line 1, column 1: a time-out is 1ms to 1d (1 to 86400000), and this is 0
    0s
    ^^""",
    ),
    "json-no-object": (
        "p.json",
        "[]",
        PolicySyntaxError,
        "p.json: line 1, column 1: a policy in JSON is an object: { … }\n    []\n    ^",
    ),
    "json-syntax": (
        "p.json",
        '{"MtaTlsStrategy" []}',
        PolicySyntaxError,
        """\
p.json: line 1, column 19: this is no JSON: expecting ':' delimiter
    {"MtaTlsStrategy" []}
                      ^""",
    ),
    "json-backslash": (
        "p.json",
        r'{"MtaOutboundStrategy": {"tls": {"else": "matches(' + r"'\d', mx)" + r'"}}}',
        PolicySyntaxError,
        r"""p.json: line 1, column 52: this is no JSON: invalid \escape: write each backslash twice ("…\\S…")
    {"MtaOutboundStrategy": {"tls": {"else": "matches('\d', mx)"}}}
                                                       ^""",
    ),
    "json-duplicate-key": (
        "p.json",
        '{"a": [{"x": 1}, {"x": 2, "y": {"x": 3},\n"\\u0078": "x"}]}',
        PolicySyntaxError,
        """\
p.json: line 2, column 1: this key stands twice in its object
    "\\u0078": "x"}]}
    ^^^^^^^^""",
    ),
    "json-nan": (
        "p.json",
        '{"NaN": NaN}',
        PolicySyntaxError,
        'p.json: line 1, column 9: this is no number of JSON\n    {"NaN": NaN}\n            ^^^',
    ),
    "json-too-large": (
        "p.json",
        '{"x": ' + "9" * 5000 + "}",
        PolicySyntaxError,
        f'p.json: line 1, column 7: an integer of thousands of digits\n    {{"x": {"9" * 68}…\n          {"^" * 68}',
    ),
    "json-too-deep": (
        "p.json",
        '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}",
        PolicySyntaxError,
        f"p.json: line 1, column 100006: tables or arrays are nested too deep\n    …{'[' * 38}{']' * 36}…\n     {' ' * 37}^",
    ),
    "json-control-character": (
        "p.json",
        json.dumps({"MtaOutboundStrategy": {"tls": {"else": "matches('\b', mx)"}}}),
        PolicySyntaxError,
        r"""p.json:1: MtaOutboundStrategy.tls[0].else: line 1, column 10: the control character U+0008 comes of a single """
        r"""backslash in the file: write it twice (\\b), or write the text in '''…''', which keeps backslashes as they are
    matches('�', mx)
             ^""",
    ),
    "no-singleton": (
        "p.json",
        '{"MtaTlsStrategy": []}',
        PolicySyntaxError,
        "p.json: MtaOutboundStrategy with its 'tls' is missing: it says which of the strategies to take",
    ),
    "objects": (
        "p.json",
        json.dumps(
            {
                "MtaOutboundStrategy": {"tls": {"else": "'a'"}},
                "MtaTlsStrategy": [{"name": "a"}, {"name": "a"}, {"nmae": "b"}, 5, {"name": "c", "starttls": 1}],
            }
        ),
        PolicySyntaxError,
        """\
p.json:1: MtaTlsStrategy[1]: there are two strategies of the name 'a'
p.json:1: MtaTlsStrategy[2]: a strategy has a 'name', which is a text
p.json:1: MtaTlsStrategy[3]: this must be a table
p.json:1: MtaTlsStrategy[4].starttls: unknown key 'starttls'; did you mean 'startTls'?""",
    ),
    "objects-no-list": (
        "p.json",
        '{"MtaOutboundStrategy": {"tls": 1}, "MtaTlsStrategy": "x"}',
        PolicySyntaxError,
        "p.json:1: MtaTlsStrategy: this must be a list of objects, or a table of them",
    ),
    "match-no-list": (
        "p.json",
        '{"MtaOutboundStrategy": {"tls": {"match": "x", "else": "\'a\'"}}, "MtaTlsStrategy": [{"name": "a"}]}',
        PolicySyntaxError,
        "p.json:1: MtaOutboundStrategy.tls.match: the rules of 'match' are a list, or a table by number, not a text",
    ),
    "plan-no-change": (
        "p.ndjson",
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": {}}\n{"@type": "destroy", "object": "x:MtaTlsStrategy"}',
        PolicySyntaxError,
        """\
p.ndjson: line 2, column 1: the change 'destroy' of a policy is none of update, upsert, create or reconcile
    {"@type": "destroy", "object": "x:MtaTlsStrategy"}
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^""",
    ),
    "plan-no-value": (
        "p.ndjson",
        '{"@type": "update", "object": "MtaOutboundStrategy", "value": 5}',
        PolicySyntaxError,
        """\
p.ndjson: line 1, column 1: a change has a 'value', which is an object
    {"@type": "update", "object": "MtaOutboundStrategy", "value": 5}
    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^""",
    ),
    "plan-syntax": (
        "p.ndjson",
        '{"object": "x"}\n\n{"@type": update}',
        PolicySyntaxError,
        """\
p.ndjson: line 3, column 11: this is no JSON: expecting value
    {"@type": update}
              ^""",
    ),
    "plan-of-others": (
        "p.ndjson",
        '{"@type": "update", "object": "Mta", "value": 5}\n{"object": "x"}',
        PolicySyntaxError,
        "p.ndjson: there is no TLS policy in this document: looked for the table [queue.outbound.tls], the tables "
        "[queue.strategy] and [queue.tls.NAME] or the objects MtaOutboundStrategy and MtaTlsStrategy",
    ),
    "plan-no-object": (
        "p.ndjson",
        '{"object": "x"}\n["MtaTlsStrategy"]',
        PolicySyntaxError,
        """\
p.ndjson: line 2, column 1: a line of a plan is an object that names the 'object' it changes
    ["MtaTlsStrategy"]
    ^^^^^^^^^^^^^^^^^^""",
    ),
    "plan-no-text": (
        "p.ndjson",
        '{"object": 5}',
        PolicySyntaxError,
        """\
p.ndjson: line 1, column 1: a line of a plan is an object that names the 'object' it changes
    {"object": 5}
    ^^^^^^^^^^^^^""",
    ),
    "plan-two-of-a-name": (
        "p.ndjson",
        '{"@type": "upsert", "object": "mtaTlsStrategy", "value": {"a": {"name": "x"}, "b": {"name": "x"}}}',
        PolicySyntaxError,
        f"""\
p.ndjson: line 1, column 1: there are two strategies of the name 'x' in this change
    {'{"@type": "upsert", "object": "mtaTlsStrategy", "value": {"a": {"name": "x'}…
    {"^" * 74}""",
    ),
    "plan-duplicate-key-and-more": (
        "p.ndjson",
        '{"object": "x"}\n{"a":1,"a":2}\n}}}',
        PolicySyntaxError,
        """\
p.ndjson: line 2, column 8: this key stands twice in its object
    {"a":1,"a":2}
           ^^^""",
    ),
    "object-of-another-case": (
        "p.json",
        '{"MtaOutboundStrategy": {"tls": {"else": "\'a\'"}}, "mtaTlsStrategy": [{"name": "a"}]}',
        PolicySyntaxError,
        "p.json:1: mtaTlsStrategy: unknown object 'mtaTlsStrategy'; did you mean 'MtaTlsStrategy'?",
    ),
    "patch-of-the-singleton": (
        "p.json",
        '{"MtaOutboundStrategy": {"tls": {"else": "\'a\'"}, "tls/else": "\'b\'"}, "MtaTlsStrategy": []}',
        PolicySyntaxError,
        "p.json:1: MtaOutboundStrategy.tls/else: unknown key 'tls/else'; did you mean 'tls'?",
    ),
    "match-in-match": (
        "p.json",
        '{"MtaOutboundStrategy": {"tls": ' + '{"match": ' * 400 + "{}" + ', "else": 1}' * 400 + "}}",
        PolicySyntaxError,
        "p.json:1: MtaOutboundStrategy.tls.match: the rules of 'match' are a list, or a table by number, not a table",
    ),
    "problems-of-every-kind": (
        "p.toml",
        "[queue.strategy]\ntls = \"if_then(retry_nun, 'x', 'default')\"\n"
        "[queue.tls.default]\nstart = 1\ndane = 'x'\n[queue.tls.b]\nmta-sts = 5",
        PolicySyntaxError,
        """\
p.toml:4: queue.tls.default.start: unknown key 'start'; did you mean 'starttls'?
p.toml:5: queue.tls.default.dane: 'x' is no level: a level is require, optional or disable
p.toml:7: queue.tls.b.mta-sts: a level is require, optional or disable, and this is a number
p.toml:2: queue.strategy.tls: line 1, column 9: unknown name 'retry_nun'; did you mean 'retry_num'?
    if_then(retry_nun, 'x', 'default')
            ^^^^^^^^^""",
    ),
    "many-strategies": (
        "p.toml",
        "queue.strategy.tls = \"'y'\"\n" + "".join(f"[queue.tls.n{number}]\n" for number in range(12)),
        PolicyTypeError,
        """\
p.toml:1: queue.strategy.tls: line 1, column 1: no strategy has the name 'y': there are 'n0', 'n1', 'n2', 'n3', 'n4', \
'n5', 'n6', 'n7', 'n8', 'n9' and others
    'y'
    ^^^""",
    ),
    "plan-strategies-alone": (
        "p.ndjson",
        '{"@type": "create", "object": "MtaTlsStrategy", "value": {"a": 5}}',
        PolicySyntaxError,
        "p.ndjson: MtaOutboundStrategy with its 'tls' is missing: it says which of the strategies to take",
    ),
}


@pytest.mark.parametrize(("name", "text", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong(
    name: str, text: str, error: type[PolicyError], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        TlsPolicy.load(name)
    assert str(raised.value) == message
    assert type(raised.value) is error


def test_many_problems_are_counted() -> None:
    rules = [*({"if": f"x{number}", "then": "1"} for number in range(200)), {"else": "0"}]
    with pytest.raises(PolicySyntaxError) as raised:
        RuleList.parse(rules[:30] + rules[-1:], Schema({}))
    assert len(raised.value.others) == 29
    assert str(raised.value).splitlines()[-1] == "and 9 more"
    with pytest.raises(PolicySyntaxError) as raised:
        RuleList.parse(rules, Schema({}))
    assert len(raised.value.others) == 99
