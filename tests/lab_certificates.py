"""Certificates with at most one fault each, for the laboratory's servers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import ObjectIdentifier

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Issuer: TypeAlias = tuple[x509.Certificate, rsa.RSAPrivateKey]

P_256 = 256
"""The size of a key on that curve; all others are RSA keys."""
_SHA256_WITH_RSA, _SHA1_WITH_RSA = bytes.fromhex("06092a864886f70d01010b"), bytes.fromhex("06092a864886f70d010105")
"""Object identifiers in DER (RFC 8017, appendix C)."""
_FFDHE_2048 = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
"""The group for finite-field DH that RFC 7919 gives in appendix A.1."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who issues certificates, with an RSA key.

    Args:
        name: its common name.
        issuer: who vouches for it; `None` for a root.
        permitted: the one domain that it may issue for; `None` for all.
    """

    name: str
    issuer: Authority | None = None
    permitted: str | None = None


TRUSTED = Authority("Laboratory Root")
UNKNOWN = Authority("Root That Nobody Knows")
INTERMEDIATE = Authority("Laboratory Intermediate", TRUSTED)
CONSTRAINED = Authority("Intermediate for other.example", TRUSTED, permitted="other.example")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A server's certificate. As it stands, nothing is wrong with it.

    Args:
        names: the host names and addresses of its subjectAltName; none means that there is no such extension.
        issuer: who signs it; `None` means that it does so itself.
        sends_issuer: whether the server sends its issuer's certificate as well.
        days: the first and the last moment of its validity, in days from now.
        bits: `P_256`, or the size of an RSA key.
        sha1: whether its issuer signs a SHA-1 digest of it.
        purpose: its only extendedKeyUsage.
    """

    names: tuple[str, ...] = ("mx.example",)
    issuer: Authority | None = TRUSTED
    sends_issuer: bool = False
    days: tuple[int, int] = (-1, 30)
    bits: int = P_256
    sha1: bool = False
    purpose: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH


class Certificates:
    """Makes each certificate and key once, when it is first needed.

    Args:
        folder: where to put the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now = dt.datetime.now(dt.UTC)
        self._files: dict[Certificate, Path] = {}
        self._authorities: dict[Authority, Issuer] = {}
        self._keys: dict[int, Key] = {}

    @property
    def authority(self) -> str:
        """The certificate of the one root that clients trust, in PEM."""
        return _pem(self._authority(TRUSTED)[0]).decode()

    @cached_property
    def dh_parameters(self) -> Path:
        """A file of the parameters for finite-field DH."""
        file = self._folder / "ffdhe2048.pem"
        file.write_text(_FFDHE_2048)
        return file

    def file(self, certificate: Certificate) -> Path:
        """A PEM file of the key, the certificate, and its issuer's where that is sent."""
        if certificate not in self._files:
            file = self._folder / f"{len(self._files)}.pem"
            file.write_bytes(self._chain(certificate))
            self._files[certificate] = file
        return self._files[certificate]

    def _chain(self, certificate: Certificate) -> bytes:
        key = self._key(certificate.bits)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + _pem(self._leaf(certificate, key))
        if certificate.issuer and certificate.sends_issuer:
            pem += _pem(self._authority(certificate.issuer)[0])
        return pem

    def _leaf(self, certificate: Certificate, key: Key) -> x509.Certificate:
        name = _name(certificate.names[0] if certificate.names else "mx.example")
        issuer = self._authority(certificate.issuer) if certificate.issuer else None
        builder = (
            self._builder(name, key, issuer, certificate.days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True, key_encipherment=certificate.bits != P_256), critical=True)
            .add_extension(x509.ExtendedKeyUsage([certificate.purpose]), critical=False)
        )
        if certificate.names:
            builder = builder.add_extension(_alternative_names(certificate.names), critical=False)
        signed = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
        return _signed_again_with_sha1(signed, issuer[1]) if issuer and certificate.sha1 else signed

    def _authority(self, authority: Authority) -> Issuer:
        if authority not in self._authorities:
            key = _rsa_key(2048)
            issuer = self._authority(authority.issuer) if authority.issuer else None
            builder = (
                self._builder(_name(authority.name), key, issuer, (-30, 60))
                .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
            )
            if authority.permitted:
                only = x509.NameConstraints([x509.DNSName(authority.permitted)], None)
                builder = builder.add_extension(only, critical=True)
            self._authorities[authority] = builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key
        return self._authorities[authority]

    def _builder(
        self, name: x509.Name, key: Key, issuer: Issuer | None, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        """What certificates of servers and of authorities have in common."""
        begin, end = (self._now + dt.timedelta(number) for number in days)
        issuer_key = issuer[1] if issuer else key
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer[0].subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )

    def _key(self, bits: int) -> Key:
        """A key that all servers share whose keys have this size: making one can take a second."""
        if bits not in self._keys:
            self._keys[bits] = ec.generate_private_key(ec.SECP256R1()) if bits == P_256 else _rsa_key(bits)
        return self._keys[bits]


def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _signed_again_with_sha1(certificate: x509.Certificate, issuer: rsa.RSAPrivateKey) -> x509.Certificate:
    """The same certificate, signed as `cryptography` would not sign one any more.

    It ends with the signature, which is as long with either digest, and so are their object identifiers.
    """
    body = certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    signature = issuer.sign(body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  (it is meant to be weak)
    der = certificate.public_bytes(Encoding.DER).replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
    return x509.load_der_x509_certificate(der[: -len(signature)] + signature)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _alternative_names(names: tuple[str, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([_general_name(name) for name in names])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_encipherment=key_encipherment,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
