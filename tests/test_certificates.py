"""What is read of certificates beyond those of the laboratory."""

from __future__ import annotations

import datetime as dt
import ssl

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tlspolicy.certificates import fault, read

NAME = "mx.example"
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)


def der(pem: trustme.Blob) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.bytes().decode())


AUTHORITY = trustme.CA()
ROOTS = (der(AUTHORITY.cert_pem),)


def for_any_server() -> bytes:
    """A certificate that says nothing of what it is for."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = x509.load_der_x509_certificate(ROOTS[0])
    signer = load_pem_private_key(AUTHORITY.private_key_pem.bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    names = x509.SubjectAlternativeName([x509.DNSName(NAME)])
    builder = x509.CertificateBuilder(root.subject, name, key.public_key(), 2, NOW - DAY, NOW + DAY)
    return builder.add_extension(names, critical=False).sign(signer, hashes.SHA256()).public_bytes(Encoding.DER)


def issued(*names: str, authority: trustme.CA = AUTHORITY, days: tuple[int, int] = (-1, 1)) -> list[bytes]:
    """A certificate, and those that lead to its authority."""
    certificate = authority.issue_cert(*names, not_before=NOW + days[0] * DAY, not_after=NOW + days[1] * DAY)
    return [der(pem) for pem in certificate.cert_chain_pems]


def self_signed(*extensions: x509.ExtensionType, ed: bool = False) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate() if ed else ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW - DAY, NOW + DAY)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, None if ed else hashes.SHA256()).public_bytes(Encoding.DER)


OLD = trustme.CA()
FAULTS: dict[str, tuple[list[bytes], str, str | None]] = {
    "good": (issued(NAME), NAME, None),
    "for-any-server": ([for_any_server()], NAME, None),
    "one-of-many": (issued("a.example", "127.0.0.1", NAME), NAME, None),
    "other-case": (issued(NAME), "MX.Example", None),
    "wildcard": (issued("*.hosts.example"), "mx.hosts.example", None),
    "address": (issued("192.0.2.1"), "192.0.2.1", None),
    "address-6": (issued("2001:db8::1"), "2001:db8::1", None),
    "intermediate": (issued(NAME, authority=AUTHORITY.create_child_ca()), NAME, None),
    "expired": (issued(NAME, days=(-2, -1)), NAME, "certificate-expired"),
    "not-yet": (issued(NAME, days=(1, 2)), NAME, "certificate-not-yet-valid"),
    "other-name": (issued("other.example"), NAME, "certificate-host-mismatch"),
    "other-address": (issued("192.0.2.1"), "192.0.2.2", "certificate-host-mismatch"),
    "wildcard-of-others": (issued("*.hosts.example"), NAME, "certificate-host-mismatch"),
    "other-ca": (issued(NAME, authority=OLD), NAME, "certificate-not-trusted"),
    "no-chain": (issued(NAME, authority=AUTHORITY.create_child_ca())[:1], NAME, "certificate-not-trusted"),
    "self-signed": ([self_signed(x509.SubjectAlternativeName([x509.DNSName(NAME)]))], NAME, "certificate-self-signed"),
    "self-signed-ed25519": ([self_signed(ed=True)], NAME, "certificate-self-signed"),
    # OpenSSL, too, first asks whose it is.
    "expired-of-other-ca": (issued(NAME, authority=OLD, days=(-2, -1)), NAME, "certificate-not-trusted"),
    "expired-of-other-name": (issued("other.example", days=(-2, -1)), NAME, "certificate-host-mismatch"),
    "nonsense": ([b"nonsense"], NAME, "certificate-invalid"),
    "nonsense-behind": ([*issued(NAME), b"nonsense"], NAME, "certificate-invalid"),
    "no-host": (issued(NAME), "mx_.example", "certificate-host-mismatch"),
}


@pytest.mark.parametrize(("chain", "name", "expected"), FAULTS.values(), ids=FAULTS)
def test_fault(chain: list[bytes], name: str, expected: str | None) -> None:
    assert fault(chain, ROOTS, name) == expected


@pytest.mark.parametrize("roots", [(), (b"nonsense",)])
def test_who_trusts_nobody(roots: tuple[bytes, ...]) -> None:
    assert fault(issued(NAME), roots, NAME) == "certificate-not-trusted"


def test_roots_that_can_not_be_read_are_passed_over() -> None:
    assert fault(issued(NAME), (b"nonsense", *ROOTS), NAME) is None


def test_read() -> None:
    contents = read(issued("a.example", "*.b.example", "192.0.2.1")[0])
    assert contents
    assert contents.names == ("a.example", "*.b.example", "192.0.2.1")
    assert contents.expires == (NOW + DAY).replace(microsecond=0)


def test_read_without_names() -> None:
    contents = read(self_signed())
    assert contents
    assert contents.names == ()


def test_read_nonsense() -> None:
    assert read(b"nonsense") is None
