"""The command line: which commands there are, and what happens to what goes wrong in them."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, TextIO

from tlspolicy.cli import check, diff, eval, explain, fmt, table, ways  # noqa: A004  (each is named after its command)
from tlspolicy.cli.arguments import CommandError, Parser, add_color
from tlspolicy.cli.terminal import Terminal, complaint, terminal
from tlspolicy.errors import PolicyError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence


class Command(Protocol):
    """What the module of a command has."""

    @property
    def HELP(self) -> str:  # noqa: N802  (a constant of the module)
        """What it does, a line."""

    @property
    def EXAMPLES(self) -> str:  # noqa: N802
        """Command lines, shown below its options."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments."""

    def run(self, arguments: argparse.Namespace, terminal: Terminal) -> int:
        """Do it.

        Returns:
            The exit status.

        Raises:
            CommandError: it can't go on.
            PolicyError: a file is no policy, or a rule has no answer.
            OSError: standard output can't be written to.
        """


COMMANDS: Final[dict[str, Command]] = {
    "check": check,
    "diff": diff,
    "eval": eval,
    "explain": explain,
    "fmt": fmt,
    "table": table,
    "ways": ways,
}
_UNUSABLE: Final = 2
_INTERRUPTED: Final = 130
_BROKEN_PIPE: Final = 141


def run(words: Sequence[str]) -> int:
    """Run a command line, and say on standard error, in a line, what is wrong.

    Args:
        words: the command line without the program's name.

    Returns:
        The exit status: 2 where something is unusable; 130 after Ctrl-C and 141 where nobody reads the output any
        more, as a shell has it of a program that a signal has ended; otherwise what the command says.
    """
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  (until the program ends)
    if sys.stdout is None:
        return _fail("standard output is closed")
    try:
        status = _command(words)
        sys.stdout.flush()  # Here, where something can be said about it.
    except BrokenPipeError:
        _abandon(sys.stdout, sys.stderr)
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        _abandon(sys.stdout)
        return _INTERRUPTED
    except OSError as error:  # Commands say themselves what is wrong with other files.
        _abandon(sys.stdout)
        return _fail(f"standard output: {error.strerror or error}")
    return status


def _command(words: Sequence[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # What a locale has no letters for is shown all the same.
    try:
        command, arguments = parsed(words)
        return command.run(arguments, terminal(arguments.color))
    except SystemExit as done:  # After --help, or --version.
        return int(done.code or 0)
    except (CommandError, PolicyError) as error:
        sys.stdout.flush()
        return _fail(str(error))


def parsed(words: Sequence[str]) -> tuple[Command, argparse.Namespace]:
    """The command that a command line names, and its arguments.

    Raises:
        CommandError: it names none, or has arguments that the command does not take.
        SystemExit: it asks for help, or the version, which was written.
    """
    chosen = _parser().parse_args(words)
    name, *rest = chosen.words
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS)
        raise CommandError(f"unknown command {quoted(name)}{hint or '; see tlspolicy --help'}")
    command = COMMANDS[name]
    parser = Parser(f"tlspolicy {name}", command.HELP, command.EXAMPLES)
    command.configure(parser)
    add_color(parser, chosen.color)
    # Options may stand between other arguments; with `--`, argparse has it one way only.
    parse = parser.parse_args if "--" in rest else parser.parse_intermixed_args
    return command, parse(rest)


def _parser() -> Parser:
    commands = "\n".join(f"  {name:<10}{command.HELP}" for name, command in COMMANDS.items())
    parser = Parser(
        "tlspolicy",
        f"Look at outbound TLS policies, written as Stalwart's rules.\n\ncommands:\n{commands}",
        "  tlspolicy check policy.toml\n  tlspolicy eval --help\n",
    )
    # As argparse has its own subcommands: a word, and all that follows it, whatever it looks like.
    help_ = "one of the above, and its arguments; each has a --help of its own"
    parser.add_argument("words", metavar="COMMAND", nargs=argparse.PARSER, help=help_)
    parser.add_argument("--version", action=_Version, nargs=0, help="say which version this is")
    add_color(parser, "auto")
    return parser


class _Version(argparse.Action):
    """Looks the version up when it is asked for: that takes longer than all the rest."""

    def __call__(self, parser: argparse.ArgumentParser, *_given: object) -> NoReturn:
        try:
            found = version("tlspolicy")
        except PackageNotFoundError:  # A checkout that is run as it is.
            found = "(not installed)"
        print(f"tlspolicy {found}")  # noqa: T201
        parser.exit()


def _fail(message: str) -> int:
    try:
        print(complaint(message), file=sys.stderr, flush=True)  # noqa: T201
    except OSError:  # There is nobody left to tell.
        _abandon(sys.stderr)
    return _UNUSABLE


def _abandon(*streams: TextIO) -> None:
    """Let nothing more be written, or the end of the program would try that again, and say so.

    See https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        with suppress(OSError):  # It is no file of the system's.
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
