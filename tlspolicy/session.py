"""What a session has reached, and what it was spared."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Level(StrEnum):
    """What protects a session."""

    VERIFIED = "verified TLS"
    """Encrypted, to a host whose certificate proves its name."""
    UNVERIFIED = "unverified TLS"
    """Encrypted, to a host that may be anybody: its certificate was not examined."""
    CLEAR_TEXT = "clear text"
    """Not encrypted."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a session reached.

    Args:
        level: what protects it.
        version: `TLSv1.2` or `TLSv1.3`; `None` in clear text.
        cipher: OpenSSL's name of the cipher suite; `None` in clear text.
        certificate: the host's certificate, in DER; `None` in clear text.
        names: the names and addresses in its subjectAltName; `None` in clear text, or without the extra `certs`.
        expires: the moment until which it is valid; `None` in the same cases.
        ehlo: the lines of the last reply to EHLO, without codes: the first greets, the others are what the host offers
            (RFC 5321, section 4.1.1.1). Empty where the host knows only HELO.
    """

    level: Level
    version: str | None = None
    cipher: str | None = None
    certificate: bytes | None = field(default=None, repr=False)
    names: tuple[str, ...] | None = None
    expires: datetime | None = None
    ehlo: tuple[str, ...] = field(default=(), repr=False)

    @property
    def verified(self) -> bool:
        """Whether the host's certificate proved its name."""
        return self.level is Level.VERIFIED

    @property
    def fingerprint(self) -> str | None:
        """The SHA-256 digest of the host's certificate, in hexadecimal; `None` in clear text."""
        return hashlib.sha256(self.certificate).hexdigest() if self.certificate else None
