"""SSLContexts: a decision → an `ssl.SSLContext`. The only module that builds one.

A context allows what rustls, the TLS library of Stalwart, allows (https://docs.rs/rustls: "Current functionality"), and
no more, whatever the rules say and whatever the machine's OpenSSL is configured to:

- TLS 1.2 and 1.3;
- for TLS 1.2 ECDHE with ECDSA or RSA, and AES-GCM or ChaCha20-Poly1305; no CBC, no finite-field DH, no static RSA;
- no compression, no renegotiation;
- certificates with RSA keys of 2048 bits and more and no SHA-1 or MD5 signatures;
- the host's name in the certificate's subjectAltName (RFC 9525, section 6.3); a common name counts for nothing.

`allow_invalid_certs` drops the last two, since they concern the certificate, and nothing else.

Python before 3.15 can't set the groups of the key exchange, and no Python the signature algorithms: there OpenSSL also
offers what rustls would not (X448, P-521 and, for TLS 1.3, finite-field groups; Ed448, DSA, SHA-224), or whatever the
machine's openssl.cnf says.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import FrozenInstanceError
from functools import wraps
from os import fspath
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NoReturn

from tlspolicy.decision import Requirement

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from tlspolicy.decision import TlsDecision

CIPHERS: Final = (
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
)
"""The suites for TLS 1.2, by OpenSSL's names."""
CIPHERS_1_3: Final = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")
"""The suites for TLS 1.3: OpenSSL's default. Python can't set them before 3.15, but openssl.cnf can."""

_SECURITY_LEVEL: Final = "@SECLEVEL=2"  # RSA of 2048 bits, no SHA-1: not left to the machine's openssl.cnf
_GROUPS: Final = "X25519:secp256r1:secp384r1"
_HASHED_NAME: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# Options that a machine's openssl.cnf can set; ssl has no name for them before 3.12, or none at all.
_LEGACY_RENEGOTIATION: Final = 0x0000_0004 | 0x0004_0000  # SSL_OP_LEGACY_SERVER_CONNECT, _ALLOW_UNSAFE_LEGACY_…


class SharedSSLContext(ssl.SSLContext):
    """A context that many sessions use at once: what would change it raises `dataclasses.FrozenInstanceError`."""

    _shared = False

    def __setattr__(self, name: str, value: object) -> None:
        """Set an attribute while the context is being built."""
        self._refuse_if_shared(name)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> NoReturn:
        """Nothing is ever deleted."""
        raise _frozen(name)

    def _refuse_if_shared(self, name: str) -> None:
        if self._shared:
            raise _frozen(name)


def _frozen(name: str) -> FrozenInstanceError:
    return FrozenInstanceError(f"{name}: this context is shared by all sessions of its kind and can't be changed")


def _guarded(name: str) -> Callable[..., Any]:
    method: Callable[..., Any] = getattr(ssl.SSLContext, name)

    @wraps(method)
    def guarded(self: SharedSSLContext, *args: Any, **named: Any) -> Any:  # noqa: ANN401  (any method's)
        self._refuse_if_shared(name)
        return method(self, *args, **named)

    return guarded


for _name in dir(ssl.SSLContext):
    if _name.startswith(("set_", "load_")):
        setattr(SharedSSLContext, _name, _guarded(_name))


class SSLContexts:
    """The contexts that decisions call for, each built once, when it is first needed. Thread-safe.

    Args:
        cafile: a file of CA certificates in PEM to trust instead of the machine's.
        capath: a folder of such files, named by OpenSSL's hashes.
        cadata: such certificates themselves: PEM as `str`, or DER as `bytes`.

        Where none is given, the machine's are trusted, as `ssl.SSLContext.load_default_certs` finds them.

    Raises:
        OSError: `cafile` or `capath` can't be read or holds no certificate.
        ValueError: `cadata` is empty.
    """

    __slots__ = ("_lock", "_trust", "_unverified", "_verified")

    def __init__(
        self,
        cafile: str | os.PathLike[str] | None = None,
        capath: str | os.PathLike[str] | None = None,
        cadata: str | bytes | None = None,
    ) -> None:
        self._lock = Lock()
        self._trust = (cafile, capath, cadata)
        self._verified: SharedSSLContext | None = None
        self._unverified: SharedSSLContext | None = None
        if self._trust != (None, None, None):
            self._build(verify=True)  # A mistake in them is better found now than on the first delivery.

    def get(self, decision: TlsDecision) -> ssl.SSLContext | None:
        """The context for a decision.

        Returns:
            A context that many sessions share and nobody can change; `None` when the decision is to go without TLS.
            Under `optional` it is the context for a host that offers STARTTLS. Where DANE or MTA-STS is required there
            is always one, and where MTA-STS is, it verifies, whatever else was decided.

        Raises:
            OSError: there are no trusted certificates to verify by, or this machine's OpenSSL can't be held to what a
                context allows.
        """
        if decision.starttls is Requirement.DISABLE and not decision.forbids_clear_text:
            return None
        if decision.verifies:
            return self._verified or self._build(verify=True)
        return self._unverified or self._build(verify=False)

    def _build(self, *, verify: bool) -> SharedSSLContext:
        with self._lock:
            ready = self._verified if verify else self._unverified
            if ready:
                return ready
            context = _strict_context()
            if verify:
                _trust(context, *self._trust)
                self._verified = _shared(context)
            else:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                self._unverified = _shared(context)
            return context


def _strict_context() -> SharedSSLContext:
    context = SharedSSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options &= ~(ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3 | _LEGACY_RENEGOTIATION)
    context.set_ciphers(":".join((*CIPHERS, _SECURITY_LEVEL)))
    context.hostname_checks_common_name = False
    if hasattr(context, "set_groups"):  # pragma: no cover (Python 3.15)
        context.set_groups(_GROUPS)
    foreign = {cipher["name"] for cipher in context.get_ciphers()}.difference(CIPHERS, CIPHERS_1_3)
    if foreign:
        raise OSError(f"this machine's OpenSSL is configured to offer {', '.join(sorted(foreign))}")
    return context


def _trust(
    context: ssl.SSLContext,
    cafile: str | os.PathLike[str] | None,
    capath: str | os.PathLike[str] | None,
    cadata: str | bytes | None,
) -> None:
    """Load the certificates to trust; nothing to trust is an error.

    Without any, every host would fail of TLS, and rules would then relax for all of them.
    """
    if cafile is None and capath is None and cadata is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        default = ssl.get_default_verify_paths().capath
        if not context.cert_store_stats()["x509"] and not (default and _has_certificates(default)):
            raise OSError("this machine has no trusted certificates: name some (cafile, capath or cadata)")
        return
    if cafile is not None:
        Path(cafile).open("rb").close()  # Its error names the file, which that of ssl does not.
    if capath is not None and not _has_certificates(capath):
        raise OSError(f"there are no certificates in {fspath(capath)!r} under OpenSSL's hashed names (openssl rehash)")
    context.load_verify_locations(cafile, capath, cadata)


def _has_certificates(capath: str | os.PathLike[str]) -> bool:
    """Whether a folder holds certificates under the names by which OpenSSL looks them up."""
    return any(_HASHED_NAME.fullmatch(entry.name) for entry in Path(capath).iterdir())


def _shared(context: SharedSSLContext) -> SharedSSLContext:
    context._shared = True  # noqa: SLF001  (the last attribute that is set)
    return context
