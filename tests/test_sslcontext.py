from __future__ import annotations

import errno
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import certifi
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tlspolicy import Requirement, SSLContexts, TlsDecision
from tlspolicy.sslcontext import SharedSSLContext, _set_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopback import Certificates

VERIFY = TlsDecision()
ANY_CERTIFICATE = TlsDecision(allow_invalid_certs=True)
DECISIONS = pytest.mark.parametrize("decision", [VERIFY, ANY_CERTIFICATE], ids=["verify", "any-certificate"])
NAME = "mx.example"
OPENSSL = shutil.which("openssl")


def get(contexts: SSLContexts, decision: TlsDecision = VERIFY) -> ssl.SSLContext:
    context = contexts.get(decision)
    assert context is not None
    return context


class ClientHello(NamedTuple):
    """What a context offers (RFC 8446, section 4.1.2)."""

    suites: list[int]
    compression: list[int]
    extensions: dict[int, bytes]

    def listed(self, extension: int, header: int = 2) -> list[int]:
        """The numbers of 16 bits in an extension, after the header that says how many."""
        return [number for (number,) in struct.iter_unpack(">H", self.extensions[extension][header:])]


def client_hello(context: ssl.SSLContext) -> ClientHello:
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=NAME).do_handshake()
    hello = outgoing.read()[5 + 4 :]  # after the headers of record and handshake
    at = 2 + 32  # after the legacy version and the random
    at += 1 + hello[at]  # after the session id
    length = struct.unpack_from(">H", hello, at)[0]
    suites = [suite for (suite,) in struct.iter_unpack(">H", hello[at + 2 : at + 2 + length])]
    at += 2 + length
    compression = list(hello[at + 1 : at + 1 + hello[at]])
    at += 1 + hello[at] + 2
    extensions = {}
    while at < len(hello):
        kind, length = struct.unpack_from(">HH", hello, at)
        extensions[kind] = hello[at + 4 : at + 4 + length]
        at += 4 + length
    return ClientHello(suites, compression, extensions)


SERVER_NAME, SUPPORTED_GROUPS, SIGNATURE_ALGORITHMS, SUPPORTED_VERSIONS = 0, 10, 13, 43


