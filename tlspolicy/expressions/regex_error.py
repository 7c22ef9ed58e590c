"""What is wrong with a regular expression."""

from __future__ import annotations


class RegexError(Exception):
    """A pattern that can't be used. Internal: the checker turns it into a `PolicySyntaxError`.

    Attributes:
        reason: what is wrong with it, in the engine's words or ours.
        position: index of the character in the pattern, `None` where there is none to point at.
    """

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason, position)
        self.reason = reason
        self.position = position
