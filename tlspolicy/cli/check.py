"""`tlspolicy check`: what is wrong with policies, and what their authors would want to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.analysis import Severity, analyse
from tlspolicy.cli.arguments import UnreadableError, add_functions, loaded
from tlspolicy.cli.data import json_line
from tlspolicy.cli.reports import Report, paragraphs, report_data, summary, workflow_commands
from tlspolicy.cli.wording import STYLES
from tlspolicy.errors import PolicyError, printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from tlspolicy.cli.terminal import Styles, Terminal

HELP = "say what is wrong with policies: mistakes, dead rules, dangers"
EXAMPLES = """\
  tlspolicy check policy.toml
  tlspolicy check --fail-on error --format json policy.toml changed.toml
  tlspolicy check --format github policy.toml

exit status: 0 where nothing is found that matters, 1 where something is,
2 where a file can't be read or is no policy; all others are checked too.
Questions that are left undecided are shown, and don't matter to it
"""
CHECKED: Final[Styles] = [
    (r"(?m)(?<=: )error(?=: .*\]$)", "bold red"),
    (r"(?m)(?<=: )warning(?=: .*\]$)", "bold yellow"),
    (r"(?m)(?<=: )note(?=: .*\]$)", "bold cyan"),
    (r"(?m)\[[a-z-]+\]$", "cyan"),
    *STYLES,
]
"""The colours of findings: severity and code."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    files = "files of Stalwart's configuration, in any of its three layouts: .toml, .json or .ndjson"
    parser.add_argument("files", metavar="FILE", nargs="+", help=files)
    formats = "for people (text, the default), for programs (json), or as annotations of a GitHub workflow (github)"
    parser.add_argument("--format", choices=FORMATS, default="text", help=formats)
    matters = "what matters: exit with status 1 where there is a finding of this severity, or of a higher one"
    severities = [str(severity) for severity in Severity]
    parser.add_argument("--fail-on", choices=severities, default=str(Severity.WARNING), help=f"{matters} (warning)")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Check every file, and say what is found."""
    reports = [_report(file, arguments) for file in arguments.files]
    FORMATS[arguments.format](reports, terminal)
    return exit_status(reports, Severity[arguments.fail_on.upper()])


def exit_status(reports: Sequence[Report], fail_on: Severity) -> int:
    """2 where a file is unusable, 1 where a finding is of `fail_on` at least, otherwise 0."""
    if any(report.unusable for report in reports):
        return 2
    return int(any(finding.severity >= fail_on for report in reports for finding in report.findings))


def write_text(reports: Sequence[Report], terminal: Terminal) -> None:
    """For people."""
    for report in reports:
        if report.unreadable:
            terminal.complain(f"{printable(report.file)}: {report.unreadable}")
        for paragraph in paragraphs(report):
            terminal.tell(paragraph, CHECKED)
    terminal.show(summary(reports))


def write_json(reports: Sequence[Report], terminal: Terminal) -> None:
    """One document of JSON."""
    terminal.write(json_line({"files": list(map(report_data, reports))}))


def write_github(reports: Sequence[Report], terminal: Terminal) -> None:
    """An annotation for each problem, finding and open question."""
    for report in reports:
        for command in workflow_commands(report):
            terminal.write(command)


FORMATS: Final[dict[str, Callable[[Sequence[Report], Terminal], None]]] = {
    "text": write_text,
    "json": write_json,
    "github": write_github,
}


def _report(file: str, arguments: argparse.Namespace) -> Report:
    try:
        return Report(file, findings=analyse(loaded(file, arguments.functions)))
    except UnreadableError as error:
        return Report(file, unreadable=error.reason)
    except PolicyError as error:
        return Report(file, problems=(error.with_others(()), *error.others))
