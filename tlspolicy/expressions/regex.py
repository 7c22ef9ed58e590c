"""The one module that knows the regex engine.

Stalwart's rules are written in the dialect of Rust's `regex` crate, whose search takes time linear in the text. `rurex`
is that crate; it is an extra, imported when the first pattern is compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tlspolicy.expressions.values import UnusableValueError

if TYPE_CHECKING:
    from rurex import Pattern

MAX_PATTERN_LENGTH = 4_096
MAX_SUBJECT_LENGTH = 65_536
_CACHED_PATTERNS = 4_096


class RegexError(Exception):
    """A pattern that can't be used. Internal: the checker turns it into a `PolicySyntaxError`.

    Attributes:
        reason: the engine's own words.
        position: index of the character in the pattern, `None` where the engine gives none.
    """

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason, position)
        self.reason = reason
        self.position = position


@lru_cache(maxsize=_CACHED_PATTERNS)
def compiled(pattern: str) -> Pattern:
    """`pattern`, ready to search with.

    Raises:
        RegexError: it is no pattern of Rust's dialect, or too large, or the engine is not installed.
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise RegexError(f"longer than {MAX_PATTERN_LENGTH} characters")
    try:
        import rurex  # noqa: PLC0415  (an extra, wanted only where rules say matches)
    except ImportError:
        reason = "matches() needs the regex engine: pip install 'tlspolicy[regex]'"
        raise RegexError(reason) from None
    try:
        return rurex.compile(pattern)
    except rurex.PatternError as error:
        raise RegexError(error.msg, error.pos) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # What Rust code that fails raises: no Exception, and no name.
            raise
        raise RegexError("this is no regular expression") from None


def search(pattern: str, subject: str) -> tuple[str, ...] | None:
    """The leftmost match of `pattern` in `subject`.

    Returns:
        The whole match, then each group, `''` for a group that took no part; `None` when nothing matches.

    Raises:
        UnusableValueError: `subject` is longer than the engine is given.
    """
    if len(subject) > MAX_SUBJECT_LENGTH:
        raise UnusableValueError(f"matches() was given a text of more than {MAX_SUBJECT_LENGTH} characters")
    match = compiled(pattern).search(subject)
    return (match.group(), *match.groups(default="")) if match else None
