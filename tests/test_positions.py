"""Where the values of a policy's text stand."""

from __future__ import annotations

import copy
import json
import pickle
import re
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import Place, PolicyError, TlsPolicy
from tlspolicy.config import parse_json, parse_plan, parse_toml
from tlspolicy.document import Document

if TYPE_CHECKING:
    from pathlib import Path

    from tlspolicy.config import Parse

Where = dict[str, str | None]

# Each text, and the line and column of what stands at a path in it.
TOML: dict[str, tuple[str, Where]] = {
    "single-values": (
        """\
[queue.outbound.tls]
starttls = "require"
dane='optional' # dane = 'x'
allow-invalid-certs   =   false
mta-sts = ""
""",
        {
            "queue": "1:2",
            "queue.outbound": "1:2",
            "queue.outbound.tls": "1:2",
            "queue.outbound.tls.starttls": "2:13",
            "queue.outbound.tls.dane": "3:7",
            "queue.outbound.tls.allow-invalid-certs": "4:27",
            "queue.outbound.tls.mta-sts": "5:12",
            "queue.outbound.tls.mta_sts": None,
            "queue.outbound.tls.dane.x": None,
            "queue.outbound.tls.dane[0]": None,
            "queue.outbound.tls.": None,
            "queue.outbound.tls[0]": None,
            "queue-outbound": None,
            ".queue": None,
            "": None,
            "queue" + ".x" * 3000: None,
        },
    ),
    "no-keys": ("# queue = 1\n", {"queue": None}),
    "array": (
        """\
a = "[{"
queue.outbound.tls.starttls = [{if="1",then=2}, # ] }
  { "if" = "3]", 'then' = '4}' },{else=true},]
""",
        {
            "queue.outbound.tls": "2:1",
            "queue.outbound.tls.starttls": "2:31",
            "queue.outbound.tls.starttls[0]": "2:32",
            "queue.outbound.tls.starttls[0].if": "2:37",
            "queue.outbound.tls.starttls[0].then": "2:45",
            "queue.outbound.tls.starttls[1]": "3:3",
            "queue.outbound.tls.starttls[1].if": "3:13",
            "queue.outbound.tls.starttls[1].then": "3:28",
            "queue.outbound.tls.starttls[2].else": "3:40",
            "queue.outbound.tls.starttls[3]": None,
            "queue.outbound.tls.starttls[1]if": None,
            "queue.outbound.tls.starttls[1": None,
        },
    ),
    "inline-table-over-lines": (
        """\
queue = { outbound.tls = {
  dane = 1, # }
  starttls = [
    { if = "a",
      then = "b" },
    {
      else = "c"
    }
  ], "mta-sts" = 2 }, b = 3 }
""",
        {
            "queue": "1:9",
            "queue.outbound": "1:11",
            "queue.outbound.tls": "1:26",
            "queue.outbound.tls.dane": "2:10",
            "queue.outbound.tls.starttls[0]": "4:5",
            "queue.outbound.tls.starttls[0].if": "4:13",
            "queue.outbound.tls.starttls[0].then": "5:15",
            "queue.outbound.tls.starttls[1]": "6:5",
            "queue.outbound.tls.starttls[1].else": "7:15",
            "queue.outbound.tls.mta-sts": "9:18",
            "queue.b": "9:27",
        },
    ),
    "array-of-tables": (
        """\
[[queue.outbound.tls.starttls]]
if = "1"
then = 2
[queue.outbound]
ip = 1
[[ queue . outbound . tls . starttls ]]
else = 3
[queue.outbound.timeouts]
tls = "5m"
[[a]]
[a.b]
c = 1
[[a]]
[a.b]
c = 2
""",
        {
            "queue": "1:3",
            "queue.outbound": "4:2",
            "queue.outbound.tls.starttls": "1:3",
            "queue.outbound.tls.starttls[0]": "1:3",
            "queue.outbound.tls.starttls[0].if": "2:7",
            "queue.outbound.tls.starttls[0].then": "3:8",
            "queue.outbound.ip": "5:6",
            "queue.outbound.tls.starttls[1]": "6:4",
            "queue.outbound.tls.starttls[1].else": "7:8",
            "queue.outbound.timeouts.tls": "9:8",
            "a[0].b": "11:2",
            "a[0].b.c": "12:5",
            "a[1].b": "14:2",
            "a[1].b.c": "15:5",
        },
    ),
    "by-number": (
        """\
[queue.outbound.tls]
starttls.10.else = "c"
starttls.2.if = "a"
starttls . "2" . 'then' = "b"
[queue.outbound.tls.dane.7]
else = 1
""",
        {
            "queue.outbound.tls.starttls": "2:1",
            "queue.outbound.tls.starttls[0]": "3:1",
            "queue.outbound.tls.starttls[0].if": "3:18",
            "queue.outbound.tls.starttls[0].then": "4:28",
            "queue.outbound.tls.starttls[1].else": "2:21",
            "queue.outbound.tls.starttls[2].else": None,
            "queue.outbound.tls.dane": "5:2",
            "queue.outbound.tls.dane[0].else": "6:8",
        },
    ),
    "match-and-else": (
        """\
[queue.strategy]
tls = { else = "z", match = [ { if = "a", then = "b" } ] }
a = { match = { 1 = { if = "c", then = "d" }, 0 = { if = "e", then = "f" } }, else = 5 }
b.else = 6
c = { match = [], else = 7, more = 8 }
""",
        {
            "queue.strategy.tls.match": "2:29",
            "queue.strategy.tls[0].if": "2:39",
            "queue.strategy.tls[0].then": "2:51",
            "queue.strategy.tls[1].else": "2:17",
            "queue.strategy.tls[2]": None,
            "queue.strategy.a.match": "3:15",
            "queue.strategy.a[0].if": "3:59",
            "queue.strategy.a[0].then": "3:71",
            "queue.strategy.a[1].if": "3:29",
            "queue.strategy.a[2].else": "3:86",
            "queue.strategy.b[0].else": "4:10",
            "queue.strategy.c[0]": None,
        },
    ),
    "strings-of-several-lines": (
        '''\
[t]
a = """x"""
b = """
x
"""
c = """ ""x\\""" ""\\\\"""
d = """\\
    \\

   x"""
e = """\\t"""
f = \'\'\'
  it's ''
\'\'\'
g = \'\'\'\\
x\'\'\'\'\'
h = """"""
i = """
"""
j = """x"""""
k = "\\"]" # "
l = \'\'\'\'\'\'
m = "\\\\"
''',
        {
            "t.a": "2:8",
            "t.b": "4:1",
            "t.c": "6:8",
            "t.d": "10:4",
            "t.e": "11:8",
            "t.f": "13:1",
            "t.g": "15:8",
            "t.h": "17:8",
            "t.i": "19:1",
            "t.j": "20:8",
            "t.k": "21:6",
            "t.l": "22:8",
            "t.m": "23:6",
        },
    ),
    "other-values": (
        """\
a = 1979-05-27 07:32:00 # ]
b = [07:32:00, [[1.5e3], {x=-inf}], 1_000]
c = 1
""",
        {
            "a": "1:5",
            "b[0]": "2:6",
            "b[1]": "2:16",
            "b[1][0][0]": "2:18",
            "b[1][1].x": "2:29",
            "b[2]": "2:37",
            "c": "3:5",
        },
    ),
    "quoted-keys": (
        """\
['queue'."t\\u006cs".'a "b" [c]']
"mta-\\"sts" = 1
'dane # ] =' . x = 2
["a.b"]
c = 3
[a]
d = 4
["]".x]
y = 5
[z."l\\n"]
""",
        {
            'queue.tls.a "b" [c]': "1:2",
            'queue.tls.a "b" [c].mta-"sts': "2:15",
            'queue.tls.a "b" [c].dane # ] =': "3:1",
            'queue.tls.a "b" [c].dane # ] =.x': "3:20",
            "a.b": "4:2",
            "a.b.c": "5:5",
            "a.d": "7:5",
            "].x.y": "9:5",
            "z.l\n": "10:2",
            "z.l": None,
        },
    ),
    "paths-of-two-values": (
        """\
[queue.tls.x]
timeout.tls = 1
timeout.mta-sts = 2
[queue.tls."x.timeout"]
tls = 3
dane = 4
[queue.tls."y[0]"]
[[queue.tls.y]]
""",
        {
            "queue.tls.x.timeout": None,
            "queue.tls.x.timeout.tls": None,
            "queue.tls.x.timeout.mta-sts": "3:19",
            "queue.tls.x.timeout.dane": "6:8",
            "queue.tls.y": "8:3",
            "queue.tls.y[0]": None,
        },
    ),
    "names-that-paths-leave-out": (
        """\
[queue.tls.""]
starttls = 1
dane = 2
[queue.tls.starttls]
"".'' = 3
""",
        {
            "queue.tls": "1:2",
            "queue.tls.starttls": None,
            "queue.tls.dane": "3:8",
            "queue.tls.starttls.": None,
        },
    ),
    "strategies": (
        """\
[queue.strategy]
tls = "'a'"
[queue.tls.a]
timeout = { tls = "3m" }
[queue.tls]
b = { dane = "x", timeout.tls = 5 }
[queue.tls."c d"]
""",
        {
            "queue.strategy.tls": "2:8",
            "queue.tls": "5:2",
            "queue.tls.a": "3:2",
            "queue.tls.a.timeout": "4:11",
            "queue.tls.a.timeout.tls": "4:20",
            "queue.tls.b": "6:5",
            "queue.tls.b.dane": "6:15",
            "queue.tls.b.timeout": "6:19",
            "queue.tls.b.timeout.tls": "6:33",
            "queue.tls.c d": "7:2",
        },
    ),
    "characters-are-counted": ("a = 'é日😀'\nb = [ 'é日😀', 'x' ]", {"a": "1:6", "b[1]": "2:15"}),
}

