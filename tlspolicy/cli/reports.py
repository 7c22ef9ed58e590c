"""What `tlspolicy check` found in files, in its three formats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis import Finding, Findings, Severity
from tlspolicy.cli.attempts import fields_given
from tlspolicy.cli.data import undecided_data
from tlspolicy.cli.wording import counted, open_questions
from tlspolicy.errors import PolicyError, PolicySyntaxError, PolicyTypeError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlspolicy.errors import Place

_NONE: Final = Findings(())
_ESCAPED: Final = frozenset('\\"\t')
_COMMANDS: Final = {Severity.NOTE: "notice", Severity.WARNING: "warning", Severity.ERROR: "error"}


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of one file.

    Args:
        file: its name, as it was given.
        unreadable: why it can't be read; `''` where it can.
        problems: why it is no policy.
        findings: what an analysis has found, where it is one.
    """

    file: str
    unreadable: str = ""
    problems: tuple[PolicyError, ...] = ()
    findings: Findings = _NONE

    @property
    def unusable(self) -> bool:
        """Whether it is no policy."""
        return bool(self.unreadable or self.problems)


def paragraphs(report: Report) -> Iterator[str]:
    """What there is to say of a file that can be read, with carets."""
    yield from map(str, report.problems)
    yield from map(str, report.findings)
    yield from open_questions(report.findings.undecided)


def summary(reports: Sequence[Report]) -> str:
    """`2 files: 1 problem, 2 errors, 1 open question`."""
    found = Counter[str]()
    for report in reports:
        found["unreadable file"] += bool(report.unreadable)
        found["problem"] += len(report.problems)
        found.update(str(finding.severity) for finding in report.findings)
        found["open question"] += len(report.findings.undecided)
    kinds = ("unreadable file", "problem", *map(str, sorted(Severity, reverse=True)), "open question")
    parts = [counted(found[kind], kind) for kind in kinds if found[kind]]
    return f"{counted(len(reports), 'file')}: {', '.join(parts) or 'nothing found'}"


def report_data(report: Report) -> dict[str, object]:
    """All of a report, as data."""
    unreadable = [_unreadable_data(report.unreadable)] if report.unreadable else []
    return {
        "file": report.file,
        "problems": [*unreadable, *map(_problem_data, report.problems)],
        "findings": list(map(_finding_data, report.findings)),
        "undecided": undecided_data(report.findings.undecided),
    }


def workflow_commands(report: Report) -> Iterator[str]:
    """The lines that make annotations of a GitHub workflow.

    See https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands.
    """
    file = report.file
    if report.unreadable:
        yield _workflow_command("error", report.unreadable, file=file, title="unreadable")
    for problem in report.problems:
        line, column = _position(problem)
        why = _with_key(problem.place, problem.message)
        yield _workflow_command("error", why, file=file, line=line, col=column, title=_code(problem))
    for finding in report.findings:
        line, column = _position(finding)
        why = _with_key(finding.place, f"{finding.why}; {finding.mend}")
        yield _workflow_command(_COMMANDS[finding.severity], why, file=file, line=line, col=column, title=finding.code)
    for each in report.findings.undecided:
        why = _with_key(each.place, each.why)
        yield _workflow_command("notice", why, file=file, line=each.place.line, title="undecided")


def _workflow_command(command: str, message: str, **properties: str | int | None) -> str:
    given = (f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    return f"::{command} {','.join(given)}::{_message(message)}"


def _message(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def _with_key(place: Place, sentence: str) -> str:
    return f"{place.key}: {sentence}" if place.key else sentence


def _position(found: PolicyError | Finding) -> tuple[int | None, int | None]:
    """The line and the column of the file, as far as they are known.

    Where there is no key, the text is that of the file.
    """
    place = found.place
    if not found.source:
        return place.line, None
    if not place.key:
        return found.line, found.column
    if place.line is None:
        return None, None
    if found.line > 1:
        return place.line + found.line - 1, found.column
    # What stands before it may have been written with escapes, which are longer in the file.
    plain = place.column is not None and not set(found.source[: found.start]) & _ESCAPED
    return place.line, (place.column or 0) + found.column - 1 if plain else None


def _code(problem: PolicyError) -> str:
    match problem:
        case PolicySyntaxError():
            return "syntax-error"
        case PolicyTypeError():
            return "type-error"
        case _:
            return "value-error"


def _unreadable_data(why: str) -> dict[str, object]:
    nowhere = dict.fromkeys(("key", "line", "column", "text", "start", "end"))
    return {"code": "unreadable", "severity": "error", **nowhere, "why": why, "mend": None}


def _problem_data(problem: PolicyError) -> dict[str, object]:
    return {"code": _code(problem), "severity": "error", **_where(problem), "why": problem.message, "mend": None}


def _finding_data(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        **_where(finding),
        "why": finding.why,
        "mend": finding.mend,
        "related": [{"key": place.key, "line": place.line} for place in finding.related],
        "context": None if finding.context is None else fields_given(finding.context),
    }


def _where(found: PolicyError | Finding) -> dict[str, object]:
    """The key, the line and column of the file, and the range of characters in the expression's text.

    A problem of the file itself is in no expression: its text, which is the whole file, is left out.
    """
    line, column = _position(found)
    text, start, end = (found.source, found.start, found.end) if found.place.key else (None, None, None)
    key = found.place.key or None
    return {"key": key, "line": line, "column": column, "text": text, "start": start, "end": end}
