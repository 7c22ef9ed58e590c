"""Debian's own mail servers, postfix and exim, on a port of this machine for as long as a test needs them.

All that they read and write lies in a temporary folder: configuration, queue, log and the one mailbox, which takes
whatever is sent to `MX`.
"""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from loopback import ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import Message

T = TypeVar("T")

MX = "mx.example"
# Both servers give up root's rights for those of an account. Every Debian has this one, so none need be made.
ACCOUNT = "mail"
# Seconds for what takes a tenth of one. A machine that is busy with other things has time too.
PATIENCE = 60

EXIM = Path("/usr/sbin/exim4")
# Where .ci/run unpacks postfix, for no Debian can have both installed; or else where a package installs it.
POSTFIX_ROOTS = (Path(__file__).parents[1] / ".servers" / "postfix", Path("/"))
POSTFIX_MASTER = "usr/lib/postfix/sbin/master"


class MissingServerError(Exception):
    """This machine can't start the server, for want of what the text says."""


@dataclass(frozen=True)
class MailServer:
    """A running server.

    Args:
        port: where it listens, on `ADDRESS`.
        folder: all that it has written.
    """

    port: int
    folder: Path

    def message(self) -> Message:
        """The message in the mailbox, as soon as there is one."""

        def look() -> Message | None:
            files = list((self.folder / "mailbox" / "new").glob("*"))
            return message_from_bytes(files[0].read_bytes()) if files else None

        return _wait_for(look, "no message in the mailbox", self.folder)


@contextmanager
def postfix(pem: bytes | None) -> Iterator[MailServer]:
    """Run postfix.

    Args:
        pem: the private key and the certificates for STARTTLS, or `None` to go without.
    """
    root = next((root for root in POSTFIX_ROOTS if (root / POSTFIX_MASTER).exists()), None)
    if root is None:
        raise MissingServerError("there is no postfix: apt-get install postfix, or unpack it as .ci/run does")
    _need_root("postfix")
    libraries = root / "usr/lib/postfix"
    with _folder(pem) as folder, _reserved_port() as port:
        for queue in ("active", "bounce", "defer", "deferred", "incoming", "mailbox", "pid", "private", "public"):
            (folder / queue).mkdir()
            shutil.chown(folder / queue, ACCOUNT)
        account = folder.stat()
        # Its log comes over standard output; what is wrong with these two files themselves, it tells syslog alone.
        # What it would look up is set or off, so that it asks neither DNS nor a service that is left out below.
        # `setgid_group` is for programs that are not used here, but must be a group other than the account's.
        # `import_environment` lets all its processes find the libraries of a postfix that is only unpacked.
        main = f"""
            compatibility_level = 3.6
            maillog_file = /dev/stdout
            daemon_directory = {libraries}/sbin
            command_directory = {root / "usr/sbin"}
            shlib_directory = {libraries}
            meta_directory = {folder}
            queue_directory = {folder}
            data_directory = {folder}
            mail_owner = {ACCOUNT}
            setgid_group = news
            inet_protocols = ipv4
            smtpd_peername_lookup = no
            myhostname = {MX}
            mydestination =
            local_recipient_maps =
            virtual_mailbox_domains = {MX}
            virtual_mailbox_base = {folder}
            virtual_mailbox_maps = static:mailbox/
            virtual_minimum_uid = {account.st_uid}
            virtual_uid_maps = static:{account.st_uid}
            virtual_gid_maps = static:{account.st_gid}
            import_environment = MAIL_CONFIG LD_LIBRARY_PATH
        """
        if pem:
            main += f"""
            smtpd_tls_security_level = may
            smtpd_tls_chain_files = {folder}/tls.pem
            smtpd_tls_received_header = yes
            """
        # The services that one message needs. None runs in a chroot, where it would lack the files of the system.
        services = f"""
            {ADDRESS}:{port} inet n - n - - smtpd
            tlsmgr unix - - n - 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            virtual unix - n n - - virtual
            postlog unix-dgram n - n - 1 postlogd
        """
        _write(folder / "main.cf", main)
        _write(folder / "master.cf", services)
        # -s: it keeps its standard output, for the log.
        command = [str(root / POSTFIX_MASTER), "-c", str(folder), "-s"]
        with _running(command, folder, port, {"LD_LIBRARY_PATH": str(libraries)}) as server:
            yield server


