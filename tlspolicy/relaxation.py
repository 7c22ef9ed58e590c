"""Sessions that go on with less than verified TLS: administrators are to know of each, and why.

Each is a WARNING on the logger `tlspolicy`, with the fields of a `Relaxation` as attributes of the log record
(`tls_mx`, `tls_level`, …), and is given to the callback of those who count them.
"""

from __future__ import annotations

import logging
from collections.abc import Coroutine
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from tlspolicy.errors import PolicyTypeError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy.session import Level

NOT_EXAMINED: Final = "not examined"
NO_FAULT: Final = "no fault found"

_logger = logging.getLogger("tlspolicy")


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A session that goes on unverified or in clear text.

    Args:
        mx: the host.
        level: what protects the session.
        setting: the setting that allowed it: `starttls` or `allow-invalid-certs`.
        rule: the index of the rule of that setting that decided; `None` for the `else`, or where there are no rules.
        certificate: what is wrong with the certificate: a value of `FailureKind`, `no fault found`, or `not examined`
            without the extra `certs`, or where it is not known who is trusted. `None` in clear text.
    """

    mx: str
    level: Level
    setting: str
    rule: int | None
    certificate: str | None = None

    def __str__(self) -> str:
        """`mx1.example.org: unverified TLS, allowed by rule 0 of allow-invalid-certs (certificate: expired)`."""
        decided = f"rule {self.rule} of {self.setting}" if self.rule is not None else self.setting
        certificate = f" (certificate: {self.certificate.removeprefix('certificate-')})" if self.certificate else ""
        return f"{one_line(self.mx)}: {self.level}, allowed by {decided}{certificate}"


def report(relaxation: Relaxation, on_relaxed: Callable[[Relaxation], object] | None) -> None:
    """Call who asked to be called, and may forbid it, and log a relaxation.

    Raises:
        PolicyTypeError: `on_relaxed` is a coroutine function, which could forbid nothing.
    """
    if on_relaxed:
        returned = on_relaxed(relaxation)
        if isinstance(returned, Coroutine):
            returned.close()
            raise PolicyTypeError("on_relaxed must be a plain function: a coroutine function would not be awaited")
    _logger.warning("%s", relaxation, extra={f"tls_{name}": value for name, value in asdict(relaxation).items()})
