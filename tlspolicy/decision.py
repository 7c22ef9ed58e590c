"""What a policy decides: how much TLS one attempt must have."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from tlspolicy.errors import Place, PolicyTypeError, PolicyValueError

MAX_TIMEOUT: Final = 86_400.0
"""The longest time-out, in seconds: a day."""


class Requirement(Enum):
    """How much of a protection an attempt must have; the values are those of the rule language's constants."""

    DISABLE = 0
    REQUIRE = 1
    OPTIONAL = 2

    def __str__(self) -> str:
        """The name that rules use: `disable`, `require`, `optional`."""
        return self.name.lower()


LEVELS: Final = {
    "require": Requirement.REQUIRE.value,
    "required": Requirement.REQUIRE.value,
    "optional": Requirement.OPTIONAL.value,
    "disable": Requirement.DISABLE.value,
    "disabled": Requirement.DISABLE.value,
    "none": Requirement.DISABLE.value,
}
"""The constants of the rule language that name a `Requirement`, with its value."""


class Matched(NamedTuple):
    """For each setting the index of the rule that decided; `None` for the `else`, or where there are no rules."""

    starttls: int | None = None
    allow_invalid_certs: int | None = None
    dane: int | None = None
    mta_sts: int | None = None
    tls_timeout: int | None = None
    mta_sts_timeout: int | None = None


CLEAR_TEXT: Final = 0
VERIFYING: Final = 1
NOT_VERIFYING: Final = 2


class _Classified:
    """Which context carries a decision out: found once, since a decision is handed out again and again."""

    __slots__ = ("_needs",)
    _needs: int


@dataclass(frozen=True, slots=True)
class TlsDecision(_Classified):
    """What a policy decided for one attempt. The defaults are those of a policy that says nothing.

    Args:
        starttls: `REQUIRE` TLS, use it if the host offers it (`OPTIONAL`), or go without (`DISABLE`).
        allow_invalid_certs: whether to go on with a certificate that does not prove the host's name.
        dane: whether the host must be authenticated by DANE (RFC 7672).
        mta_sts: whether the domain must have an MTA-STS policy that allows the host (RFC 8461).
        tls_timeout: seconds for STARTTLS, the handshake and the EHLO after it together.
        mta_sts_timeout: seconds for fetching the MTA-STS policy.
        matched: which rules decided. Decisions that differ in nothing else are equal.

    Raises:
        PolicyTypeError: a field of another type, such as `"require"` for `Requirement.REQUIRE`.
        PolicyValueError: a time-out that is not above 0, or longer than a day.
    """

    starttls: Requirement = Requirement.REQUIRE
    allow_invalid_certs: bool = False
    dane: Requirement = Requirement.OPTIONAL
    mta_sts: Requirement = Requirement.OPTIONAL
    tls_timeout: float = 180.0
    mta_sts_timeout: float = 600.0
    matched: Matched = field(default=Matched(), compare=False)

    @property
    def verifies(self) -> bool:
        """Whether the certificate must prove the host's name: MTA-STS demands it (RFC 8461, section 4.2)."""
        return not self.allow_invalid_certs or self.mta_sts is Requirement.REQUIRE

    @property
    def forbids_clear_text(self) -> bool:
        """Whether DANE or MTA-STS is required, of which clear text can have neither."""
        return self.dane is Requirement.REQUIRE or self.mta_sts is Requirement.REQUIRE

    def __post_init__(self) -> None:
        """Check every field: who carries a decision out compares it, and a wrong type would be equal to nothing."""
        for name, wanted in _TYPES.items():
            value = getattr(self, name)
            fits = isinstance(value, (int, float) if wanted is float else wanted)
            if not fits or (isinstance(value, bool) and wanted is not bool):
                message = f"must be a {wanted.__name__}, not {value!r:.40}"
                raise PolicyTypeError(message, place=Place(key=f"TlsDecision.{name}"))
        for name in ("tls_timeout", "mta_sts_timeout"):
            if not 0 < getattr(self, name) <= MAX_TIMEOUT:
                message = f"must be above 0 and at most {MAX_TIMEOUT} seconds, not {getattr(self, name)}"
                raise PolicyValueError(message, place=Place(key=f"TlsDecision.{name}"))
        without = self.starttls is Requirement.DISABLE and not self.forbids_clear_text
        needs = CLEAR_TEXT if without else VERIFYING if self.verifies else NOT_VERIFYING
        object.__setattr__(self, "_needs", needs)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the fields, which are checked again."""
        return type(self), tuple(getattr(self, name) for name in _TYPES)


_TYPES: Final[dict[str, type]] = {
    "starttls": Requirement,
    "allow_invalid_certs": bool,
    "dane": Requirement,
    "mta_sts": Requirement,
    "tls_timeout": float,
    "mta_sts_timeout": float,
    "matched": Matched,
}
