"""`tlspolicy explain`: why a policy decides what it decides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tlspolicy.cli.arguments import add_functions, add_json, add_policy, loaded
from tlspolicy.cli.attempts import add_attempt, attempt_of_words, is_stream
from tlspolicy.cli.data import explanation_data, json_line
from tlspolicy.cli.stream import each_line
from tlspolicy.cli.terminal import harmless, styled
from tlspolicy.cli.wording import STYLES

if TYPE_CHECKING:
    import argparse

    from rich.text import Text

    from tlspolicy.cli.terminal import Terminal
    from tlspolicy.explanation import PolicyExplanation
    from tlspolicy.expressions.outline import Line

HELP = "say why a policy decides what it decides for an attempt to deliver"
EXAMPLES = """\
  tlspolicy explain policy.toml retry_num=1 last_error=tls
  tlspolicy explain policy.toml rcpt=jane@example.org --json
  echo '{"retry_num": 1}' | tlspolicy explain policy.toml - --json
"""
_DECIDES: Final = "decides"
_VALUES: Final = {True: "green", False: "red", None: ""}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_policy(parser)
    add_attempt(parser)
    add_json(parser, "write the explanation as a line of JSON")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Decide, and say why."""
    stream = is_stream(arguments.attempt)
    policy = loaded(arguments.file, arguments.functions)
    if stream:
        answer = as_json if arguments.json else as_paragraph
        return each_line(lambda attempt: answer(policy.explain(attempt)), terminal)
    explanation = policy.explain(attempt_of_words(arguments.attempt))
    if arguments.json:
        terminal.write(as_json(explanation))
    else:
        for line in explanation.lines(terminal.out.width):
            terminal.out.print(coloured(line), soft_wrap=True)
    return 0


def coloured(line: Line) -> Text:
    """A line with its key, its value and its note in colours: what is true, what is false, and what decides."""
    made = styled(str(line), STYLES if not line.level else ())
    to_key = len(str(replace(line, text="", value="", note="")))
    to_text = len(str(replace(line, value="", note="")))
    to_value = len(str(replace(line, note="")))
    made.stylize("cyan" if line.level else "bold", 0, to_key)
    made.stylize(_VALUES[line.truth], to_text, to_value)
    made.stylize("bold" if line.note == _DECIDES else "dim", to_value)
    return made


def as_json(explanation: PolicyExplanation) -> str:
    """`{"decision": {…}, "settings": {…}}`."""
    return json_line(explanation_data(explanation))


def as_paragraph(explanation: PolicyExplanation) -> str:
    """The explanation, and an empty line after it."""
    return harmless(f"{explanation}\n")
