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

import errno
import os
import re
import ssl
import sys
from dataclasses import FrozenInstanceError
from functools import wraps
from os import fspath
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, NoReturn

from tlspolicy.decision import NOT_VERIFYING, VERIFYING

if TYPE_CHECKING:
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
_SYSTEM_VERIFIES: Final = sys.platform in ("darwin", "win32")
_ENCODING_DER: Final = 2  # of OpenSSL's certificates
_PASSING: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Why a file can't be read now, and perhaps can a moment later."""
_HASHED_NAME: Final = re.compile(r"[0-9a-f]{8}\.[0-9]+")
# Options that a machine's openssl.cnf can set; ssl has no name for them before 3.12, or none at all.
_LEGACY_RENEGOTIATION: Final = 0x0000_0004 | 0x0004_0000  # SSL_OP_LEGACY_SERVER_CONNECT, _ALLOW_UNSAFE_LEGACY_…


class _ReadOnly:
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
    @wraps(getattr(ssl.SSLContext, name))
    def guarded(self: _ReadOnly, *args: Any, **named: Any) -> Any:  # noqa: ANN401  (any method's)
        self._refuse_if_shared(name)
        return getattr(super(_ReadOnly, self), name)(*args, **named)

    return guarded


for _name in dir(ssl.SSLContext):
    if _name.startswith(("set_", "load_")):
        setattr(_ReadOnly, _name, _guarded(_name))


class SharedSSLContext(_ReadOnly, ssl.SSLContext):
    """A context that nothing can change."""


class SSLContexts:
    """The contexts that decisions call for, each built once, when it is first needed. Thread-safe.

    Args:
        cafile: a file of CA certificates in PEM to trust instead of the machine's.
        capath: a folder of such files, named by OpenSSL's hashes.
        cadata: such certificates themselves: PEM as `str`, or DER as `bytes`.
        trust: whose certificates to trust instead: `"certifi"`, Mozilla's as that package has them, or `"truststore"`,
            those that macOS or Windows keeps, verified by the system itself; on other systems the machine's, as by
            default. Each is an extra of the same name. None of the three above goes with it.
        certfile: this sender's own certificate in PEM, with its chain, for hosts that ask for one.
        keyfile: the private key of it, where `certfile` does not hold it.
        password: of the private key, where it is encrypted.
        minimum_version: `ssl.TLSVersion.TLSv1_3` to talk to nobody by TLS 1.2.
        keylog_filename: a file to append the keys of all sessions to, for debugging. Who has it can read them all.

        Where none of the first four is given, the machine's certificates are trusted, as
        `ssl.SSLContext.load_default_certs` finds them.

    All that is trusted is read when a context is built. A context handed out can't be changed: its setters and loaders
    raise `dataclasses.FrozenInstanceError`. One of `truststore` wraps another, its attribute `_ctx`, for which that
    does not hold, and sessions go by the wrapped one; what is asked of a certificate is then what the system asks.
    Since its handshakes wait for one another, each `get` gives a context of its own.

    Raises:
        OSError: a file can't be read, or holds nothing of use.
        ValueError: `cadata` is empty; options that exclude each other; a version that can't be.
        ImportError: the package that `trust` names is not installed.
    """

    __slots__ = ("_contexts", "_lock", "_options", "_roots")

    def __init__(  # noqa: PLR0913  (keyword arguments)
        self,
        cafile: str | os.PathLike[str] | None = None,
        capath: str | os.PathLike[str] | None = None,
        cadata: str | bytes | None = None,
        *,
        trust: Literal["certifi", "truststore"] | None = None,
        certfile: str | os.PathLike[str] | None = None,
        keyfile: str | os.PathLike[str] | None = None,
        password: str | bytes | None = None,
        minimum_version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        keylog_filename: str | os.PathLike[str] | None = None,
    ) -> None:
        own = any(given is not None for given in (cafile, capath, cadata))
        if trust is not None and (own or trust not in ("certifi", "truststore")):
            raise ValueError("trust is 'certifi' or 'truststore', and goes with no cafile, capath or cadata")
        if keyfile is not None and certfile is None:
            raise ValueError("keyfile is the key of a certfile, and there is none")
        if minimum_version not in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            raise ValueError(f"minimum_version is TLSv1_2 or TLSv1_3, not {minimum_version!r}")
        self._options = _Options(
            cafile, capath, cadata, trust, certfile, keyfile, password, minimum_version, keylog_filename
        )
        self._lock = Lock()
        # By what a decision needs; False where it has not been built.
        self._contexts: list[ssl.SSLContext | Literal[False] | None] = [None, False, False]
        self._roots: tuple[ssl.SSLContext, tuple[bytes, ...]] | None = None
        # A mistake in them is better found now than on the first delivery.
        if own or trust:
            self._build(VERIFYING)
        if certfile or keylog_filename:
            self._build(NOT_VERIFYING)

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
        context = self._contexts[decision._needs]  # noqa: SLF001  (once, where a decision is made)
        return self._build(decision._needs) if context is False else context  # noqa: SLF001

    def reload(self) -> None:
        """Build the contexts anew, as when certificates in the files they were built from have changed.

        Sessions go on with the contexts they have. Where something is wrong with the files, the contexts stay as they
        are.

        Raises:
            OSError: as the constructor, and `get`.
            ValueError: as the constructor.
        """
        with self._lock:
            verified, unverified = self._options.context(verify=True), self._options.context(verify=False)
            self._contexts = [None, False if self._options.verified_by_system else verified, unverified]
            self._roots = None

    def trusted_certificates(self) -> tuple[bytes, ...] | None:
        """The certificates that are trusted, in DER; `None` where only the operating system knows them.

        Raises:
            OSError: there are none.
        """
        if self._options.verified_by_system:
            return None
        context = self._contexts[VERIFYING] or self._build(VERIFYING)
        if self._roots is None or self._roots[0] is not context:
            self._roots = context, tuple(context.get_ca_certs(binary_form=True))
        return self._roots[1]

    def _build(self, needs: int) -> ssl.SSLContext:
        with self._lock:
            ready = self._contexts[needs]
            if ready:
                return ready
            context = self._options.context(verify=needs == VERIFYING)
            if needs != VERIFYING or not self._options.verified_by_system:
                self._contexts[needs] = context
            return context


