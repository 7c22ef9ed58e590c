"""What a certificate says, and what is wrong with one that was let pass. The only module that knows `cryptography`.

`ssl` tells nothing about a certificate that it did not verify but its bytes. Nothing here decides anything: it is for
logs, and for administrators who want to know what a relaxed rule has let through.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from tlspolicy.failures import FailureKind

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError
except ImportError:  # pragma: no cover (test_wheel.py goes without it)
    AVAILABLE = False
else:
    AVAILABLE = True

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_RSA_BITS = 2048
_ENOUGH_NAMES = 5
_WEAK_HASHES = frozenset({"md5", "sha1"})


class Contents(NamedTuple):
    """What a certificate says: the names and addresses in its subjectAltName, and until when it is valid."""

    names: tuple[str, ...]
    expires: datetime


def read(certificate: bytes) -> Contents | None:
    """Read a certificate, in DER; `None` where it can't be read."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        return Contents(_names(parsed), parsed.not_valid_after_utc)
    except Exception:  # noqa: BLE001  (it has an exception of its own for each way to be malformed)
        return None


def fault(chain: Sequence[bytes], roots: tuple[bytes, ...], name: str) -> FailureKind | None:
    """Find what is wrong with a certificate now, as a verifying session would: `None` where nothing is.

    Args:
        chain: the certificates that a host has sent, in DER, its own first.
        roots: those that are trusted, in DER.
        name: the name of the host, or its address.
    """
    try:
        leaf, *others = map(x509.load_der_x509_certificate, chain)
        return _fault(leaf, others, roots, name, datetime.now(UTC))
    except Exception:  # noqa: BLE001  (as above)
        return FailureKind.CERTIFICATE_INVALID


def _fault(
    leaf: x509.Certificate, others: list[x509.Certificate], roots: tuple[bytes, ...], name: str, now: datetime
) -> FailureKind | None:
    """Look in the order in which OpenSSL does: whose it is, how strong, for whom, and when."""
    when = min(max(now, leaf.not_valid_before_utc), leaf.not_valid_after_utc)
    names = _names(leaf)
    if _is_self_signed(leaf):
        return FailureKind.CERTIFICATE_SELF_SIGNED
    # How a root was signed counts for nothing.
    if any(_is_weak(certificate) for certificate in [leaf, *others] if not _is_self_signed(certificate)):
        return FailureKind.CERTIFICATE_WEAK
    if not _is_for_servers(leaf):
        return FailureKind.CERTIFICATE_INVALID
    own_names = [name.replace("*", "any", 1) for name in names[:_ENOUGH_NAMES]]
    if names and not any(_verifies(leaf, others, _store(roots), own, when) for own in own_names):
        return FailureKind.CERTIFICATE_NOT_TRUSTED
    if not names or not _verifies(leaf, [], Store([leaf]), name, when):
        return FailureKind.CERTIFICATE_HOST_MISMATCH
    if now != when:
        return FailureKind.CERTIFICATE_EXPIRED if now > when else FailureKind.CERTIFICATE_NOT_YET_VALID
    return None


def _verifies(
    leaf: x509.Certificate, others: list[x509.Certificate], store: Store | None, name: str, when: datetime
) -> bool:
    if store is None:
        return False
    # Browsers' rules on extensions go beyond what OpenSSL asks, and are none of mail's.
    issuers = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    hosts = ExtensionPolicy.permit_all().require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    policy = PolicyBuilder().store(store).time(when).extension_policies(ca_policy=issuers, ee_policy=hosts)
    try:
        policy.build_server_verifier(_subject(name)).verify(leaf, others)
    except (VerificationError, ValueError):  # The latter for names that it takes for none, as with an underscore.
        return False
    return True


def _subject(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@lru_cache(maxsize=2)
def _store(roots: tuple[bytes, ...]) -> Store | None:
    """The certificates to trust; those that can't be read are passed over, as OpenSSL does."""
    readable = []
    for root in roots:
        with suppress(ValueError, UnsupportedAlgorithm):
            readable.append(x509.load_der_x509_certificate(root))
    return Store(readable) if readable else None


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def _is_self_signed(certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_for_servers(certificate: x509.Certificate) -> bool:
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return bool({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}.intersection(purposes))


def _is_weak(certificate: x509.Certificate) -> bool:
    """Whether OpenSSL would refuse it at security level 2 (SSL_CTX_set_security_level(3))."""
    key = certificate.public_key()
    algorithm = certificate.signature_hash_algorithm
    return (isinstance(key, rsa.RSAPublicKey) and key.key_size < _MIN_RSA_BITS) or (
        algorithm is not None and algorithm.name in _WEAK_HASHES
    )
