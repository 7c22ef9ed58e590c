"""`tlspolicy fmt`: the expressions of a policy in their canonical spelling, the rest of its file untouched."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.text import Text

from tlspolicy import config
from tlspolicy.cli.arguments import CommandError, UnreadableError, add_functions, loaded
from tlspolicy.cli.spelling import respelt
from tlspolicy.cli.stream import standard_input
from tlspolicy.errors import Place, PolicyError, PolicySyntaxError, printable
from tlspolicy.policy import TlsPolicy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tlspolicy.cli.spelling import Parse
    from tlspolicy.cli.terminal import Terminal

HELP: Final = "write the expressions of a policy in their canonical spelling"
EXAMPLES: Final = """\
  tlspolicy fmt policy.toml
  tlspolicy fmt --diff policy.toml
  tlspolicy fmt --check policy.toml changed.toml
  tlspolicy fmt - < policy.toml

exit status: 0, or 1 where --check is given and a file would change;
2 where a file is no policy: then none is written
"""

_STDIN: Final = "-"
_MARK: Final = "\N{BYTE ORDER MARK}"
_STYLES: Final = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class _File:
    """A file, and what it is to be.

    Args:
        name: as it was given; `-` for standard input.
        mark: its byte order mark, `""` where it has none.
        before: its text.
        after: its text in the canonical spelling.
    """

    name: str
    mark: str
    before: str
    after: str

    @property
    def shown(self) -> str:
        """Its name, for people."""
        return "<stdin>" if self.name == _STDIN else printable(self.name)

    @property
    def changes(self) -> bool:
        """Whether it is not yet what it is to be."""
        return self.before != self.after


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a policy: .toml, .json or .ndjson; - for TOML from standard input"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Format every file, or none if one of them can't be.

    Returns:
        1 if `--check` was given and a file would change, else 0.
    """
    files = [_formatted(name, arguments) for name in arguments.files]
    changed = [file for file in files if file.changes]
    if arguments.diff:
        for file in changed:
            _show(file, terminal)
    elif arguments.check:
        for file in changed:
            terminal.out.print(Text(f"{file.shown} would be changed"), soft_wrap=True)
    else:
        for file in files:
            _write(file, terminal)
    return int(arguments.check and bool(changed))


def _formatted(name: str, arguments: argparse.Namespace) -> _File:
    """Read a policy's file and format it."""
    functions = dict(arguments.functions)
    (text, parse, place), mark = _of_stdin() if name == _STDIN else _of_file(name)
    try:
        return _File(name, mark, text, respelt(text, parse, place, functions))
    except PolicyError:
        # Loaded as any policy, it has an error that says the line, too.
        _ = TlsPolicy.loads(text, functions) if name == _STDIN else loaded(name, arguments.functions)
        raise


def _of_stdin() -> tuple[tuple[str, Parse, Place], str]:
    """What standard input has, as `config.read` gives it of a file, and its byte order mark."""
    text = _decoded(standard_input().read(config.MAX_FILE_SIZE + 1))
    plain = text.removeprefix(_MARK)
    return (plain, config.parse_toml, Place()), text[: len(text) - len(plain)]


def _of_file(name: str) -> tuple[tuple[str, Parse, Place], str]:
    try:
        return config.read(name), _mark(name)
    except OSError as error:
        raise UnreadableError(name, error.strerror or str(error)) from None


def _mark(name: str) -> str:
    """The byte order mark that a file begins with."""
    with Path(name).open("rb") as file:
        return _MARK if file.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8 else ""


def _decoded(data: bytes) -> str:
    if len(data) > config.MAX_FILE_SIZE:
        raise PolicySyntaxError(f"a policy may have {config.MAX_FILE_SIZE} bytes, and this is larger")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise PolicySyntaxError(f"not UTF-8: the byte 0x{data[error.start]:02x} can't stand there") from None


def _write(file: _File, terminal: Terminal) -> None:
    data = (file.mark + file.after).encode()
    if file.name == _STDIN:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    elif file.changes:
        try:
            _replace(Path(file.name).resolve(), data)
        except OSError as error:
            raise CommandError(f"{file.shown}: {error.strerror or error}") from None
        terminal.err.print(Text(f"{file.shown} changed"), soft_wrap=True)


def _replace(path: Path, data: bytes) -> None:
    """Write a file at once or not at all; its mode and its owner stay."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        owner, own = path.stat(), draft.stat()
        if (owner.st_uid, owner.st_gid) != (own.st_uid, own.st_gid):
            os.chown(draft, owner.st_uid, owner.st_gid)  # A server must still be able to read it.
        shutil.copymode(path, draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _show(file: _File, terminal: Terminal) -> None:
    """What would change, as `diff -u` shows it: for people in colours, and otherwise fit for `patch`."""
    lines = list(_diff(file))
    if not terminal.out.is_terminal:
        terminal.out.file.write("".join(lines))
        return
    for line in lines:
        shown = Text(printable(line.rstrip("\r\n")), style=_STYLES.get(line[0], ""))
        terminal.out.print(shown, soft_wrap=True)


def _diff(file: _File) -> Iterator[str]:
    before, after = (_lines(file.mark + text) for text in (file.before, file.after))
    for line in unified_diff(before, after, file.shown, file.shown):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """The lines of a text, which only LF ends."""
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [*filter(None, [text.rpartition("\n")[2]])]
