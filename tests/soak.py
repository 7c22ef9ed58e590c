"""A soak test: deliveries to the laboratory's servers by the thousand, in one process, of which nothing may remain.

    python tests/soak.py [deliveries]

Half of them go to good servers and half to failing ones, under all six decisions; half by smtplib in threads and half
by aiosmtplib in tasks. The servers run in a process of their own, so that what is counted here is the client's.
"""
# ruff: noqa: T201  (a program, which prints)

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import random
import socketserver
import ssl
import subprocess
import sys
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import Any

import lab
from clients import by_smtplib, with_aiosmtplib

from tlspolicy import Level, Phase, Requirement, Session, SSLContexts, TlsDecision, classify

ROUND, THREADS, TASKS = 1_000, 8, 100
PATIENT, SHORT = 120.0, 5.0  # seconds: with hosts that answer, and with those that never do
ONCE, EACH = 2_048, 128  # KiB by which fragments of free memory may add up: ever, and per round

EXPECTED = lab.expected()
GOOD = [name for name, row in EXPECTED.items() if Level.VERIFIED in row["require"]]
HALVES = (GOOD, [name for name in EXPECTED if name not in GOOD])
COSTLY = {name for name, row in EXPECTED.items() if any(kind.endswith("-timeout") for kind in row["require"])}
COSTLY |= {"3des-only", "renegotiates", "huge-ehlo", "huge-220", "endless-line"}


def take_sample() -> tuple[int, ...]:
    """Count what the process holds; descriptors first, which nobody may leave to the garbage collector."""
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # What is free counts for nothing; glibc would keep it.
    contexts = sum(issubclass(type(thing), ssl.SSLContext) for thing in gc.get_objects())
    memory = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
    return descriptors, threading.active_count(), contexts, len(asyncio.all_tasks()), memory // 1024


class Soak:
    """Deliveries: `outcomes` and `logged` count what came of them; `wrong` has what should not have come."""

    def __init__(self, authority: str, hosts: dict[str, tuple[str, str, int]]) -> None:
        self.hosts, self.contexts = hosts, SSLContexts(cadata=authority)
        self.pool, self.lock = ThreadPoolExecutor(THREADS), threading.Lock()
        self.outcomes, self.logged, self.wrong = Counter[str](), Counter[str](), list[str]()
        logging.getLogger("tlspolicy").addFilter(self.count)
        warnings.simplefilter("error", ResourceWarning)  # It is raised where nobody can catch it:
        sys.unraisablehook = lambda event: self.wrong.append(repr(event.exc_value))

    def count(self, record: logging.LogRecord) -> bool:
        """Count what the library logs, and keep it from the terminal."""
        with self.lock:
            self.logged[vars(record)["tls_level"]] += 1
        return False

    async def run(self, rounds: int) -> list[tuple[int, ...]]:
        """Deliver so many thousands, with a sample after each."""
        asyncio.get_running_loop().set_exception_handler(lambda _, event: self.wrong.append(repr(event)))
        chance, samples = random.Random(1), []  # noqa: S311  (no secret)
        print("deliveries  descriptors  threads  contexts  tasks  memory (KiB)")
        for number in range(1, rounds + 1):
            await self.deliver_all(_plan(chance))
            self.contexts.reload()  # The old ones are to be gone.
            await asyncio.sleep(0.5)
            samples.append(take_sample())
            print("{:>10}{:>13}{:>9}{:>10}{:>7}{:>14}".format(number * ROUND, *samples[-1]), flush=True)
        return samples

    async def deliver_all(self, plan: list[tuple[str, str]]) -> None:
        """Deliver, and compare what comes of it with what is to be expected."""
        run, room = asyncio.get_running_loop().run_in_executor, asyncio.Semaphore(TASKS)
        threads = [run(self.pool, partial(by_smtplib, **self.arguments(*delivery))) for delivery in plan[::2]]
        tasks = [_by_aiosmtplib(room, self.arguments(*delivery)) for delivery in plan[1::2]]
        came = map(_outcome, await asyncio.gather(*threads, *tasks, return_exceptions=True))
        for (name, cell), outcome in zip(plan[::2] + plan[1::2], came, strict=True):
            self.outcomes[outcome] += 1
            if outcome not in EXPECTED[name][cell]:
                self.wrong.append(f"{name}, {cell}: {outcome}")

    def arguments(self, name: str, cell: str) -> dict[str, Any]:
        """What a client is to do with a host by a cell of its row in `lab.toml`, and how long it waits."""
        mx, address, port = self.hosts[name]
        level, _, any_certificate = cell.partition("-")
        decision = TlsDecision(Requirement[level.upper()], bool(any_certificate), tls_timeout=_seconds(name, "require"))
        host = {"address": address, "port": port, "mx": mx}
        return {**host, "decision": decision, "contexts": self.contexts, "timeout": _seconds(name, "disable")}


