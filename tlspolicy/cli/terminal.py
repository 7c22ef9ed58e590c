"""What is written to: standard output and standard error, and how text gets there unharmed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias, get_args

from rich.console import Console
from rich.text import Text

from tlspolicy.errors import printable

Color: TypeAlias = Literal["auto", "always", "never"]
Styles: TypeAlias = Sequence[tuple[str, str]]
"""Regular expressions, and the style of rich's that each part that one matches is shown in."""

COLORS: Final = get_args(Color)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command writes.

    Policies, and what is said of them, are full of brackets, colons and whatever a stranger put in: `show` and
    `complain` take text as it is, replace control characters, and break no line, for carets stand under the line above.

    Args:
        out: standard output, for results.
        err: standard error, for what went wrong, and for progress.
    """

    out: Console
    err: Console

    def show(self, text: str, styles: Styles = ()) -> None:
        """Write lines for people, coloured where colours are wanted."""
        self.out.print(styled(text, styles), soft_wrap=True)

    def tell(self, text: str, styles: Styles = ()) -> None:
        """Write lines for people, of which the first is a sentence: on a terminal it is broken between words."""
        sentence, _, rest = text.partition("\n")
        self.out.print(styled(sentence, styles), soft_wrap=not self.out.is_terminal)
        if rest:
            self.show(rest, styles)

    def write(self, line: str) -> None:
        """Write a line for programs, as it is. It is flushed at the end, by `flush`, or with what is shown next."""
        self.out.file.write(f"{line}\n")

    def flush(self) -> None:
        """Let go of what was written."""
        self.out.file.flush()

    def complain(self, message: str) -> None:
        """Say on standard error what is wrong."""
        self.flush()  # What was said before comes first where both are the same terminal.
        self.err.print(styled(complaint(message)), soft_wrap=True)


def terminal(color: Color) -> Terminal:
    """The standard streams of the process, as they are at the moment.

    Args:
        color: `auto` has colours on a terminal, unless `NO_COLOR` is set or it is `TERM=dumb`.
    """
    return Terminal(_console(sys.stdout, color), _console(sys.stderr, color))


def styled(text: str, styles: Styles = ()) -> Text:
    """`text` without control characters, each part that one of `styles` matches in its style."""
    made = Text(harmless(text))
    for pattern, style in styles:
        made.highlight_regex(pattern, style)
    return made


def harmless(text: str) -> str:
    """`text` with one harmless character in place of each that a terminal would act upon, but for the ends of lines."""
    return "\n".join(map(printable, text.split("\n")))


def complaint(message: str) -> str:
    """What is wrong, as it is said on standard error."""
    return f"tlspolicy: {harmless(message)}"


class _Console(Console):
    """A console that leaves it to `main` what to do when nobody reads any more."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError from None


def _console(stream: TextIO, color: Color) -> Console:
    always, never = color == "always", color == "never"
    return _Console(
        file=stream,
        color_system=None if never else "standard" if always else "auto",
        force_terminal=always or None,
        no_color=False if always else None,  # Who asks for colours has the last word; otherwise NO_COLOR has.
        markup=False,
        emoji=False,
        highlight=False,
    )