JSON: dict[str, tuple[str, Where]] = {
    "objects": (
        """\
{"MtaOutboundStrategy":{"tls":{"match":{"1":{"if":"a","then":"b"},
    "0" : {"if" : "c" , "then"
      : "d"}}, "else":"e"}, "route": [1, "\\"]}", null, {}]},
 "MtaTlsStrategy": [ {"name": "x", "startTls": "y"}, {"name":"z","dane":true } ]}
""",
        {
            "MtaOutboundStrategy": "1:24",
            "MtaOutboundStrategy.tls": "1:31",
            "MtaOutboundStrategy.tls.match": "1:40",
            "MtaOutboundStrategy.tls[0]": "2:11",
            "MtaOutboundStrategy.tls[0].if": "2:20",
            "MtaOutboundStrategy.tls[0].then": "3:10",
            "MtaOutboundStrategy.tls[1].if": "1:52",
            "MtaOutboundStrategy.tls[1].then": "1:63",
            "MtaOutboundStrategy.tls[2].else": "3:24",
            "MtaOutboundStrategy.route[0]": "3:39",
            "MtaOutboundStrategy.route[1]": "3:43",
            "MtaOutboundStrategy.route[2]": "3:50",
            "MtaTlsStrategy": "4:20",
            "MtaTlsStrategy[0]": "4:22",
            "MtaTlsStrategy[0].startTls": "4:49",
            "MtaTlsStrategy[1]": "4:54",
            "MtaTlsStrategy[1].dane": "4:73",
            "MtaTlsStrategy[2]": None,
        },
    ),
    "by-id": (
        '{"MtaTlsStrategy": {"b": {"name": "x"},\n"a\\/\\ud83d\\ude00": {"name": "y"}, "a=b": 1}}',
        {
            "MtaTlsStrategy.b": "1:26",
            "MtaTlsStrategy.b.name": "1:36",
            "MtaTlsStrategy.a/😀.name": "2:30",
            "MtaTlsStrategy.a=b": "2:42",
        },
    ),
    "stalwart's-tables": (
        '{"queue": {"outbound": {"tls": {"starttls": [{"if": "a", "then": 1}, {"else": ""}]}}}}',
        {
            "queue.outbound.tls.starttls": "1:45",
            "queue.outbound.tls.starttls[0].if": "1:54",
            "queue.outbound.tls.starttls[0].then": "1:66",
            "queue.outbound.tls.starttls[1].else": "1:80",
        },
    ),
    "nested-in-vain": ('{"a": ' + "[" * 400 + "]" * 400 + ', "b": 1}', {"b": "1:814", "a" + "[0]" * 9: "1:16"}),
}