class _Options(NamedTuple):
    """The arguments of `SSLContexts`."""

    cafile: str | os.PathLike[str] | None
    capath: str | os.PathLike[str] | None
    cadata: str | bytes | None
    trust: str | None
    certfile: str | os.PathLike[str] | None
    keyfile: str | os.PathLike[str] | None
    password: str | bytes | None
    minimum_version: ssl.TLSVersion
    keylog_filename: str | os.PathLike[str] | None

    @property
    def verified_by_system(self) -> bool:
        """Whether certificates are verified by the operating system, and not by OpenSSL."""
        return self.trust == "truststore" and _SYSTEM_VERIFIES

    def context(self, *, verify: bool) -> ssl.SSLContext:
        """A context that nothing can change any more."""
        context = _new_context(by_system=verify and self.verified_by_system)
        _restrict(context, self.minimum_version)
        if verify:
            self._trust(context)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certfile is not None:
            _readable(self.certfile)
            if self.keyfile is not None:
                _readable(self.keyfile)
            context.load_cert_chain(self.certfile, self.keyfile, self.password or _refuse_to_ask)
        if self.keylog_filename is not None:
            context.keylog_filename = fspath(self.keylog_filename)
        context._shared = True  # type: ignore[attr-defined]  # noqa: SLF001  (the last attribute that is set)
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        """Load the certificates to trust; nothing to trust is an error.

        Without any, every host would fail of TLS, and rules would then relax for all of them.
        """
        match self.trust:
            case "truststore" if self.verified_by_system:
                pass  # The system finds them when it verifies.
            case "certifi":
                import certifi  # noqa: PLC0415  (an extra)

                context.load_verify_locations(certifi.where())
            case _ if self.cafile is None and self.capath is None and self.cadata is None:
                _trust_machine(context)
                if not context.cert_store_stats()["x509"]:
                    raise OSError("this machine has no trusted certificates: name some (cafile, capath or cadata)")
            case _:
                if self.cafile is not None:
                    _readable(self.cafile)
                    _load_file(context, self.cafile)
                if self.capath is not None and not _load_folder(context, self.capath):
                    lacking = f"there are no certificates in {fspath(self.capath)!r}"
                    raise OSError(f"{lacking} under OpenSSL's hashed names (openssl rehash)")
                if self.cadata is not None:
                    context.load_verify_locations(cadata=self.cadata)


