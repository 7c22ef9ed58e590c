"""Words for what a parser could not read: what is wrong at which characters, and how to mend it.

Knows the spelling of the language and of TOML, and no parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import listed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Piece(NamedTuple):
    """A token: its text, and the index of its first character."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The index after its last character."""
        return self.start + len(self.text)


class Complaint(NamedTuple):
    """A sentence, and the half-open range of characters it is about."""

    message: str
    start: int
    end: int


_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_OPENING: Final = {closing: opening for opening, closing in _CLOSING.items()}

# Terminals of the grammars, in words. What stands in no expression or list by itself needs none.
_TERMINALS: Final = {
    "NAME": "a value",
    "KEY": "a key ('if', 'then' or 'else')",
    "LINE_STRING": "a string",
    "BARE": "a value",
    "ASSIGN": "'=' and a value behind it",
    "COLON": "':'",
    "COMMA": "','",
    "LSQB": "'['",
    "RSQB": "']'",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
}

# What other languages write, and rule lists do not.
_REGEX: Final = "a regular expression is written 'matches('…', x)'"
_STRAIGHT: Final = "a text is written in straight quotes: 'text'"
_FOREIGN_WORDS: Final = {
    "and": "'and' is written '&&'",
    "or": "'or' is written '||'",
    "not": "'not' is written '!'",
    "in": "'x in [a, b]' is written 'contains([a, b], x)'",
    "===": "'===' is written '=='",
    "!==": "'!==' is written '!='",
    "<>": "'<>' is written '!='",
}
_FOREIGN_CHARACTERS: Final = {
    "~": _REGEX,
    "#": "there are no comments in an expression",
    "?": "a choice is written 'if_then(condition, a, b)'",
    "{": "a list of rules stands without quotes around it",
    **dict.fromkeys("‘’“”", _STRAIGHT),
}


def unexpected_character(text: str, at: int) -> Complaint:
    """Complain of a character of `text` with which no token can begin."""
    character = text[at]
    if character in "'\"":
        hint = "; the backslash protects the quote after it" if text.rstrip().endswith(f"\\{character}") else ""
        return Complaint(f"this string never ends{hint}", at, len(text))
    if character == "=":  # Every other '=' is a token; this one ends its line.
        return Complaint("TOML wants a key, '=' and the start of its value on one line", at, at + 1)
    foreign = _FOREIGN_CHARACTERS.get(character)
    return Complaint(f"{character!r} can't stand here{f': {foreign}' if foreign else ''}", at, at + 1)


def unexpected_token(text: str, before: Sequence[Piece], token: Piece | None, accepted: Collection[str]) -> Complaint:
    """Complain of a token that does not fit.

    Args:
        text: the whole text.
        before: the tokens that did fit.
        token: the one that did not; `None` when the text ended.
        accepted: the names of the terminals that would have fitted.
    """
    opening = _unclosed(before)
    if token is None:
        if opening and "NAME" not in accepted:
            return Complaint(f"this {opening.text!r} is never closed", opening.start, opening.end)
        return Complaint(f"{_expected(accepted)} is missing at the end", len(text.rstrip()), len(text))
    return Complaint(_misfit(before, token, opening, accepted), token.start, token.end)


def _misfit(before: Sequence[Piece], token: Piece, opening: Piece | None, accepted: Collection[str]) -> str:
    last = before[-1] if before else None
    foreign = _FOREIGN_WORDS.get(token.text) or (
        last and (_FOREIGN_WORDS.get(_joined(last, token)) or _FOREIGN_WORDS.get(last.text))
    )
    if foreign:
        return f"{token.text!r} can't stand here: {foreign}"
    if "NAME" not in accepted and token.text in _OPENING and (not opening or opening.text != _OPENING[token.text]):
        if opening:
            return f"this {token.text!r} does not close the {opening.text!r} at column {opening.start + 1}"
        return f"this {token.text!r} closes nothing"
    if last and accepted == {"$END"}:
        return f"nothing may follow the {last.text!r} that closes the list"
    if "NAME" not in accepted and token.text == ",":
        return "a ',' stands between arguments or elements alone; a list of values is written [a, b]"
    where = f"between {last.text!r} and {token.text!r}" if last else f"before {token.text!r}"
    return f"{_expected(accepted)} is missing {where}"


def _expected(accepted: Collection[str]) -> str:
    """The terminals that would fit, in words; `an operator` for those of an expression that need no words."""
    words = sorted({_TERMINALS[name] for name in accepted if name in _TERMINALS})
    if "NAME" in accepted:
        return "a value"
    return "an operator" if "PLUS" in accepted else listed(words)


def _joined(last: Piece, token: Piece) -> str:
    """The two as one word, where nothing stands between them."""
    return last.text + token.text if last.end == token.start else ""


def _unclosed(pieces: Sequence[Piece]) -> Piece | None:
    """The innermost bracket that is still open after `pieces`."""
    opened: list[Piece] = []
    for piece in pieces:
        if piece.text in _CLOSING:
            opened.append(piece)
        elif piece.text in _OPENING and opened:
            opened.pop()
    return opened[-1] if opened else None


def toml_complaint(reason: str) -> str:
    """What TOML's parser says is wrong, in words that say what to do about it."""
    if reason.startswith("Unescaped '\\'") or "hex value" in reason:
        return f"{_small(reason)}: {_TWICE}, or use '''…''', which keeps them as they are"
    return _TOML.get(reason) or _small(reason)


def json_complaint(reason: str) -> str:
    """What JSON's parser says is wrong, in words that say what to do about it."""
    return f"this is no JSON: {_small(reason)}{f': {_TWICE}' if 'escape' in reason else ''}"


def _small(reason: str) -> str:
    return reason[:1].lower() + reason[1:]


_TWICE: Final = 'write each backslash twice ("…\\\\S…")'
_TOML: Final = {
    "Illegal character '\\n'": "this string is not closed on its line",
    "Cannot overwrite a value": "this key stands twice",
    "Invalid value": "this is no value: an expression is written in quotes",
}
