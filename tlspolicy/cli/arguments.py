"""What the commands have in common: their parser, and the options by which they load a policy."""

from __future__ import annotations

import argparse
import json
import re
from typing import TYPE_CHECKING, NoReturn

from tlspolicy.cli.terminal import COLORS
from tlspolicy.context import DELIVERY
from tlspolicy.errors import PolicyError, one_line, printable, quoted
from tlspolicy.expressions.values import language_value
from tlspolicy.policy import TlsPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import SupportsWrite

    from tlspolicy.expressions.values import Value


class CommandError(Exception):
    """What a command can't go on with, in a line: it is said on standard error, and the exit status is 2."""


class UnreadableError(CommandError):
    """A file that can't be read.

    Args:
        file: its name.
        reason: what the system says.
    """

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{printable(file)}: {reason}")
        self.reason = reason


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is a line, and whose `--help` ends with examples."""

    def __init__(self, prog: str, description: str, examples: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            epilog=f"examples:\n{examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Write the help, and let an error pass that argparse would hide."""
        print(self.format_help(), end="", file=file)

    def error(self, message: str) -> NoReturn:
        """Raise `CommandError`."""
        raise CommandError(f"{one_line(message)}; see {self.prog} --help")


def add_color(parser: argparse.ArgumentParser, default: str) -> None:
    """The option `--color`, which may stand before a command and after it."""
    help_ = "colours on a terminal (auto, the default; NO_COLOR is heeded), always, or never"
    parser.add_argument("--color", choices=COLORS, default=default, help=help_)


def add_policy(parser: argparse.ArgumentParser, name: str = "file") -> None:
    """The argument FILE, or another of the same kind."""
    help_ = "a file of Stalwart's configuration, in any of its three layouts: .toml, .json or .ndjson"
    parser.add_argument(name, metavar=name.upper(), help=help_)


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """The option `--json`."""
    parser.add_argument("--json", action="store_true", help=what)


def add_functions(parser: argparse.ArgumentParser) -> None:
    """The option `--function`, for every command that loads a policy; `loaded` takes `arguments.functions`."""
    parser.add_argument(
        "--function",
        dest="functions",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_answer,
        help="the answer of a function that asks the world, such as is_local_domain=true, whatever its arguments are: "
        "JSON, or else a text; may be repeated. What an analysis says does not rely on it",
    )


def loaded(file: str, functions: Iterable[tuple[str, Callable[..., Value]]]) -> TlsPolicy:
    """The policy of a file.

    Raises:
        UnreadableError: the file can't be read.
        PolicyError: it is no policy.
    """
    try:
        return TlsPolicy.load(file, functions=dict(functions))
    except OSError as error:
        raise UnreadableError(file, error.strerror or str(error)) from None
    except PolicyError as error:
        raise _for_command_line(error).with_others(tuple(map(_for_command_line, error.others))) from None


def _for_command_line(error: PolicyError) -> PolicyError:
    """The same error, which says what to do about a missing function here instead of in Python."""
    message = re.sub(r', functions=\{"(\w+)": …\}$', r" with --function \1=VALUE", error.message)
    return type(error)(message, error.source, error.start, error.end, error.place, error.others)


def _answer(word: str) -> tuple[str, Callable[..., Value]]:
    name, equals, text = word.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{quoted(word)} is not NAME=VALUE")
    try:
        value = language_value(_json_or_text(text))

        def answer(*_arguments: object) -> Value:
            return value

        DELIVERY.with_functions({name: answer})
    except (TypeError, ValueError) as error:
        reason = error.message if isinstance(error, PolicyError) else f"the answer of {name}: {error}"
        raise argparse.ArgumentTypeError(reason) from None
    return name, answer


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
