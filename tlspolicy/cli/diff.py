"""`tlspolicy diff`: for which attempts two policies decide differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlspolicy.analysis import compare
from tlspolicy.cli.arguments import add_functions, add_json, add_policy, loaded
from tlspolicy.cli.attempts import as_words
from tlspolicy.cli.data import comparison_data, json_line
from tlspolicy.cli.wording import STYLES, counted, open_questions, settings_shown, settings_that_differ

if TYPE_CHECKING:
    import argparse

    from tlspolicy.analysis import Comparison, Difference
    from tlspolicy.cli.terminal import Terminal

HELP = "say for which attempts two policies decide differently"
EXAMPLES = """\
  tlspolicy diff policy.toml changed.toml
  tlspolicy diff policy.toml changed.toml --json

exit status: 0 where it is proved that they decide alike for every attempt,
1 where they differ, 2 where a file is no policy, or a question was left open
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(parser, "old")
    add_policy(parser, "new")
    add_json(parser, "write the differences as a line of JSON")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Compare, and say how they differ."""
    old, new = (loaded(file, arguments.functions) for file in (arguments.old, arguments.new))
    comparison = compare(old, new)
    if arguments.json:
        terminal.write(json_line(comparison_data(comparison)))
    else:
        terminal.show(in_words(comparison), STYLES)
    return exit_status(comparison)


def exit_status(comparison: Comparison) -> int:
    """0 where they are proved equal, 1 where they differ, 2 where neither is known."""
    return 0 if comparison.equal else 1 if comparison.differences else 2


def in_words(comparison: Comparison) -> str:
    """A paragraph for each difference, a line for each open question, and a summary."""
    if comparison.equal:
        return "equal: proved for every attempt"
    found = len(comparison.differences)
    return "\n".join(
        [
            *map(_paragraph, comparison.differences),
            *open_questions(comparison.undecided),
            counted(found, "difference") if found else "no difference found, and none ruled out",
        ]
    )


def _paragraph(difference: Difference) -> str:
    names = settings_that_differ(difference.old, difference.new)
    return "\n".join(
        [
            difference.conditions,
            f"    such as: {as_words(difference.context)}",
            f"    old: {', '.join(settings_shown(difference.old, names))}",
            f"    new: {', '.join(settings_shown(difference.new, names))}",
        ]
    )
