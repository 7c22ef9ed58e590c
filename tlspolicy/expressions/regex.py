"""The one module that knows the regex engine.

Stalwart's rules are written in the dialect of Rust's `regex` crate, whose search takes time linear in the text. `rurex`
is that crate; it is an extra, imported when the first pattern is compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tlspolicy.expressions.regex_error import RegexError
from tlspolicy.expressions.values import UnusableValueError

if TYPE_CHECKING:
    from rurex import Match, Pattern

    from tlspolicy.expressions.regex_syntax import Translation

__all__ = [
    "MAX_FOLDED",
    "MAX_PATTERN_LENGTH",
    "MAX_PATTERN_SIZE",
    "MAX_SEARCH_COST",
    "MAX_SUBJECT_LENGTH",
    "RegexError",
    "compiled",
    "cost",
    "groups",
    "search",
]

MAX_PATTERN_LENGTH = 4_096
# With these two, and with the engine's own limit of memory, the slowest pattern known takes 0.4 s to compile.
MAX_PATTERN_SIZE = 250_000
MAX_FOLDED = 300_000
MAX_SUBJECT_LENGTH = 65_536
# The slowest search known takes 5 ns for each unit, half a second for all.
MAX_SEARCH_COST = 100_000_000
_CACHED_PATTERNS = 4_096
# The engine keeps what the groups hold for each place in the pattern: so many groups take as long again.
_GROUPS_PER_COST = 30


@lru_cache(maxsize=_CACHED_PATTERNS)
def compiled(pattern: str) -> Pattern:
    """`pattern`, ready to search with.

    Raises:
        RegexError: it is no pattern of Rust's dialect, or too large, or the engine is not installed.
    """
    translation = _translation(pattern)
    try:
        import rurex  # noqa: PLC0415  (an extra, wanted only where rules say matches)
    except ImportError:
        reason = "matches() needs the regex engine: pip install 'tlspolicy[regex]'"
        raise RegexError(reason) from None
    try:
        return rurex.compile(translation.text)
    except rurex.PatternError as error:
        raise RegexError(error.msg, None if error.pos is None else translation.origins[error.pos]) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # What Rust code that fails raises: no Exception, and no name.
            raise
        raise RegexError("this is no regular expression") from None


@lru_cache(maxsize=_CACHED_PATTERNS)
def cost(pattern: str) -> int:
    """What a search for `pattern` costs at most, for each byte that the text has in UTF-8.

    Raises:
        RegexError: as `translate`, or it is too large.
    """
    translation = _translation(pattern)
    return 1 + translation.size * (_GROUPS_PER_COST + translation.groups) // _GROUPS_PER_COST


def _translation(pattern: str) -> Translation:
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise RegexError(f"longer than {MAX_PATTERN_LENGTH} characters")
    from tlspolicy.expressions.regex_syntax import translate  # noqa: PLC0415  (wanted only where rules say matches)

    translation = translate(pattern)
    if translation.size > MAX_PATTERN_SIZE:
        raise RegexError(f"too large: with its repetitions written out its size is over {MAX_PATTERN_SIZE}")
    if translation.folded > MAX_FOLDED:
        raise RegexError("too many classes of Unicode under the flag i")
    return translation


def search(pattern: str, subject: str) -> tuple[str, ...] | None:
    """The leftmost match of `pattern` in `subject`.

    Returns:
        The whole match, then each group, `''` for a group that took no part; `None` when nothing matches.

    Raises:
        RegexError: as `compiled`.
        UnusableValueError: `subject` is no Unicode text, or longer than the engine is given, or than with this pattern.
    """
    engine = compiled(pattern)
    if len(subject) > MAX_SUBJECT_LENGTH:
        raise UnusableValueError(f"matches() was given a text of more than {MAX_SUBJECT_LENGTH} characters")
    try:
        size = len(subject.encode())
    except UnicodeEncodeError:
        raise UnusableValueError("matches() was given a text with a lone surrogate") from None
    most = MAX_SEARCH_COST // cost(pattern)
    if size > most:
        raise UnusableValueError(
            f"matches() was given a text of {size} bytes, too long for so large a pattern: {most} at most"
        )
    return groups(engine.search(subject)) or None


def groups(match: Match | None) -> tuple[str, ...]:
    """The whole match, then each group, `''` for a group that took no part; nothing where there is no match."""
    return (match.group(), *match.groups(default="")) if match else ()