def _seconds(name: str, cell: str) -> float:
    return SHORT if any(kind.endswith("-timeout") for kind in EXPECTED[name][cell]) else PATIENT


def _plan(chance: random.Random) -> list[tuple[str, str]]:
    halves = (chance.choices(names, [0.1 if name in COSTLY else 1 for name in names], k=ROUND // 2) for names in HALVES)
    plan = [(name, chance.choice(list(EXPECTED[name]))) for half in halves for name in half]
    chance.shuffle(plan)
    return plan


async def _by_aiosmtplib(room: asyncio.Semaphore, arguments: dict[str, Any]) -> Session:
    async with room:
        return await with_aiosmtplib(**arguments)


def _outcome(came: Session | BaseException) -> str:
    if isinstance(came, Session):
        return came.level
    return classify(came, Phase.CONNECT).kind if isinstance(came, OSError | EOFError) else repr(came)


def serve() -> int:
    """Run all hosts until the standard input ends; say where they are, and then how messages came."""
    socketserver.TCPServer.request_queue_size = THREADS + TASKS
    with TemporaryDirectory() as folder, ExitStack() as stack:
        laboratory = lab.Laboratory(Path(folder))
        hosts = {name: stack.enter_context(laboratory.host(name)) for name in lab.HOSTS}
        places = {name: (host.mx, host.address, host.port) for name, host in hosts.items()}
        print(json.dumps({"authority": laboratory.authority, "hosts": places}), flush=True)
        sys.stdin.read()
    print(json.dumps([version for host in hosts.values() for version in host.messages]))
    return 0


def verdict(soak: Soak, samples: list[tuple[int, ...]], taken: list[str | None]) -> bool:
    """Print what has been found, and say whether all is well."""
    *held, memory = zip(*samples, strict=True)
    slope = linear_regression(range(len(memory)), memory).slope
    print(*(f"{count:>7}  {outcome}" for outcome, count in soak.outcomes.most_common()), *soak.wrong[:20], sep="\n")
    print(f"memory since the first {ROUND:,}: {memory[-1] - memory[0]:+} KiB, {slope:+.1f} KiB per {ROUND:,}")
    verified, unverified, clear = (soak.outcomes[level] for level in Level)
    checks = {
        "all outcomes are expected, and nothing went wrong unheard": not soak.wrong,
        "all sessions with less are logged": [soak.logged[level] for level in Level] == [0, unverified, clear],
        "messages came as was said": (len(taken), taken.count(None)) == (verified + unverified + clear, clear),
        "nothing is left": all(max(column) == column[0] for column in held),
        "memory does not grow, beyond fragments": memory[-1] - memory[0] < ONCE + EACH * len(memory),
    }
    print(*(f"{'yes' if holds else 'NO':>7}  {check}" for check, holds in checks.items()), sep="\n")
    return all(checks.values())


def main() -> int:
    """Run the program; 0 if all is well."""
    rounds = max(2, int((sys.argv[1:] or ["10000"])[0]) // ROUND)
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdout
        soak = Soak(**json.loads(servers.stdout.readline()))
        samples = asyncio.run(soak.run(rounds))
        taken = json.loads(servers.communicate()[0])
    return 0 if verdict(soak, samples, taken) else 1


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["--serve"] else main())