def _trust_machine(context: ssl.SSLContext) -> None:
    """Trust whom `ssl.SSLContext.load_default_certs` would, and read all of it now, as in `_load_folder`."""
    if sys.platform == "win32":  # pragma: no cover
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        return
    default = ssl.get_default_verify_paths()
    if default.cafile:
        _load_file(context, default.cafile)
    folders = os.environ.get(default.openssl_capath_env) or default.openssl_capath
    for folder in filter(os.path.isdir, folders.split(os.pathsep)):
        _load_folder(context, folder)


def _load_file(context: ssl.SSLContext, cafile: str | os.PathLike[str]) -> None:
    try:
        context.load_verify_locations(cafile)
    except ssl.SSLError as error:
        raise OSError(f"there are no certificates in {fspath(cafile)!r}") from error


def _load_folder(context: ssl.SSLContext, capath: str | os.PathLike[str]) -> bool:
    """Read the certificates in a folder that have the names by which OpenSSL looks them up.

    OpenSSL itself would read them one by one during handshakes; where it can't, for want of a file descriptor, say, the
    host would seem to be at fault, and rules relax. What is no certificate is passed over, as OpenSSL does.

    Returns:
        Whether there are any.
    """
    before = context.cert_store_stats()["x509"]
    for file in sorted(Path(capath).iterdir()):
        if _HASHED_NAME.fullmatch(file.name):
            try:
                context.load_verify_locations(file)
            except OSError as error:
                if not isinstance(error, ssl.SSLError) and error.errno in _PASSING:
                    raise
    return context.cert_store_stats()["x509"] > before


def _new_context(*, by_system: bool) -> ssl.SSLContext:
    if not by_system:
        return SharedSSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import truststore  # noqa: PLC0415  (an extra)

    class SharedTruststoreContext(_ReadOnly, truststore.SSLContext):
        """The same, of truststore."""

    context: ssl.SSLContext = SharedTruststoreContext(ssl.PROTOCOL_TLS_CLIENT)
    return context


def _restrict(context: ssl.SSLContext, minimum_version: ssl.TLSVersion) -> None:
    """Allow what rustls allows."""
    context.minimum_version = minimum_version
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options &= ~(ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3 | _LEGACY_RENEGOTIATION)
    context.set_ciphers(":".join((*CIPHERS, _SECURITY_LEVEL)))
    context.hostname_checks_common_name = False
    if hasattr(context, "set_groups"):  # pragma: no cover (Python 3.15)
        _set_groups(context)
    foreign = {cipher["name"] for cipher in context.get_ciphers()}.difference(CIPHERS, CIPHERS_1_3)
    if foreign:
        raise OSError(f"this machine's OpenSSL is configured to offer {', '.join(sorted(foreign))}")


def _set_groups(context: Any) -> None:  # noqa: ANN401  (an SSLContext of Python 3.15)
    """Allow rustls' groups for the key exchange, with the one against quantum computers where OpenSSL knows it."""
    try:
        context.set_groups(f"X25519MLKEM768:{_GROUPS}")
    except ssl.SSLError:  # before OpenSSL 3.5
        context.set_groups(_GROUPS)


def sent_certificates(secured: ssl.SSLSocket | ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that a host has sent, in DER, its own first, verified or not."""
    own = secured.getpeercert(binary_form=True)
    assert own, "every server has one: there are no anonymous suites"  # noqa: S101  (the type checker)
    if sys.version_info >= (3, 13):  # pragma: no cover (no test runs on two Pythons)
        return tuple(secured.get_unverified_chain()) or (own,)
    # Python 3.11 and 3.12 have it as well, without a public name.
    sent = secured._sslobj.get_unverified_chain() or ()  # type: ignore[union-attr]  # noqa: SLF001
    return tuple(certificate.public_bytes(_ENCODING_DER) for certificate in sent) or (own,)


def _readable(file: str | os.PathLike[str]) -> None:
    Path(file).open("rb").close()  # Its error names the file, which that of ssl does not.


def _refuse_to_ask() -> NoReturn:
    """Where OpenSSL would ask for a password on the terminal."""
    raise ValueError("the private key is encrypted, and no password is given")
