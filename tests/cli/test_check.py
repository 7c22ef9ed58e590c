"""`tlspolicy check`: findings made by hand, in each format; and files with problems, from end to end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import DeliveryContext, Place, PolicySyntaxError, PolicyTypeError, PolicyValueError
from tlspolicy.analysis import Finding, Findings, Severity, Undecided
from tlspolicy.cli.reports import Report, paragraphs, report_data, summary, workflow_commands
from tlspolicy.errors import PolicyError

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Run

FILE = "policy.toml"
KEY = "queue.outbound.tls.starttls"
SOURCE = "retry_num > 1 && last_error == 'tls'"
DEAD = Finding(
    code="dead-rule",
    severity=Severity.ERROR,
    place=Place(FILE, f"{KEY}[1].if", 4),
    source=SOURCE,
    start=0,
    end=len(SOURCE),
    why="no attempt comes to this rule",
    mend="put it before the rule above",
    related=(Place(FILE, f"{KEY}[0].if", 3),),
)
NUMBER = Finding(
    code="text-and-number",
    severity=Severity.WARNING,
    place=Place(FILE, f"{KEY}[2].if", 7),
    source="retry_num > 5\n  && rcpt_domain == 0",
    start=19,
    end=35,
    why="a text, [bold]compared[/] with a number :boom:",
    mend="write '0'",
    context=DeliveryContext(retry_num=6),
)
UNUSED = Finding(
    code="unused-strategy",
    severity=Severity.NOTE,
    place=Place(FILE, "queue.tls.spare"),
    source="",
    start=0,
    end=0,
    why="no rule names it",
    mend="remove it",
)
FOUND = Report(FILE, findings=Findings((DEAD, NUMBER, UNUSED), (Undecided(Place(FILE, f"{KEY}[3].if"), "too many"),)))
NO_POLICY = Report(
    "bro,ken:1.toml",
    problems=(
        PolicySyntaxError("100 % wrong", "a = [\n b c ]", 7, 8, Place("bro,ken:1.toml")),
        PolicyTypeError("no level", "5", 0, 1, Place("bro,ken:1.toml", KEY)),
        PolicyValueError("no\x1b[31m value\r\n", "", 0, 0, Place("bro,ken:1.toml", KEY, 9)),
    ),
)
UNREADABLE = Report("missing.toml", unreadable="No such file or directory")


def test_text() -> None:
    assert "\n".join(paragraphs(FOUND)) == (
        "policy.toml:4: queue.outbound.tls.starttls[1].if: line 1, column 1: error: "
        "no attempt comes to this rule; put it before the rule above [dead-rule]\n"
        "    retry_num > 1 && last_error == 'tls'\n"
        "    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "policy.toml:7: queue.outbound.tls.starttls[2].if: line 2, column 6: warning: "
        "a text, [bold]compared[/] with a number :boom:; write '0' [text-and-number]\n"
        "      && rcpt_domain == 0\n"
        "         ^^^^^^^^^^^^^^^^\n"
        "policy.toml: queue.tls.spare: note: no rule names it; remove it [unused-strategy]\n"
        "undecided: policy.toml: queue.outbound.tls.starttls[3].if: too many"
    )


def test_json() -> None:
    assert report_data(FOUND) == {
        "file": FILE,
        "problems": [],
        "findings": [
            {
                "code": "dead-rule",
                "severity": "error",
                "key": f"{KEY}[1].if",
                "line": 4,
                "column": None,
                "text": SOURCE,
                "start": 0,
                "end": 36,
                "why": "no attempt comes to this rule",
                "mend": "put it before the rule above",
                "related": [{"key": f"{KEY}[0].if", "line": 3}],
                "context": None,
            },
            {
                "code": "text-and-number",
                "severity": "warning",
                "key": f"{KEY}[2].if",
                "line": 8,
                "column": 6,
                "text": "retry_num > 5\n  && rcpt_domain == 0",
                "start": 19,
                "end": 35,
                "why": "a text, [bold]compared[/] with a number :boom:",
                "mend": "write '0'",
                "related": [],
                "context": {"retry_num": 6},
            },
            {
                "code": "unused-strategy",
                "severity": "note",
                "key": "queue.tls.spare",
                "line": None,
                "column": None,
                "text": "",
                "start": 0,
                "end": 0,
                "why": "no rule names it",
                "mend": "remove it",
                "related": [],
                "context": None,
            },
        ],
        "undecided": [{"key": f"{KEY}[3].if", "line": None, "why": "too many"}],
    }


PROBLEMS: list[dict[str, Any]] = [
    {"code": "syntax-error", "key": None, "line": 2, "column": 2, "text": None, "start": None, "end": None},
    {"code": "type-error", "key": KEY, "line": None, "column": None, "text": "5", "start": 0, "end": 1},
    {"code": "value-error", "key": KEY, "line": 9, "column": None, "text": "", "start": 0, "end": 0},
]


@pytest.mark.parametrize(("index", "wanted"), [*enumerate(PROBLEMS)], ids=[each["code"] for each in PROBLEMS])
def test_json_of_a_problem(index: int, wanted: dict[str, object]) -> None:
    problems = report_data(NO_POLICY)["problems"]
    assert isinstance(problems, list)
    why = {"severity": "error", "why": NO_POLICY.problems[index].message, "mend": None}
    assert problems[index] == {**wanted, **why}


def test_json_of_a_file_that_can_not_be_read() -> None:
    nowhere = dict.fromkeys(("key", "line", "column", "text", "start", "end", "mend"))
    problem = {"code": "unreadable", "severity": "error", "why": "No such file or directory", **nowhere}
    assert report_data(UNREADABLE) == {"file": "missing.toml", "problems": [problem], "findings": [], "undecided": []}


def test_github() -> None:
    assert [line for report in (FOUND, NO_POLICY, UNREADABLE) for line in workflow_commands(report)] == [
        "::error file=policy.toml,line=4,title=dead-rule::queue.outbound.tls.starttls[1].if: "
        "no attempt comes to this rule; put it before the rule above",
        "::warning file=policy.toml,line=8,col=6,title=text-and-number::queue.outbound.tls.starttls[2].if: "
        "a text, [bold]compared[/] with a number :boom:; write '0'",
        "::notice file=policy.toml,title=unused-strategy::queue.tls.spare: no rule names it; remove it",
        "::notice file=policy.toml,title=undecided::queue.outbound.tls.starttls[3].if: too many",
        "::error file=bro%2Cken%3A1.toml,line=2,col=2,title=syntax-error::100 %25 wrong",
        "::error file=bro%2Cken%3A1.toml,title=type-error::queue.outbound.tls.starttls: no level",
        "::error file=bro%2Cken%3A1.toml,line=9,title=value-error::queue.outbound.tls.starttls: no�[31m value%0D%0A",
        "::error file=missing.toml,title=unreadable::No such file or directory",
    ]


@given(st.text(), st.text())
def test_a_workflow_command_is_a_line_that_can_be_taken_apart(file: str, message: str) -> None:
    (line,) = workflow_commands(Report(file, problems=(PolicyError(message),)))
    command, properties, said = line[2:].partition(" ")[0], *line[2:].partition(" ")[2].split("::", 1)
    named = dict(each.split("=", 1) for each in properties.split(","))
    assert (command, [*named]) == ("error", ["file", "title"])
    assert line.isprintable()
    assert _unescaped(said).count("\n") == message.count("\n")
    assert len(_unescaped(named["file"])) == len(file)


def _unescaped(text: str) -> str:
    for code, sign in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


SUMMARIES = [
    ([Report(FILE)], "1 file: nothing found"),
    ([FOUND], "1 file: 1 error, 1 warning, 1 note, 1 open question"),
    ([FOUND, FOUND, UNREADABLE, NO_POLICY], "4 files: 1 unreadable file, 3 problems, 2 errors, 2 warnings, 2 notes, "
     "2 open questions"),
]  # fmt: skip


@pytest.mark.parametrize(("reports", "line"), SUMMARIES, ids=["nothing", "one", "all"])
def test_summary(reports: list[Report], line: str) -> None:
    assert summary(reports) == line


STATUSES = [
    ("nothing", [], "note", 0),
    ("a note", [UNUSED], "warning", 0),
    ("a note that matters", [UNUSED], "note", 1),
    ("a warning", [NUMBER], "warning", 1),
    ("a warning that does not matter", [NUMBER], "error", 0),
    ("an error", [UNUSED, DEAD], "error", 1),
]


@pytest.mark.parametrize("form", ["text", "json", "github"])
@pytest.mark.parametrize(
    ("findings", "fail_on", "status"), [case[1:] for case in STATUSES], ids=[i for i, *_ in STATUSES]
)
def test_status(
    run: Run, monkeypatch: pytest.MonkeyPatch, findings: list[Finding], fail_on: str, status: int, form: str
) -> None:
    monkeypatch.setattr("tlspolicy.cli.check.analyse", lambda _policy: Findings(tuple(findings)))
    assert run("check", FILE, "--fail-on", fail_on, "--format", form).status == status
    assert run("check", FILE, "missing.toml", "--fail-on", fail_on, "--format", form).status == 2
    assert run("check", "broken.toml", FILE, "--fail-on", fail_on, "--format", form).status == 2


def test_a_warning_matters_where_nothing_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlspolicy.cli.check.analyse", lambda _policy: Findings((NUMBER,)))
    assert run("check", FILE).status == 1


def test_text_is_no_markup_and_is_coloured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlspolicy.cli.check.analyse", lambda _policy: FOUND.findings)
    monkeypatch.setenv("COLUMNS", "200")
    plain, colored = run("check", FILE).out, run("--color", "always", "check", FILE).out
    assert "a text, [bold]compared[/] with a number :boom:" in plain
    for part in (
        "column 1: \x1b[1;31merror\x1b[0m: no attempt",
        "\x1b[36m[dead-rule]\x1b[0m\n",
        ": \x1b[1;33mwarning\x1b[0m: a text",
        ": \x1b[1;36mnote\x1b[0m: no rule",
        "\n\x1b[1;31m         ^^^^^^^^^^^^^^^^\x1b[0m\n",
    ):
        assert part in colored


def test_all_files_are_checked(run: Run) -> None:
    assert run("check", "broken.toml", "miss\ning.toml", "folder.txt") == (
        2,
        "broken.toml:4: queue.outbound.tls.starttls: line 1, column 1: unknown name 'optionl'; "
        "did you mean 'optional'?\n"
        "    optionl\n"
        "    ^^^^^^^\n"
        "broken.toml:3: queue.outbound.tls.allow-invalid-certs[0].if: line 1, column 1: unknown name 'retry_nun'; "
        "did you mean 'retry_num'?\n"
        "    retry_nun > 0\n"
        "    ^^^^^^^^^\n"
        "folder.txt: the name of a policy's file ends in .toml, .json or .ndjson\n"
        "3 files: 1 unreadable file, 3 problems\n",
        "tlspolicy: miss ing.toml: No such file or directory\n",
    )


def test_json_is_one_document(run: Run) -> None:
    ran = run("check", "broken.toml", "missing.toml", "--format", "json")
    files = json.loads(ran.out)["files"]
    assert [(each["file"], [problem["line"] for problem in each["problems"]]) for each in files] == [
        ("broken.toml", [4, 3]),
        ("missing.toml", [None]),
    ]
    assert ran.err == ""


def test_github_takes_what_is_wrong_with_the_file_itself(run: Run, folder: Path) -> None:
    (folder / "policy.toml").write_text("a = 1\nb == 2\n", encoding="utf-8")
    ran = run("check", FILE, "--format", "github")
    assert ran.out.startswith("::error file=policy.toml,line=2,col=4,title=syntax-error::")


def test_on_a_terminal_sentences_are_broken_between_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlspolicy.cli.check.analyse", lambda _policy: FOUND.findings)
    lines = run("--color", "always", "check", FILE).out.splitlines()
    assert "\x1b[1;31merror\x1b[0m: no " in lines[0]
    assert lines[1].startswith("attempt comes to this rule")
    assert len(run("check", FILE).out.splitlines()) < len(lines)