PLAN: dict[str, tuple[str, Where]] = {
    "later-lines-win": (
        """\
{"@type": "create", "object": "Other", "value": {"tls": 1}}

{"@type":"update","object":"MtaOutboundStrategy","value":{"tls":{"else":"a"},"route":2}}
{"@type":"create","object":"x:mtaTlsStrategy","value":{"i":{"name":"n","dane":1},"j":{"name":"m"}}}
  {"@type":"upsert","object":"MtaTlsStrategy","value":{"k":{"name":"n","dane":3}}}
{"@type":"update","object":"MtaOutboundStrategy","value":{"tls":{"else":"b"}}}
{"@type":"create","object":"MtaTlsStrategy","value":{"l":{"dane":4}, "m": 5}}
""",
        {
            "MtaOutboundStrategy": "6:58",
            "MtaOutboundStrategy.tls[0].else": "6:74",
            "MtaOutboundStrategy.route": "3:86",
            "MtaTlsStrategy": "7:53",
            "MtaTlsStrategy[0]": "5:60",
            "MtaTlsStrategy[0].dane": "5:79",
            "MtaTlsStrategy[1]": "4:86",
            "MtaTlsStrategy[2]": "7:58",
            "MtaTlsStrategy[2].dane": "7:66",
            "MtaTlsStrategy[3]": "7:75",
            "MtaTlsStrategy[4]": None,
            "Other": None,
        },
    ),
    "of-others": ('{"object": "Other"}', {"MtaOutboundStrategy": None, "MtaTlsStrategy": None, "object": None}),
}