@DECISIONS
def test_offers_what_rustls_offers(contexts: SSLContexts, decision: TlsDecision) -> None:
    hello = client_hello(get(contexts, decision))
    assert set(hello.listed(SUPPORTED_VERSIONS, header=1)) == {0x0304, 0x0303}
    assert set(hello.suites) - {0x00FF} == {  # 0x00FF signals secure renegotiation (RFC 5746) and is no suite
        0x1301,  # TLS_AES_128_GCM_SHA256
        0x1302,  # TLS_AES_256_GCM_SHA384
        0x1303,  # TLS_CHACHA20_POLY1305_SHA256
        0xC02B,  # TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
        0xC02C,  # TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
        0xC02F,  # TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
        0xC030,  # TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
        0xCCA8,  # TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
        0xCCA9,  # TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    }
    assert hello.compression == [0]
    assert hello.extensions[SERVER_NAME].endswith(NAME.encode())


@DECISIONS
def test_offers_no_signature_of_md5_or_sha1(contexts: SSLContexts, decision: TlsDecision) -> None:
    offered = client_hello(get(contexts, decision)).listed(SIGNATURE_ALGORITHMS)
    assert {number >> 8 for number in offered}.isdisjoint({1, 2})  # HashAlgorithm, RFC 5246, section 7.4.1.4.1


@DECISIONS
@pytest.mark.skipif(not hasattr(ssl.SSLContext, "set_groups"), reason="Python can set groups since 3.15")
def test_offers_the_groups_of_rustls(contexts: SSLContexts, decision: TlsDecision) -> None:
    groups = client_hello(get(contexts, decision)).listed(SUPPORTED_GROUPS)
    assert set(groups) - {0x11EC} == {0x001D, 0x0017, 0x0018}  # X25519MLKEM768; X25519, P-256, P-384


@pytest.mark.parametrize("knows_mlkem", [True, False])
def test_sets_the_groups_that_openssl_knows(*, knows_mlkem: bool) -> None:
    class Context:
        groups = ""

        def set_groups(self, groups: str) -> None:
            if "MLKEM" in groups and not knows_mlkem:
                raise ssl.SSLError("unknown group")
            self.groups = groups

    context = Context()
    _set_groups(context)
    assert context.groups == "X25519MLKEM768:" * knows_mlkem + "X25519:secp256r1:secp384r1"


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str = NAME) -> str | None:
    """Shake hands over a socket pair.

    Returns:
        The version reached.
    """
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(10)

    def serve() -> None:
        try:
            with server.wrap_socket(theirs, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            theirs.close()

    with ThreadPoolExecutor(1) as thread:
        serving = thread.submit(serve)
        try:
            with client.wrap_socket(ours, server_hostname=name) as secured:
                secured.send(b"x")
                return secured.version()
        finally:
            ours.close()
            serving.result()


def only(version: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> Callable[[ssl.SSLContext], None]:
    def restrict(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers(ciphers)

    return restrict


SERVERS: dict[str, tuple[Callable[[ssl.SSLContext], None], str | None]] = {
    "tls-1.3": (only(ssl.TLSVersion.TLSv1_3), "TLSv1.3"),
    "tls-1.2": (only(ssl.TLSVersion.TLSv1_2), "TLSv1.2"),
    "tls-1.1": (only(ssl.TLSVersion.TLSv1_1), None),
    "tls-1.0": (only(ssl.TLSVersion.TLSv1), None),
    "cbc": (only(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384"), None),
    "finite-field-dh": (only(ssl.TLSVersion.TLSv1_2, "DHE-RSA-AES256-GCM-SHA384"), None),
    "static-rsa": (only(ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384"), None),
    "ccm": (only(ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES256-CCM"), None),
}


@DECISIONS
@pytest.mark.parametrize(("restrict", "version"), SERVERS.values(), ids=SERVERS)
def test_shakes_hands_only_with_what_rustls_would(
    decision: TlsDecision,
    restrict: Callable[[ssl.SSLContext], None],
    version: str | None,
) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME, key_type=trustme.KeyType.RSA).configure_cert(server)
    restrict(server)
    client = get(SSLContexts(cadata=authority.cert_pem.bytes().decode()), decision)
    if version:
        assert handshake(client, server) == version
    else:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            handshake(client, server)


def test_another_name_is_refused(certificates: Certificates, contexts: SSLContexts) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(get(contexts), certificates.valid("other.example"))


def test_any_certificate_still_needs_a_handshake_but_no_name(certificates: Certificates, contexts: SSLContexts) -> None:
    assert handshake(get(contexts, ANY_CERTIFICATE), certificates.valid("other.example")) == "TLSv1.3"


def test_a_common_name_is_no_name(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    reference = x509.load_pem_x509_certificate(trustme.CA().cert_pem.bytes())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(reference.not_valid_before_utc)
        .not_valid_after(reference.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    file = tmp_path / "cn.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(get(SSLContexts(cadata=pem.decode())), server)


def test_no_renegotiation(contexts: SSLContexts) -> None:
    assert get(contexts).options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("decision", "built"),
    [
        (TlsDecision(Requirement.DISABLE), False),
        (TlsDecision(Requirement.DISABLE, allow_invalid_certs=True), False),
        (TlsDecision(Requirement.DISABLE, dane=Requirement.REQUIRE), True),
        (TlsDecision(Requirement.DISABLE, mta_sts=Requirement.REQUIRE), True),
        (TlsDecision(Requirement.OPTIONAL), True),
        (TlsDecision(Requirement.REQUIRE), True),
    ],
)
def test_no_context_to_go_without_tls(contexts: SSLContexts, decision: TlsDecision, *, built: bool) -> None:
    assert (contexts.get(decision) is not None) == built


def test_mta_sts_verifies_whatever_else_was_decided(contexts: SSLContexts) -> None:
    decision = TlsDecision(allow_invalid_certs=True, mta_sts=Requirement.REQUIRE)
    assert contexts.get(decision) is contexts.get(VERIFY)


def test_each_context_is_built_once() -> None:
    contexts = SSLContexts()
    start = threading.Barrier(8)

    def get_together(decision: TlsDecision) -> ssl.SSLContext | None:
        start.wait()
        return contexts.get(decision)

    with ThreadPoolExecutor(8) as threads:
        got = list(threads.map(get_together, [VERIFY, ANY_CERTIFICATE] * 4))
    assert len(set(map(id, got[::2]))) == 1
    assert len(set(map(id, got[1::2]))) == 1
    assert got[0] is not got[1]


def test_the_machines_certificates_are_trusted_by_default() -> None:
    machine = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    machine.load_default_certs()
    assert set(get(SSLContexts()).get_ca_certs(binary_form=True)) >= set(machine.get_ca_certs(binary_form=True))


def test_own_certificates_from_a_file(certificates: Certificates, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(certificates.authority, encoding="ascii")
    assert len(get(SSLContexts(cafile=file)).get_ca_certs()) == 1


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_own_certificates_from_a_folder(certificates: Certificates, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text(certificates.authority, encoding="ascii")
    hashed(file)
    assert handshake(get(SSLContexts(capath=tmp_path)), certificates.valid(NAME)) == "TLSv1.3"


def run_with(program: str, **environment: str) -> str:
    """Run a program in a process of its own, whose OpenSSL is configured by `environment`."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", "import ssl\nfrom tlspolicy import *\n" + program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_machine_without_certificates_is_an_error(tmp_path: Path) -> None:
    """And not a host that fails of TLS, for which rules would then relax."""
    program = """
try:
    SSLContexts().get(TlsDecision())
except OSError as error:
    print(error)
"""
    output = run_with(program, SSL_CERT_FILE=str(tmp_path / "missing"), SSL_CERT_DIR=str(tmp_path))
    assert output == "this machine has no trusted certificates: name some (cafile, capath or cadata)\n"


OPENSSL_CONF = """
openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = system
[system]
"""


def test_a_machines_configuration_does_not_weaken_a_context(tmp_path: Path) -> None:
    config = tmp_path / "openssl.cnf"
    config.write_text(
        OPENSSL_CONF
        + "MinProtocol = TLSv1\nMaxProtocol = TLSv1.2\nProtocol = -TLSv1.3,-TLSv1.2\n"
        + "CipherString = ALL:@SECLEVEL=0\nOptions = UnsafeLegacyServerConnect,UnsafeLegacyRenegotiation\n",
        encoding="ascii",
    )
    program = """
context = SSLContexts().get(TlsDecision())
print(context.minimum_version.name, context.maximum_version.name, context.security_level, len(context.get_ciphers()))
print(context.options & (0x0004_0004 | ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3))
"""
    assert run_with(program, OPENSSL_CONF=str(config)) == "TLSv1_2 TLSv1_3 2 9\n0\n"


def test_suites_that_can_not_be_unset_are_an_error(tmp_path: Path) -> None:
    config = tmp_path / "openssl.cnf"
    config.write_text(OPENSSL_CONF + "Ciphersuites = TLS_AES_128_CCM_8_SHA256\n", encoding="ascii")
    program = """
try:
    SSLContexts().get(TlsDecision())
except OSError as error:
    print(error)
"""
    output = run_with(program, OPENSSL_CONF=str(config))
    assert output == "this machine's OpenSSL is configured to offer TLS_AES_128_CCM_8_SHA256\n"


@pytest.mark.parametrize(
    ("trust", "error"),
    [
        ({"cafile": "missing.pem"}, FileNotFoundError),
        ({"cadata": "no certificate"}, ssl.SSLError),
        ({"cafile": __file__}, OSError),
        ({"cafile": ""}, OSError),
        ({"capath": ""}, OSError),
        ({"capath": "missing"}, FileNotFoundError),
        ({"capath": str(Path(__file__).parent)}, OSError),
        ({"cadata": ""}, ValueError),
        ({"cadata": b""}, ValueError),
    ],
    ids=repr,
)
def test_certificates_that_can_not_be_read_are_an_error_at_once(trust: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        SSLContexts(**trust)


SETTERS: dict[str, Callable[[Any], object]] = {
    "verify_mode": lambda context: setattr(context, "verify_mode", ssl.CERT_NONE),
    "check_hostname": lambda context: setattr(context, "check_hostname", False),
    "minimum_version": lambda context: setattr(context, "minimum_version", ssl.TLSVersion.MINIMUM_SUPPORTED),
    "options": lambda context: setattr(context, "options", 0),
    "sni_callback": lambda context: setattr(context, "sni_callback", print),
    "keylog_filename": lambda context: setattr(context, "keylog_filename", "keys"),
    "sslsocket_class": lambda context: setattr(context, "sslsocket_class", object),
    "delete": lambda context: delattr(context, "_shared"),
    "unshare": lambda context: setattr(context, "_shared", False),
    **{
        name: lambda context, name=name: getattr(context, name)("x")  # type: ignore[misc]
        for name in dir(ssl.SSLContext)
        if name.startswith(("set_", "load_"))
    },
}


@DECISIONS
@pytest.mark.parametrize("change", SETTERS.values(), ids=SETTERS)
def test_nothing_changes_a_shared_context(
    contexts: SSLContexts, decision: TlsDecision, change: Callable[[Any], object]
) -> None:
    context = get(contexts, decision)
    assert isinstance(context, SharedSSLContext)
    before = (context.verify_mode, context.check_hostname, context.options, context.get_ciphers())
    with pytest.raises(FrozenInstanceError, match="this context is shared"):
        change(context)
    assert (context.verify_mode, context.check_hostname, context.options, context.get_ciphers()) == before


# --- Options of a sender


@pytest.fixture
def authority_file(certificates: Certificates, tmp_path: Path) -> Path:
    file = tmp_path / "authority.pem"
    file.write_text(certificates.authority, encoding="ascii")
    return file


def test_mozillas_certificates(certificates: Certificates) -> None:
    contexts = SSLContexts(trust="certifi")
    assert len(get(contexts).get_ca_certs()) == Path(certifi.where()).read_text(encoding="utf-8").count("BEGIN CERT")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(get(contexts), certificates.valid(NAME))


def test_the_operating_systems_certificates_where_openssl_verifies(
    certificates: Certificates, authority_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    contexts = SSLContexts(trust="truststore")
    assert contexts.get(VERIFY) is contexts.get(VERIFY)
    assert handshake(get(contexts), certificates.valid(NAME)) == "TLSv1.3"
    assert contexts.trusted_certificates()


@pytest.fixture
def by_system(authority_file: Path, monkeypatch: pytest.MonkeyPatch) -> SSLContexts:
    """What it would be on macOS or Windows; here truststore has OpenSSL verify all the same."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority_file))
    monkeypatch.setattr("tlspolicy.sslcontext._SYSTEM_VERIFIES", True)
    return SSLContexts(trust="truststore")


def test_the_operating_systems_certificates(certificates: Certificates, by_system: SSLContexts) -> None:
    assert handshake(get(by_system), certificates.valid(NAME)) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(get(by_system), certificates.valid("other.example"))
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(get(by_system), certificates.expired(NAME))
    assert set(client_hello(get(by_system)).suites) == set(client_hello(get(SSLContexts(trust="certifi"))).suites)
    assert by_system.trusted_certificates() is None


def test_a_context_of_truststore_is_for_one_session_and_can_not_be_changed(by_system: SSLContexts) -> None:
    context = get(by_system)
    assert context is not get(by_system)
    by_system.reload()
    assert get(by_system) is not get(by_system)
    for change in SETTERS.values():
        with pytest.raises(FrozenInstanceError):
            change(context)


@pytest.fixture
def own_certificate(tmp_path: Path) -> tuple[trustme.CA, Path]:
    authority = trustme.CA()
    file = tmp_path / "own.pem"
    authority.issue_cert("sender.example").private_key_and_cert_chain_pem.write_to_path(file)
    return authority, file


@DECISIONS
def test_a_certificate_of_ones_own(
    decision: TlsDecision, certificates: Certificates, own_certificate: tuple[trustme.CA, Path]
) -> None:
    server = certificates.valid(NAME)
    server.verify_mode = ssl.CERT_REQUIRED
    own_certificate[0].configure_trust(server)
    server.maximum_version = ssl.TLSVersion.TLSv1_2  # In which a refusal is a part of the handshake.
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(get(SSLContexts(cadata=certificates.authority), decision), server)
    contexts = SSLContexts(cadata=certificates.authority, certfile=own_certificate[1])
    assert handshake(get(contexts, decision), server) == "TLSv1.2"


def test_an_encrypted_key_asks_nobody_for_its_password(
    own_certificate: tuple[trustme.CA, Path], tmp_path: Path
) -> None:
    key = load_pem_private_key(own_certificate[1].read_bytes(), None)
    keyfile = tmp_path / "key.pem"
    keyfile.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    with pytest.raises(ValueError, match="the private key is encrypted, and no password is given"):
        SSLContexts(certfile=own_certificate[1], keyfile=keyfile)
    with pytest.raises(ssl.SSLError):
        SSLContexts(certfile=own_certificate[1], keyfile=keyfile, password="wrong")  # noqa: S106
    SSLContexts(certfile=own_certificate[1], keyfile=keyfile, password="secret")  # noqa: S106


@DECISIONS
def test_a_higher_minimum_version(decision: TlsDecision, certificates: Certificates) -> None:
    contexts = SSLContexts(cadata=certificates.authority, minimum_version=ssl.TLSVersion.TLSv1_3)
    assert client_hello(get(contexts, decision)).listed(SUPPORTED_VERSIONS, header=1) == [0x0304]
    server = certificates.valid(NAME)
    assert handshake(get(contexts, decision), server) == "TLSv1.3"
    only(ssl.TLSVersion.TLSv1_2)(server)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(get(contexts, decision), server)


def test_a_file_of_keys(certificates: Certificates, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    contexts = SSLContexts(cadata=certificates.authority, keylog_filename=file)
    handshake(get(contexts), certificates.valid(NAME))
    assert "CLIENT_TRAFFIC_SECRET_0" in file.read_text(encoding="ascii")


def test_no_file_of_keys_by_an_environment_variable_alone(tmp_path: Path) -> None:
    program = "print(SSLContexts().get(TlsDecision()).keylog_filename)"
    assert run_with(program, SSLKEYLOGFILE=str(tmp_path / "keys")) == "None\n"


IMPOSSIBLE: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "trust-and-cafile": ({"trust": "certifi", "cafile": "x"}, ValueError, "goes with no cafile"),
    "trust-in-nobody": ({"trust": "nobody"}, ValueError, "trust is 'certifi' or 'truststore'"),
    "key-alone": ({"keyfile": "x"}, ValueError, "there is none"),
    "tls-1.1": ({"minimum_version": ssl.TLSVersion.TLSv1_1}, ValueError, "minimum_version is TLSv1_2 or TLSv1_3"),
    "any-tls": ({"minimum_version": ssl.TLSVersion.MINIMUM_SUPPORTED}, ValueError, "minimum_version is"),
    "no-certfile": ({"certfile": "missing.pem"}, FileNotFoundError, "missing.pem"),
    "no-keyfile": ({"certfile": __file__, "keyfile": "missing.pem"}, FileNotFoundError, "missing.pem"),
    "no-keys": ({"certfile": __file__}, ssl.SSLError, "PEM"),
    "no-folder-for-keys": ({"keylog_filename": "missing/keys"}, FileNotFoundError, "No such file"),
}


@pytest.mark.parametrize(("options", "error", "message"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_options_that_can_not_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        SSLContexts(**options)


def test_reload(certificates: Certificates, authority_file: Path) -> None:
    other = trustme.CA()
    other.cert_pem.write_to_path(authority_file)
    contexts = SSLContexts(cafile=authority_file)
    before = get(contexts)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(before, certificates.valid(NAME))

    authority_file.write_text(certificates.authority, encoding="ascii")
    assert get(contexts) is before
    contexts.reload()
    assert handshake(get(contexts), certificates.valid(NAME)) == "TLSv1.3"
    assert contexts.trusted_certificates() == (ssl.PEM_cert_to_DER_cert(certificates.authority),)


def test_a_reload_that_fails_changes_nothing(certificates: Certificates, authority_file: Path) -> None:
    contexts = SSLContexts(cafile=authority_file)
    before = get(contexts), get(contexts, ANY_CERTIFICATE), contexts.trusted_certificates()
    authority_file.unlink()
    with pytest.raises(FileNotFoundError):
        contexts.reload()
    assert (get(contexts), get(contexts, ANY_CERTIFICATE), contexts.trusted_certificates()) == before
    assert handshake(get(contexts), certificates.valid(NAME)) == "TLSv1.3"


def hashed(file: Path) -> Path:
    """Give a certificate's file the name by which OpenSSL finds it in a folder."""
    command = [OPENSSL or "", "x509", "-hash", "-noout", "-in", str(file)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return file.rename(file.with_name(f"{name}.0"))


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_who_is_trusted_in_a_folder(certificates: Certificates, authority_file: Path) -> None:
    hashed(authority_file)
    (authority_file.parent / "00000000.0").write_text("a list of revocations, say", encoding="ascii")
    contexts = SSLContexts(capath=authority_file.parent)
    assert contexts.trusted_certificates() == (ssl.PEM_cert_to_DER_cert(certificates.authority),)
    other = trustme.CA().cert_pem.bytes().decode()
    both = SSLContexts(capath=authority_file.parent, cadata=other).trusted_certificates()
    assert set(both or ()) == {ssl.PEM_cert_to_DER_cert(pem) for pem in (certificates.authority, other)}


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_a_folder_is_read_when_a_context_is_built(certificates: Certificates, authority_file: Path) -> None:
    """And not during a handshake, in which the host would be to blame for what this machine can't read."""
    file = hashed(authority_file)
    (file.parent / "11111111.0").symlink_to("nowhere")
    contexts = SSLContexts(capath=file.parent)
    file.unlink()
    assert handshake(get(contexts), certificates.valid(NAME)) == "TLSv1.3"


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_what_is_no_certificate_in_a_folder_is_passed_over(certificates: Certificates, authority_file: Path) -> None:
    folder = hashed(authority_file).parent
    (folder / "00000000.0").mkdir()
    (folder / "00000000.1").touch()
    (folder / "00000000.2").symlink_to("00000000.2")
    contexts = SSLContexts(capath=folder)
    assert handshake(get(contexts), certificates.valid(NAME)) == "TLSv1.3"


def test_a_folder_that_can_not_be_read_now_is_an_error(tmp_path: Path) -> None:
    """And no reason to trust only some of those in it."""
    (tmp_path / "00000000.0").write_text("…", encoding="utf-8")
    program = f"""
import resource
from pathlib import Path
folder = Path({str(tmp_path)!r})
Path.iterdir = lambda self: iter([folder / "00000000.0"])
before = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
try:
    SSLContexts(capath=folder)
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_NOFILE, before)
"""
    assert run_with(program) == f"{errno.EMFILE}\n"


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_the_machines_folders_may_be_several(authority_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    trustme.CA().cert_pem.write_to_path(other / "authority.pem")
    hashed(other / "authority.pem")
    folders = f"{hashed(authority_file).parent}{os.pathsep}{other}"
    program = "print(len(SSLContexts().trusted_certificates()))"
    assert run_with(program, SSL_CERT_FILE=str(tmp_path / "missing"), SSL_CERT_DIR=folders) == "2\n"


def test_a_machines_file_without_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    program = """
try:
    SSLContexts().get(TlsDecision())
except OSError as error:
    print(error)
"""
    named = str(tmp_path / "empty.pem")
    output = run_with(program, SSL_CERT_FILE=named, SSL_CERT_DIR=str(tmp_path))
    assert output == f"there are no certificates in {named!r}\n"


def test_who_is_trusted_by_default() -> None:
    contexts = SSLContexts()
    trusted = contexts.trusted_certificates()
    assert trusted
    assert contexts.trusted_certificates() is trusted


def test_who_is_trusted_by_default_in_a_file(authority_file: Path) -> None:
    program = "print(len(SSLContexts().trusted_certificates()))"
    missing = str(authority_file.parent / "missing")
    assert run_with(program, SSL_CERT_FILE=str(authority_file), SSL_CERT_DIR=missing) == "1\n"


@pytest.mark.skipif(not OPENSSL, reason="the command openssl, which names the files, is not there")
def test_who_is_trusted_by_default_in_a_folder(authority_file: Path) -> None:
    folder = hashed(authority_file).parent
    program = "print(len(SSLContexts().trusted_certificates()))"
    assert run_with(program, SSL_CERT_FILE=str(folder / "missing"), SSL_CERT_DIR=str(folder)) == "1\n"
