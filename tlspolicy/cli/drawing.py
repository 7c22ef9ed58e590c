"""The tables of a policy as an SVG that needs nothing but itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape, quoteattr

from tlspolicy.cli.picture import Protection, words
from tlspolicy.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlspolicy.cli.picture import Picture, Table

# Light enough for black text. They say nothing that the words in them do not say.
_COLOURS: Final = {
    Protection.VERIFIED: "#c9ecd3",
    Protection.UNVERIFIED: "#fff0b8",
    Protection.OFFERED: "#d3e4fb",
    Protection.OFFERED_UNVERIFIED: "#f3d3f0",
    Protection.CLEAR_TEXT: "#f6aca2",
    Protection.NO_DELIVERY: "#d0d0d0",
    Protection.NO_ANSWER: "#d0d0d0",
}
_NOTHING: Final = "#f5f5f5"
_KINDS: Final = {
    "title": ' font-size="18" font-weight="600"',
    "head": ' font-weight="600"',
    "cell": "",
    "note": ' fill="#555555"',
}
_FONT: Final = "system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_CHARACTER: Final = 7.6  # The width of most of them, for there is no font at hand to measure.
_BOLD: Final = 1.1
_LINE: Final = 18
_HEIGHT: Final = 34
_MARGIN: Final = 24
_PADDING: Final = 10
_GAP: Final = 3
_NOTE: Final = 100


def drawn(picture: Picture, name: str) -> str:
    """The tables of a picture, one below the other, with its notes.

    Args:
        picture: what to draw.
        name: what it is of, for the title.
    """
    title = f"How much TLS {printable(name)} demands"
    elements = [_text(_MARGIN, _MARGIN + _LINE, title, "title")]
    y = _MARGIN + 2 * _LINE
    width = _width(title) * 1.3
    for table in picture.tables:
        for line in picture.heading(table):
            y += _LINE
            elements.append(_text(_MARGIN, y, line, "head"))
            width = max(width, _width(line) * _BOLD)
        y += _PADDING
        widths = _widths(table)
        elements += _table(table, widths, y)
        y += _HEIGHT * (len(table.rows) + 1) + _LINE
        width = max(width, sum(widths) + _GAP * len(widths))
    for line in (line for note in picture.notes for line in _wrapped(note)):
        y += _LINE
        elements.append(_text(_MARGIN, y, line, "note"))
        width = max(width, _width(line))
    return _document(title, _described(picture), elements, width + 2 * _MARGIN, y + _MARGIN)


def _document(title: str, description: str, elements: Iterable[str], width: float, height: float) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    # All by attributes, and none by an id: a page may have several drawings in it, and styles of its own.
    text = f'font-family="{_FONT}" font-size="14" fill="#1a1a1a"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {text} role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(description)}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *elements,
        "</svg>\n",
    ]
    return "\n".join(lines)


def _table(table: Table, widths: list[float], y: float) -> Iterator[str]:
    """The cells of a table whose head begins at `y`."""
    heads = ["last error", *map(str, table.columns)]
    for (x, _), head in zip(_places(widths), heads, strict=True):
        yield _text(x + _PADDING, y + _middle(), head, "head")
    for row in table.rows:
        y += _HEIGHT
        cells = [row.name, *map(words, row.cells)]
        colours = ["", *(_COLOURS[cell.protection] if cell else _NOTHING for cell in row.cells)]
        for (x, width), shown, colour in zip(_places(widths), cells, colours, strict=True):
            if colour:
                size = f'width="{width:.1f}" height="{_HEIGHT - _GAP}"'
                yield f'<rect x="{x:.1f}" y="{y:.1f}" {size} rx="3" fill="{colour}"/>'
            yield _text(x + _PADDING, y + _middle(), shown, "cell" if colour else "head")


def _places(widths: Iterable[float]) -> Iterator[tuple[float, float]]:
    """Where each column begins, and its width."""
    x = float(_MARGIN)
    for width in widths:
        yield x, width
        x += width + _GAP


def _widths(table: Table) -> list[float]:
    columns = [["last error", *(row.name for row in table.rows)]]
    for index, column in enumerate(table.columns):
        columns.append([str(column), *(words(row.cells[index]) for row in table.rows)])
    return [max(map(_width, column)) * _BOLD + 2 * _PADDING for column in columns]


def _middle() -> float:
    return (_HEIGHT - _GAP) / 2 + 5


def _width(text: str) -> float:
    return _CHARACTER * len(text)


def _wrapped(note: str) -> Iterator[str]:
    """A note in lines of a readable length."""
    line = ""
    for word in note.split(" "):
        if line and len(line) + len(word) >= _NOTE:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
    yield line


def _described(picture: Picture) -> str:
    """The tables in sentences, for those who can't see them."""
    return " ".join(
        f"{', '.join(picture.heading(table))}: {row.name}, {column}: {words(cell)}."
        for table in picture.tables
        for row in table.rows
        for column, cell in zip(table.columns, row.cells, strict=True)
        if cell
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{_KINDS[kind]}>{escape(text)}</text>'