PARSERS: Final[dict[str, Parse]] = {"toml": parse_toml, "json": parse_json, "plan": parse_plan}
TABLES = {"toml": TOML, "json": JSON, "plan": PLAN}


@pytest.mark.parametrize(
    ("kind", "text", "places"),
    [
        pytest.param(kind, text, places, id=f"{kind}-{name}")
        for kind, table in TABLES.items()
        for name, (text, places) in table.items()
    ],
)
def test_places(kind: str, text: str, places: Where) -> None:
    PARSERS[kind](text, Place())  # It is valid.
    document = Document(text, PARSERS[kind], Place("f"))
    found = {key: document.located(Place("f", key)) for key in places}
    assert {key: f"{at.line}:{at.column}" if at.line else None for key, at in found.items()} == places


# A text in any of TOML's spellings. All begin with what no escape can change, so that they can be found.
TEXTS = st.text(
    st.sampled_from("""ab ='"\\[]{}#,.:$\t\n\r\x00\x7fé😀\N{LINE SEPARATOR}""") | st.characters(codec="utf-8")
)
_NEEDS_ESCAPES: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|'''")
BLANKS = st.sampled_from(["", " ", "  "])
GAPS = st.sampled_from(["", " ", "\n", "\n  ", " # ] } ' \"\n\n", "#\n"])
NAMES = {
    name: st.sampled_from([name, f'"{name}"', f"'{name}'", f'"\\u{ord(name[0]):04x}{name[1:]}"'])
    for name in ("starttls", "match", "if", "then", "else")
}


@st.composite
def spelled(draw: st.DrawFn, value: str) -> str:
    """A text as TOML has it."""
    basic = json.dumps(value, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")
    long_basic = "\n".join(json.dumps(line, ensure_ascii=False)[1:-1] for line in value.split("\n"))
    long_basic = long_basic.replace("\x7f", "\\u007f").replace('\\"', '"', draw(st.integers(0, 2)))
    ways = [
        f'"{basic}"',
        *(f'"""{start}{long_basic}"""' for start in ("", "\n", "\\\n  ", "\n\\  \n\n\\\n\t")),
    ]
    if not _NEEDS_ESCAPES.search(value):
        ways += [f"'''{value}'''", f"'''\n{value}'''"]
        ways += [f"'{value}'"] if not {"'", "\n"} & {*value} else []
    return draw(st.sampled_from(ways))


@st.composite
def entries(draw: st.DrawFn) -> list[dict[str, str]]:
    """The entries of a list of rules, whose expressions can be told apart."""
    rules = draw(st.lists(st.tuples(TEXTS, TEXTS), max_size=4))
    listed = [{"if": f"{n} if:{a}", "then": f"{n} then:{b}"} for n, (a, b) in enumerate(rules)]
    return [*listed, {"else": f"{len(rules)} else:{draw(TEXTS)}"}]


@st.composite
def inline(draw: st.DrawFn, entry: dict[str, str]) -> str:
    """An inline table of some texts."""
    fields = [f"{draw(NAMES[key])}{draw(BLANKS)}={draw(BLANKS)}{draw(spelled(text))}" for key, text in entry.items()]
    return "{" + ",".join(draw(GAPS) + each + draw(GAPS) for each in draw(st.permutations(fields))) + "}"


@st.composite
def array(draw: st.DrawFn, listed: list[dict[str, str]]) -> str:
    """An array of inline tables."""
    return "[" + "".join(f"{draw(GAPS)}{draw(inline(each))}{draw(GAPS)}," for each in listed) + draw(GAPS) + "]"


@st.composite
def numbered(draw: st.DrawFn, listed: list[dict[str, str]]) -> str:
    """A table of inline tables by number, which stand in any order."""
    fields = [f"{10 * n}{draw(BLANKS)}={draw(inline(each))}" for n, each in enumerate(listed)]
    return "{" + ",".join(draw(GAPS) + each for each in draw(st.permutations(fields))) + "}"


@st.composite
def toml(draw: st.DrawFn, listed: list[dict[str, str]]) -> str:
    """A document with a list of rules, in one of the ways to write it."""
    key = draw(NAMES["starttls"])
    match draw(st.sampled_from(["array", "numbered", "match", "headers", "dotted"])):
        case "array":
            return f"[queue.outbound.tls]\n{key} = {draw(array(listed))}\n"
        case "numbered":
            return f"queue.outbound.tls.{key} = {draw(numbered(listed))}"
        case "match":
            rules = draw(array(listed[:-1]) | numbered(listed[:-1]))
            default = f"{draw(NAMES['else'])} = {draw(spelled(listed[-1]['else']))}"
            fields = draw(st.permutations([f"{draw(NAMES['match'])} = {rules}", default]))
            return f"[queue]\noutbound = {{ tls.{key} = {{ {', '.join(fields)} }} }}"
        case "headers":
            tables = [
                [f"[[ queue.outbound.'tls'.{key} ]]", *(f"{k} = {draw(spelled(v))}" for k, v in each.items())]
                for each in listed
            ]
            return "\n".join(chain.from_iterable(tables))
        case _:
            lines = [f"{key}.{n} . {k}={draw(spelled(v))}" for n, each in enumerate(listed) for k, v in each.items()]
            return "[queue.outbound.tls]\n" + "\n".join(draw(st.permutations(lines)))


def assert_each_stands_at_its_place(document: Document, listed: list[dict[str, str]]) -> None:
    lines = document.text.split("\n")
    for index, entry in enumerate(listed):
        for key in entry:
            place = document.located(Place(key=f"queue.outbound.tls.starttls[{index}].{key}"))
            assert place.line is not None
            assert place.column is not None
            assert lines[place.line - 1].startswith(f"{index} {key}:", place.column - 1)


@given(st.data())
def test_each_expression_of_a_toml_document_stands_at_its_place(data: st.DataObject) -> None:
    listed = data.draw(entries())
    text = data.draw(toml(listed))
    tomli.loads(text)
    assert_each_stands_at_its_place(Document(text.replace("\r\n", "\n"), parse_toml, Place()), listed)


@given(entries(), st.fixed_dictionaries({"indent": st.sampled_from([None, 0, 3]), "ensure_ascii": st.booleans()}))
def test_each_expression_of_a_json_document_stands_at_its_place(
    listed: list[dict[str, str]], options: dict[str, Any]
) -> None:
    text = json.dumps({"queue": {"outbound": {"tls": {"starttls": listed}}}}, **options)
    assert_each_stands_at_its_place(Document(text, parse_json, Place()), listed)


POLICY: Final = """\
[queue.outbound.tls]
starttls = [ { if = "retry_num > 1", then = "optional" },
             { if = "retry_num > 1", then = "disable" }, { else = "require" } ]
"""
RULE: Final = Place(key="queue.outbound.tls.starttls[1].if")


def test_a_policy_locates_its_places(tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xef\xbb\xbf" + POLICY.replace("\n", "\r\n").encode())
    policy = TlsPolicy.load(file)
    place = policy.rules["starttls"].rules[1].condition.place
    assert policy.located(place) == Place(str(file), RULE.key, 3, 22)
    assert str(policy.located(place)) == f"{file}:3: {RULE.key}"
    assert policy.located(Place("other.toml", RULE.key)) == Place("other.toml", RULE.key)
    assert TlsPolicy.loads(POLICY).located(RULE) == Place("", RULE.key, 3, 22)


def test_a_default_is_not_taken_for_what_is_called_the_same() -> None:
    policy = TlsPolicy.loads('dane = "disable"\n' + POLICY)
    place = policy.rules["dane"].default.place
    assert policy.located(place) == place == Place(key="dane")


@pytest.mark.parametrize(
    "policy",
    [
        TlsPolicy(),
        TlsPolicy.from_mapping(tomli.loads(POLICY)),
        pickle.loads(pickle.dumps(TlsPolicy.loads(POLICY))),  # noqa: S301
        copy.copy(TlsPolicy.loads(POLICY)),
    ],
    ids=["python", "mapping", "pickled", "copied"],
)
def test_a_policy_without_a_text_locates_nothing(policy: TlsPolicy) -> None:
    assert policy.located(RULE) is RULE


def test_the_text_is_no_part_of_a_policy() -> None:
    policy, other = TlsPolicy.loads(POLICY), TlsPolicy.loads("# The same.\n" + POLICY)
    policy.located(RULE)
    assert policy == other
    assert hash(policy) == hash(other)
    assert repr(policy) == repr(other)
    assert b"The same" not in pickle.dumps(other)


def test_every_error_of_a_text_is_located() -> None:
    text = POLICY.replace("retry_num", "retry_nun").replace('"require"', "5") + "dnae = 1\n"
    with pytest.raises(PolicyError) as raised:
        TlsPolicy.loads(text)
    places = [error.place for error in (raised.value, *raised.value.others)]
    assert [(place.key.rpartition("tls.")[2], place.line, place.column) for place in places] == [
        ("dnae", 4, 8),
        ("starttls[0].if", 2, 22),
        ("starttls[1].if", 3, 22),
        ("starttls[2].else", 3, 67),
    ]


def test_a_rule_that_stands_twice_in_a_plan_is_found_where_it_counts(tmp_path: Path) -> None:
    change = '{"@type":"update","object":"MtaOutboundStrategy","value":{"tls":{"else":"naem"}}}\n'
    file = tmp_path / "plan.ndjson"
    file.write_text(change * 3, encoding="utf-8")
    with pytest.raises(PolicyError) as raised:
        TlsPolicy.load(file)
    assert raised.value.place == Place(str(file), "MtaOutboundStrategy.tls[0].else", 3, 74)
