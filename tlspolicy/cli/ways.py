"""`tlspolicy ways`: for which attempts a policy goes without TLS, or on with a host that may be anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.analysis import ways_to
from tlspolicy.cli.arguments import add_functions, add_json, add_policy, loaded
from tlspolicy.cli.attempts import as_words
from tlspolicy.cli.data import json_line, ways_data
from tlspolicy.cli.wording import STYLES, counted, open_questions, settings_shown, settings_that_differ
from tlspolicy.decision import TlsDecision
from tlspolicy.session import Level

if TYPE_CHECKING:
    import argparse

    from tlspolicy.analysis import Way, Ways
    from tlspolicy.cli.terminal import Terminal

HELP = "say for which attempts a policy allows clear text or unverified TLS"
EXAMPLES = """\
  tlspolicy ways policy.toml clear-text
  tlspolicy ways policy.toml unverified --json

exit status: 0 where it is proved that there is none, 1 where there is one,
2 where the file is no policy, or a question was left open
"""
LEVELS: Final = {"clear-text": Level.CLEAR_TEXT, "unverified": Level.UNVERIFIED}
_STRICT: Final = TlsDecision()


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(parser)
    parser.add_argument(
        "level",
        choices=LEVELS,
        help="no TLS, or TLS to a host whose certificate does not prove its name, which clear text is not counted as",
    )
    add_json(parser, "write the ways as a line of JSON")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Look for ways, and say them."""
    ways = ways_to(loaded(arguments.file, arguments.functions), LEVELS[arguments.level])
    if arguments.json:
        terminal.write(json_line(ways_data(ways, arguments.level)))
    else:
        terminal.show(in_words(ways), STYLES)
    return exit_status(ways)


def exit_status(ways: Ways) -> int:
    """0 where it is proved that there is none, 1 where there is one, 2 where neither is known."""
    return 0 if ways.impossible else 1 if ways.ways else 2


def in_words(ways: Ways) -> str:
    """A paragraph for each way, a line for each open question, and a summary."""
    if ways.impossible:
        return "never: proved"
    found = len(ways.ways)
    return "\n".join(
        [
            *map(_paragraph, ways.ways),
            *open_questions(ways.undecided),
            counted(found, "way") if found else "no way found, and none ruled out",
        ]
    )


def _paragraph(way: Way) -> str:
    """The settings that are left out are those of a policy that says nothing."""
    names = settings_that_differ(way.decision, _STRICT)
    return "\n".join(
        [
            way.conditions,
            f"    such as: {as_words(way.context)}",
            f"    decides: {', '.join(settings_shown(way.decision, names)) or 'as a policy that says nothing'}",
        ]
    )
