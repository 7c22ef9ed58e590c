"""A pattern of Rust's `regex` crate, walked once: how large it is, and how to write it for `rurex`.

`rurex` reads a pattern by Python's rules before the crate sees it. What the two would read differently is written here
so that Python's rules leave it alone, or is refused; what is wrong by both is left to the engine.
Source: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, NoReturn

from tlspolicy.expressions.regex_error import RegexError

FLAGS = "imsxUuR"

# How much longer the engine takes with these than with one byte, as timed.
_WIDE_SIZE = 5
_PROPERTY_SIZE = 30
_LAST_CHARACTER = 0x10FFFF
# About how many characters have another case: with the flag i the engine looks at all that are in a range.
_CASED_CHARACTERS = 3_000

_SPACE = r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_IGNORED = re.compile(rf"(?:{_SPACE}|#[^\n]*\n?)*")
_ESCAPE = re.compile(
    r"""\\(?:
        [xuU]\{(?P<braced>[0-9A-Fa-f]+)\}
        | (?P<fixed>x[0-9A-Fa-f]{2} | u[0-9A-Fa-f]{4} | U[0-9A-Fa-f]{8})
        | (?P<property>[pP](?:[A-Za-z] | \{[\w\ :=!.^-]*\}) | [dswDSW])
        | b\{[A-Za-z-]+\}
        | (?P<character>[^xuUpP])
    )""",
    re.VERBOSE | re.DOTALL,
)
_REPETITION = re.compile(rf"[*+?]|\{{{_SPACE}*([0-9]+){_SPACE}*(?:(,){_SPACE}*(?:([0-9]+){_SPACE}*)?)?\}}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LOOK_AROUND = re.compile(r"\?<?[=!]")
_NAME = re.compile(r"\?P?<([^>]*)(>?)")
_NAME_CHARACTERS = re.compile(r"[^\W\d][\w.\[\]]*")
_FLAGS = re.compile(r"\?([A-Za-z-]*)([:)])")
_ASCII_CLASS = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)
# What follows the [ and stands for itself there: hyphens, or else one ].
_CLASS_START = re.compile(r"\[\^?(?:-+|\]?)")
_VERBOSE_CLASS_START = re.compile(rf"\[{_SPACE}*\^?{_SPACE}*(?:(?:-{_SPACE}*)+|\]?)")
# A - that makes a range takes the [ after it for the range's end, any other does not.
_HYPHENS = re.compile(r"--|-(?P<before_class>\[)?")
_VERBOSE_HYPHENS = re.compile(rf"--|-(?P<before_class>{_SPACE}*\[)?")
# In a class these stand for themselves; Python's rules lose their way in a nested one and would read them.
_READ_BY_PYTHON = frozenset("(*+?{")


class Translation(NamedTuple):
    """A pattern as the engine gets it.

    Attributes:
        text: means to `rurex` what the pattern means to Rust.
        origins: for each character of `text`, and for its end, the index in the pattern of what it was made from.
        size: how many bytes to match the pattern is like, with counted repetitions written out.
        groups: how many groups capture.
        folded: about how many characters the engine looks at to find their other cases, for classes under the flag i.
    """

    text: str
    origins: tuple[int, ...]
    size: int
    groups: int
    folded: int


class _Atom(NamedTuple):
    """What a repetition repeats: the piece of output it starts with, its size, whether it is a repetition itself."""

    piece: int
    size: int
    is_repetition: bool = False


@dataclass(slots=True)
class _Group:
    """An open group, or the whole pattern: where it starts, the flags in force, and what stands in it so far."""

    piece: int
    position: int
    flags: frozenset[str]
    size: int = 0
    last: _Atom | None = None

    def add(self, atom: _Atom) -> None:
        self.size += atom.size
        self.last = atom


@dataclass(slots=True)
class _Scanner:
    """Where the walk over `pattern` is, and what was written: pieces, and the index that each was made from."""

    pattern: str
    index: int = 0
    pieces: list[str] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    captures: int = 0
    folded: int = 0

    def here(self, token: re.Pattern[str]) -> re.Match[str] | None:
        return token.match(self.pattern, self.index)

    def write(self, piece: str, length: int) -> None:
        """Write `piece` for the next `length` characters of the pattern."""
        self.pieces.append(piece)
        self.origins.append(self.index)
        self.index += length

    def skip_ignored(self, flags: frozenset[str]) -> bool:
        """Go to the next character that means something; whether there is one.

        Comments are not written: Python's rules would look for groups and repetitions in them.
        """
        if "x" in flags and (ignored := self.here(_IGNORED)):
            self.index = ignored.end()
        return self.index < len(self.pattern)

    def refuse(self, reason: str) -> NoReturn:
        raise RegexError(reason, self.index)


def translate(pattern: str) -> Translation:
    """`pattern`, written for the engine.

    Raises:
        RegexError: Rust does not take it, or `rurex` can't be told what it means.
    """
    if surrogate := _SURROGATE.search(pattern):
        raise RegexError("a lone surrogate is no character", surrogate.start())
    scanner = _Scanner(pattern)
    groups = [_Group(0, 0, frozenset())]
    while scanner.skip_ignored(groups[-1].flags):
        _token(scanner, groups)
    if len(groups) > 1:
        raise RegexError("missing ), unterminated subpattern", groups[-1].position)
    origins = [origin for piece, origin in zip(scanner.pieces, scanner.origins, strict=True) for _ in range(len(piece))]
    text = "".join(scanner.pieces)
    return Translation(text, (*origins, len(pattern)), groups[0].size, scanner.captures, scanner.folded)


def _token(scanner: _Scanner, groups: list[_Group]) -> None:
    group = groups[-1]
    piece = len(scanner.pieces)
    match scanner.pattern[scanner.index]:
        case "(":
            _open(scanner, groups)
        case ")":
            _close(scanner, groups)
        case "|":
            group.size += 1
            group.last = None
            scanner.write("|", 1)
        case "*" | "+" | "?" | "{":
            _repeat(scanner, group)
        case "[":
            group.add(_Atom(piece, _class(scanner, group.flags)))
        case "\\":
            group.add(_Atom(piece, _escape(scanner, group.flags)[0]))
        case ".":
            group.add(_Atom(piece, _WIDE_SIZE))
            scanner.write(".", 1)
        case character:
            group.add(_Atom(piece, _literal_size(ord(character))))
            # Python's rules take these for a part of the {2} that they follow.
            is_misread = character in "0123456789,}" and scanner.pieces[-1:] and scanner.pieces[-1].endswith("}")
            scanner.write(f"\\x{ord(character):02X}" if is_misread else character, 1)


def _literal_size(character: int) -> int:
    """Twice its bytes, for there may be an upper and a lower case."""
    return 2 * (1 + sum(character > last for last in (0x7F, 0x7FF, 0xFFFF)))


def _open(scanner: _Scanner, groups: list[_Group]) -> None:
    """`(`, `(?<name>`, `(?P<name>`, `(?flags:` or `(?flags)`."""
    piece, position, flags = len(scanner.pieces), scanner.index, groups[-1].flags
    scanner.index += 1
    if not scanner.skip_ignored(flags) or scanner.pattern[scanner.index] != "?":
        scanner.captures += 1
        opening = "("
    elif scanner.here(_LOOK_AROUND):
        raise RegexError("look-around, including look-ahead and look-behind, is not supported", position)
    elif name := scanner.here(_NAME):
        _check_name(scanner, name)
        scanner.captures += 1
        scanner.index = name.end()
        # Nobody asks for a group by its name, and Python allows fewer names.
        opening = "("
    elif switches := scanner.here(_FLAGS):
        _check_flags(switches)
        if switches[2] == ")" and position > 0:
            reason = (
                f"only at the start may flags stand alone: write (?{switches[1]}:…) around what they should hold for"
            )
            raise RegexError(reason, position)
        flags = _flags_after(flags, switches[1])
        scanner.index = switches.end()
        opening = _opening(switches)
    else:
        raise RegexError("this is no group: groups are (…), (?:…), (?<name>…) and (?i:…)", position)
    scanner.pieces.append(opening)
    scanner.origins.append(position)
    if opening.endswith(")"):
        groups[-1].flags = flags
    else:
        groups.append(_Group(piece, position, flags))


def _check_name(scanner: _Scanner, name: re.Match[str]) -> None:
    if not name[2]:
        raise RegexError("the name of this group is not closed by >", name.start())
    if not _NAME_CHARACTERS.fullmatch(name[1]):
        reason = "the name of a group is a letter or _ and after it letters, digits, _ . [ or ]"
        raise RegexError(reason, name.start(1))
    if name[1] in scanner.names:
        raise RegexError(f"there are two groups of the name {name[1]}", name.start(1))
    scanner.names.add(name[1])


def _check_flags(switches: re.Match[str]) -> None:
    for index, flag in enumerate(switches[1]):
        position = switches.start(1) + index
        if flag not in f"{FLAGS}-":
            raise RegexError(f"there is no flag {flag}: the flags are {' '.join(FLAGS)}", position)
        if flag in switches[1][:index]:
            raise RegexError(f"{flag} stands twice in these flags", position)
    if switches[1].endswith("-"):
        raise RegexError("no flag follows this -", switches.end(1) - 1)


def _flags_after(flags: frozenset[str], switched: str) -> frozenset[str]:
    on, _, off = switched.partition("-")
    return flags.union(on).difference(off)


def _opening(switches: re.Match[str]) -> str:
    """The group as it was written, flags that stand alone with a switch that changes nothing.

    Python's rules have flags of their own for a pattern that starts with such a group. They know no R.
    """
    written, end = switches[1], switches[2]
    if end == ":" or "R" in written or not written:
        return f"(?{written}{end}"
    return f"(?{written}R)" if "-" in written else f"(?{written}-R)"


def _close(scanner: _Scanner, groups: list[_Group]) -> None:
    if len(groups) == 1:
        scanner.refuse("unbalanced parenthesis")
    group = groups.pop()
    scanner.write(")", 1)
    groups[-1].add(_Atom(group.piece, group.size + 2))


def _repeat(scanner: _Scanner, group: _Group) -> None:
    """`*`, `+`, `?` or `{…}`, and the `?` that makes it lazy.

    A repetition of a repetition gets a group: Python's rules refuse some of them.
    """
    repetition = scanner.here(_REPETITION)
    if not repetition:
        scanner.refuse(r"a { that stands for itself is written \{; repetitions are {2}, {2,} and {2,5}")
    if group.last is None:
        scanner.refuse("nothing to repeat")
    atom = group.last
    if atom.is_repetition:
        scanner.pieces[atom.piece] = "(?:" + scanner.pieces[atom.piece]
        scanner.pieces.append(")")
        scanner.origins.append(scanner.index)
    scanner.write(repetition[0], len(repetition[0]))
    # Rust skips white space before the ? after } only.
    if (repetition[0][-1] != "}" or scanner.skip_ignored(group.flags)) and scanner.pattern.startswith(
        "?", scanner.index
    ):
        scanner.write("?", 1)
    size = _repeated_size(atom.size, repetition)
    group.size += size - atom.size
    group.last = _Atom(atom.piece, size, is_repetition=True)


def _repeated_size(size: int, repetition: re.Match[str]) -> int:
    """The engine writes out a counted repetition, and what may be left out of it has a branch each."""
    least, comma, most = repetition.groups()
    if least is None:
        return size + 1
    if comma and not most:
        return size * (int(least) + 1) + 1
    times = int(most or least)
    return size * max(1, times) + max(0, times - int(least)) + 1


def _escape(scanner: _Scanner, flags: frozenset[str]) -> tuple[int, int]:
    r"""The size of `\…`, and the highest number of a character in it."""
    escape = scanner.here(_ESCAPE)
    if not escape:
        scanner.refuse(r"this is no escape: characters are written \x41 or \x{1F600}, classes \pL or \p{Greek}")
    if escape["character"] == "Z":
        scanner.refuse(r"the end of the text is written \z")
    if escape["property"]:
        scanner.write(escape[0], len(escape[0]))
        scanner.folded += _CASED_CHARACTERS * ("i" in flags)
        return _PROPERTY_SIZE, _LAST_CHARACTER
    number = int(escape["braced"] or (escape["fixed"] or "x0")[1:], 16)
    if number > _LAST_CHARACTER or _SURROGATE.match(chr(number)):
        scanner.refuse("there is no such character")
    # Python's rules take the {4 of \x{41} for a repetition.
    scanner.write(f"\\U{number:08X}" if escape["braced"] else escape[0], len(escape[0]))
    return _literal_size(number), number


def _class(scanner: _Scanner, flags: frozenset[str]) -> int:
    """The size of `[…]`, which is written as it stands but for what Python's rules could read in it."""
    position = scanner.index
    size = _WIDE_SIZE
    depth, highest, folds = 0, 0, 0
    while scanner.index < len(scanner.pattern):
        character = scanner.pattern[scanner.index]
        folds += character in "[-&~"
        if character == "\\":
            item, number = _escape(scanner, flags)
            size, highest = size + item, max(highest, number)
        elif character == "[":
            depth += _class_start(scanner, flags, depth)
        elif character == "]":
            depth -= 1
            scanner.write("]", 1)
        elif character == "-" and (hyphens := scanner.here(_VERBOSE_HYPHENS if "x" in flags else _HYPHENS)):
            if hyphens["before_class"]:
                scanner.refuse(r"in front of a [ in a class a - is written \-")
            folds += 1
            scanner.write(hyphens[0], len(hyphens[0]))
        elif character == "#" and "x" in flags:
            scanner.refuse(r"under the flag x a # in a class begins a comment: write \#")
        else:
            size, highest = size + 1, max(highest, ord(character))
            scanner.write(f"\\{character}" if character in _READ_BY_PYTHON else character, 1)
        if not depth:
            scanner.folded += folds * min(highest, _CASED_CHARACTERS) * ("i" in flags)
            return size
    raise RegexError("unterminated character set", position)


def _class_start(scanner: _Scanner, flags: frozenset[str], depth: int) -> int:
    """A class in a class, or the outermost: how much deeper the walk goes with it."""
    if depth and (ascii_class := scanner.here(_ASCII_CLASS)):
        scanner.write(ascii_class[0], len(ascii_class[0]))
        return 0
    start = scanner.here(_VERBOSE_CLASS_START if "x" in flags else _CLASS_START)
    assert start, "there is a ["  # noqa: S101  (for the type checker)
    scanner.write(start[0], len(start[0]))
    return 1
