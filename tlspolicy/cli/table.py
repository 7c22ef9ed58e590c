"""`tlspolicy table`: how much TLS a policy demands, by retries and last errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich import box
from rich.table import Table as Grid
from rich.text import Text

from tlspolicy.cli.arguments import CommandError, add_functions, add_json, add_policy, loaded
from tlspolicy.cli.attempts import fields_of_words
from tlspolicy.cli.data import json_line
from tlspolicy.cli.drawing import drawn
from tlspolicy.cli.picture import Cell, Column, Picture, Protection, Row, Table, words
from tlspolicy.cli.survey import survey
from tlspolicy.errors import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from tlspolicy.cli.terminal import Terminal

HELP: Final = "show how much TLS is demanded, by retries and last errors"
EXAMPLES: Final = """\
  tlspolicy table policy.toml
  tlspolicy table policy.toml rcpt_domain=bank.example
  tlspolicy table policy.toml --svg policy.svg
  tlspolicy table policy.toml --json
"""

_STYLES: Final = {
    Protection.VERIFIED: "green",
    Protection.UNVERIFIED: "yellow",
    Protection.OFFERED: "cyan",
    Protection.OFFERED_UNVERIFIED: "magenta",
    Protection.CLEAR_TEXT: "bold red",
    Protection.NO_DELIVERY: "bold",
    Protection.NO_ANSWER: "bold",
}
_WIDEST: Final = 16  # A longer cell takes lines.
_WIDEST_NAME: Final = 20
_PADDING: Final = 3


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_policy(parser)
    parser.add_argument(
        "fields", nargs="*", default=[], metavar="NAME=VALUE", help="what is known of every attempt: mx=mx1.example.org"
    )
    parser.add_argument("--svg", metavar="PICTURE", help="draw the tables into a file")
    add_json(parser, "write the tables as a line of JSON")
    add_functions(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Print the tables of a policy, or draw them.

    Returns:
        0.
    """
    picture = survey(loaded(arguments.file, arguments.functions), fields_of_words(arguments.fields))
    if arguments.svg:
        _draw(picture, arguments)
    if arguments.json:
        terminal.write(json_line(as_data(picture)))
    elif not arguments.svg:
        _print(picture, terminal)
    return 0


def _draw(picture: Picture, arguments: argparse.Namespace) -> None:
    drawing = drawn(picture, Path(arguments.file).name)
    try:
        if Path(arguments.svg).exists() and Path(arguments.svg).samefile(arguments.file):
            raise CommandError(f"{printable(arguments.svg)}: this is the policy itself")
        Path(arguments.svg).write_text(drawing, encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it.
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(f"{printable(arguments.svg)}: {reason}") from None


def _print(picture: Picture, terminal: Terminal) -> None:
    out = terminal.out
    for table in picture.tables:
        for line in picture.heading(table):
            out.print(Text(line, style="bold"))
        for start, end in _bands(table, out.width):
            with out.capture() as lines:
                out.print(_grid(table, slice(start, end)))
            for line in lines.get().splitlines():
                terminal.write(line.rstrip())  # No blanks at the ends of lines, as a grid has them.
            terminal.write("")
    for note in picture.notes:
        out.print(Text(note, style="dim"))


def _bands(table: Table, width: int) -> Iterator[tuple[int, int]]:
    """As many columns at a time as a terminal has room for, one at least."""
    room = width - min(_WIDEST_NAME, max(len(row.name) for row in table.rows))
    start = used = 0
    for index, column in enumerate(table.columns):
        cells = [words(row.cells[index]) for row in table.rows]
        wanted = _PADDING + max(len(str(column)), *(min(_WIDEST, len(shown)) for shown in cells))
        if used + wanted > room and index > start:
            yield start, index
            start, used = index, 0
        used += wanted
    yield start, len(table.columns)


def _grid(table: Table, columns: slice) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column(Text("last error"), max_width=_WIDEST_NAME, overflow="fold")
    for column in table.columns[columns]:
        grid.add_column(Text(str(column)), max_width=_WIDEST, overflow="fold")
    for row in table.rows:
        grid.add_row(Text(row.name), *(_cell(cell) for cell in row.cells[columns]))
    return grid


def _cell(cell: Cell | None) -> Text:
    return Text(words(cell), style=_STYLES[cell.protection] if cell else "")


def as_data(picture: Picture) -> dict[str, Any]:
    """What a picture shows, as JSON has it."""
    return {
        "given": dict(picture.given),
        "held": dict(picture.held),
        "tables": [_table_data(table) for table in picture.tables],
        "more_tables": picture.more,
        "notes": picture.notes,
    }


def _table_data(table: Table) -> dict[str, Any]:
    return {
        "cases": [list(conditions) for conditions in table.cases],
        "retries": [_column_data(column) for column in table.columns],
        "rows": [_row_data(row) for row in table.rows],
    }


def _column_data(column: Column) -> dict[str, Any]:
    return {"first": column.first, "last": column.last}


def _row_data(row: Row) -> dict[str, Any]:
    return {"last_errors": list(row.errors), "cells": [cell and _cell_data(cell) for cell in row.cells]}


def _cell_data(cell: Cell) -> dict[str, Any]:
    return {"protection": cell.protection.value, "dane_required": cell.dane, "mta_sts_required": cell.mta_sts}
