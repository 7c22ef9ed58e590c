"""`tlspolicy eval`: what a policy decides for an attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlspolicy.cli.arguments import add_functions, add_json, add_policy, loaded
from tlspolicy.cli.attempts import add_attempt, attempt_of_words, is_stream
from tlspolicy.cli.data import SETTINGS, decision_data, json_line
from tlspolicy.cli.stream import each_line
from tlspolicy.cli.wording import STYLES, rule_shown, settings_shown

if TYPE_CHECKING:
    import argparse

    from tlspolicy.cli.terminal import Terminal
    from tlspolicy.decision import TlsDecision

HELP = "say what a policy decides for an attempt to deliver"
EXAMPLES = """\
  tlspolicy eval policy.toml mx=mx1.example.org
  tlspolicy eval policy.toml retry_num=2 last_error=tls --json
  echo '{"retry_num": 2, "last_error": "tls"}' | tlspolicy eval policy.toml -
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(parser)
    add_attempt(parser)
    add_json(parser, "write the decision as a line of JSON")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Decide, and say it."""
    stream = is_stream(arguments.attempt)
    policy = loaded(arguments.file, arguments.functions)
    if stream:
        line = as_json if arguments.json else as_line
        return each_line(lambda attempt: line(policy.evaluate(attempt)), terminal)
    decision = policy.evaluate(attempt_of_words(arguments.attempt))
    if arguments.json:
        terminal.write(as_json(decision))
    else:
        terminal.show(as_paragraph(decision), STYLES)
    return 0


def as_json(decision: TlsDecision) -> str:
    """`{"starttls": "require", …}`."""
    return json_line(decision_data(decision))


def as_line(decision: TlsDecision) -> str:
    """`starttls = require, allow_invalid_certs = false, …`."""
    return ", ".join(settings_shown(decision))


def as_paragraph(decision: TlsDecision) -> str:
    """A line for each setting, and the rule that decided it."""
    shown = zip(settings_shown(decision), SETTINGS, strict=True)
    return "\n".join(f"{line}{rule_shown(decision, name)}" for line, name in shown)