@contextmanager
def exim(pem: bytes | None) -> Iterator[MailServer]:
    """Run exim.

    Args:
        pem: the private key and the certificates for STARTTLS, or `None` to go without.
    """
    if not EXIM.exists():
        raise MissingServerError("there is no exim: apt-get install exim4-daemon-light")
    _need_root("exim")
    with _folder(pem) as folder, _reserved_port() as port:
        # A process that delivers can't become root again: exim does not trust a configuration elsewhere than its own.
        _write(
            folder / "exim.conf",
            f"""
            exim_user = {ACCOUNT}
            deliver_drop_privilege
            primary_hostname = {MX}
            disable_ipv6
            spool_directory = {folder}
            log_file_path = {folder}/%slog
            tls_advertise_hosts = {"*" if pem else ""}
            tls_certificate = {folder}/tls.pem
            acl_smtp_rcpt = accept
            begin routers
            all:
              driver = accept
              transport = mailbox
            begin transports
            mailbox:
              driver = appendfile
              directory = {folder}/mailbox
              maildir_format
            """,
        )
        # -bdf: it stays in the foreground.
        command = [str(EXIM), "-C", f"{folder}/exim.conf", "-bdf", "-oX", f"{ADDRESS}.{port}"]
        with _running(command, folder, port, {}) as server:
            yield server


def _need_root(server: str) -> None:
    if os.geteuid() != 0:
        raise MissingServerError(f"{server} is to be started by root alone: run the tests as root")


@contextmanager
def _folder(pem: bytes | None) -> Iterator[Path]:
    """A folder for all that a server has, with its key and certificates; not pytest's, which only root may enter."""
    with TemporaryDirectory(prefix="tlspolicy-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.chown(folder, ACCOUNT, ACCOUNT)
        if pem:
            (folder / "tls.pem").write_bytes(pem)
        yield folder


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that the kernel gives to nobody else.

    It is bound to a socket that never listens. The kernel then passes it over when it chooses a port for anyone, but
    lets a server have it that asks for it by number and with SO_REUSEADDR, as mail servers do.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((ADDRESS, 0))
        yield holder.getsockname()[1]


def _write(file: Path, lines: str) -> None:
    """Write a configuration; to postfix an indented line would be the rest of the one before.

    It is made to look old: a file of this second is taken by postfix for one that is being written, and waited for.
    """
    file.write_text("".join(f"{line.strip()}\n" for line in lines.splitlines()), encoding="utf-8")
    os.utime(file, (0, 0))


@contextmanager
def _running(command: list[str], folder: Path, port: int, environment: dict[str, str]) -> Iterator[MailServer]:
    """Start a server in the foreground, wait until it takes connections, and stop all its processes at the end."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # which makes a process group of it and all that it starts
        )

    def look() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} has ended with {process.returncode}:\n{_log(folder)}")
        return _greets(port)

    try:
        _wait_for(look, f"no greeting from {command[0]}", folder)
        yield MailServer(port, folder)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # There is nothing that they would have to save.
        process.wait()


def _greets(port: int) -> bool:
    """Whether a server answers there with 220; otherwise smtplib raises."""
    try:
        with smtplib.SMTP(ADDRESS, port, local_hostname="sender.example", timeout=PATIENCE):
            return True
    except OSError:
        return False


def _wait_for(look: Callable[[], T | None], failure: str, folder: Path) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise TimeoutError(f"{failure} within {PATIENCE} seconds:\n{_log(folder)}")


def _log(folder: Path) -> str:
    """What the server has printed and logged so far."""
    return "".join(file.read_text(encoding="utf-8", errors="replace") for file in sorted(folder.glob("*log")))
