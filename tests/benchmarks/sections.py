"""One section of the benchmarks, in a process of its own: prints what it found as JSON."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, make_dataclass
from itertools import repeat
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from peers import peers, prepared
from rules import BY_HAND, FIRST, LAST, NINE, SECOND, SEED, TEN, policy
from timing import decisions, medians

from tlspolicy import DeliveryContext, SSLContexts, TlsPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT: Final = Path(__file__).parents[2]
_CONDITIONS: Final = (
    "rcpt_domain == 'd{0}.example'",
    "rcpt_domain == 'd{0}.example' && retry_num > 0",
    "rcpt_domain == 'd{0}.example' && retry_num > {0}",
    "ends_with(mx, '.d{0}.example')",
    "size == {0}",
    "size > {0} && priority == {0}",
)
_COUNTS: Final = (10, 100, 1_000, 10_000, 100_000)


def by_hand() -> dict[str, dict[str, float]]:
    """Our decision, and the hand-written function's."""
    found = {}
    for name, (rules, function, context) in BY_HAND.items():
        functions: dict[str, Callable[[Any], object]] = {"ours": rules.evaluate, "by hand": function}
        found[name] = decisions(functions, dict.fromkeys(functions, context))
    return found


def others() -> dict[str, dict[str, float]]:
    """Our decision, and those of other evaluators."""
    found = {}
    for title, name, rules, context, expected in (
        ("seed, first attempt", "seed", SEED, FIRST, 2),
        ("seed, second attempt", "seed", SEED, SECOND, 1),
        ("nine rules, the last matches", "nine", policy(NINE), LAST, 8),
        ("ten rules with a regex, the last matches", "ten", policy(TEN), LAST, 9),
    ):
        functions: dict[str, Callable[[Any], object]] = {"tlspolicy": rules.evaluate, **peers(name)}
        functions["by hand"] = BY_HAND[title][1]
        contexts: dict[str, Any] = {"tlspolicy": context, "by hand": context}
        for peer in functions.keys() - contexts.keys():
            contexts[peer] = prepared(peer, name, context)
            given: Any = functions[peer](contexts[peer])
            if int(given) != expected:
                sys.exit(f"{peer} gives {given} for {name}, not {expected}")
        found[title] = decisions(functions, contexts)
    return found


def growth() -> dict[str, dict[str, dict[str, float]]]:
    """Decisions by more and more rules, each list in a process of its own; all against ten rules in that process."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for condition in _CONDITIONS:
        counts = [count for count in _COUNTS if count <= 10_000 or "rcpt_domain" in condition]
        for count in counts:
            command = [sys.executable, __file__, "list", condition, str(count)]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            found.setdefault(condition, {})[str(count)] = json.loads(ran.stdout)
    return found


def one_list(condition: str, count: int) -> dict[str, float]:
    """Load a list of rules, and decide by it."""
    policy(("retry_num > 0",))  # What is made once is none of the list's.
    rules: list[dict[str, str]] = [{"if": condition.format(number), "then": "optional"} for number in range(count)]
    rules.append({"else": "require"})
    gc.collect()
    before, started = _resident(), perf_counter()
    made = TlsPolicy(starttls=rules)
    load = perf_counter() - started
    gc.collect()
    memory = (_resident() - before) / count
    last = count - 1
    matching = DeliveryContext(
        rcpt_domain=f"d{last}.example", mx=f"mx.d{last}.example", retry_num=count, size=count, priority=last
    )
    if "size ==" in condition:
        matching = DeliveryContext(size=last)
    none = DeliveryContext(rcpt_domain="other.example", mx="mx.other.example")
    if made.evaluate(matching).matched.starttls != last or made.evaluate(none).matched.starttls not in (None, 0):
        sys.exit(f"{condition}: not what was expected")
    found = decisions({"last": made.evaluate, "none": made.evaluate}, {"last": matching, "none": none}, 20)
    return {**found, "load": load, "memory": memory}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


def length() -> dict[str, float]:
    """Decisions by longer and longer conditions."""
    found = {}
    for count in (1, 10, 60):
        condition = " || ".join(f"retry_num == {number}" for number in range(count))
        made = policy((condition,))
        context = DeliveryContext(retry_num=count - 1)
        found[f"{count} comparisons"] = decisions({"it": made.evaluate}, {"it": context})["it"]
    return found


def threads() -> dict[str, float]:
    """Decisions in several threads at once."""
    evaluate, calls = policy(NINE).evaluate, 100_000

    def work(_number: int) -> None:
        for _ in repeat(None, calls):
            evaluate(LAST)

    found = {}
    for count in (1, 2, 4):
        with ThreadPoolExecutor(count) as executor:
            times = []
            for _ in range(9):
                started = perf_counter()
                list(executor.map(work, range(count)))
                times.append(perf_counter() - started)
        found[f"{count} threads" if count > 1 else "1 thread"] = count * calls / median(times) / 1e6
    return found


def loading() -> dict[str, float]:
    """Time to load, a rule."""
    times = []
    for turn in range(5):
        conditions = tuple(f"rcpt_domain == 'd{number}.e{turn}.example' && retry_num > 0" for number in range(10_000))
        started = perf_counter()
        policy(conditions)
        times.append((perf_counter() - started) / 10_000 * 1e6)
    return {"µs a rule": median(times)}


def context() -> dict[str, float]:
    """Making a context, and a plain mutable dataclass of the same fields."""
    names = [(field.name, object, "") for field in fields(DeliveryContext)]
    plain = make_dataclass("Plain", names, slots=True, kw_only=True)
    given: dict[str, Any] = {
        "sender": "john@sender.example",
        "rcpt": "jane@example.org",
        "mx": "mx1.example.org",
        "remote_ip": "192.0.2.25",
        "retry_num": 1,
        "last_error": "tls",
        "queue_age": 60,
        "size": 5_000,
        "source": "authenticated",
    }
    many = {**given, "recipients": ("jane@example.org",)}
    del many["remote_ip"]
    found = medians(
        {
            "a plain slotted dataclass, nine of its 20 fields given": _called(plain, given),
            "`DeliveryContext` of the same nine": _called(DeliveryContext, given),
            "with `recipients` in the place of `remote_ip`": _called(DeliveryContext, many),
        }
    )
    first = next(iter(found.values()))
    return {**found, **{f"ratio, {name}": each / first for name, each in list(found.items())[1:]}}


def _called(kind: type, given: dict[str, Any]) -> Callable[[], object]:
    """A function that gives these keywords, as one writes them."""
    written = ", ".join(f"{name}={value!r}" for name, value in given.items())
    function: Callable[[], object] = eval(f"lambda: kind({written})", {"kind": kind})  # noqa: S307  (our own)
    return function


def get() -> dict[str, float]:
    """`evaluate` and `SSLContexts.get`, and a new context for each attempt instead."""
    contexts = SSLContexts()
    take, found = contexts.get, {}
    for name, rules, attempt in (("seed", SEED, FIRST), ("nine rules", policy(NINE), LAST)):
        evaluate = rules.evaluate
        take(evaluate(attempt))

        def both(given: DeliveryContext, evaluate: Callable[[DeliveryContext], Any] = evaluate) -> object:
            return take(evaluate(given))

        def one(given: DeliveryContext, evaluate: Callable[[DeliveryContext], Any] = evaluate) -> object:
            return evaluate(given)

        times = decisions({"one": one, "both": both}, {"one": attempt, "both": attempt})
        found[f"{name}: `evaluate`, called by a function"] = times["one"]
        found[f"{name}: and `contexts.get`"] = times["both"]
        found[f"{name}: ratio"] = times["both"] / times["one"]
    anew = medians({"anew": lambda: SSLContexts().get(SEED.evaluate(FIRST))}, rounds=9)
    return {**found, "a new context for each attempt": anew["anew"]}


def start() -> dict[str, float]:
    """A process that imports, loads the seed's policy and decides, beside one that only imports what that needs."""
    code = (
        "from tlspolicy import TlsPolicy, DeliveryContext; TlsPolicy.load('examples/policy.toml')"
        ".evaluate(DeliveryContext(retry_num=1, last_error='tls'))"
    )
    codes = {
        "`import ssl, dataclasses, tomli, lark`": "import ssl, dataclasses, tomli, lark",
        "import, load, decide": code,
    }
    times: dict[str, list[float]] = {name: [] for name in codes}
    with TemporaryDirectory() as folder:  # As installed: what is imported was compiled before.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(16):
            for name, each in codes.items():
                started = perf_counter()
                subprocess.run([sys.executable, "-c", each], cwd=ROOT, env=environment, check=True)
                times[name].append(perf_counter() - started)
    found = {name: median(each) * 1e3 for name, each in times.items()}
    base, ours = found.values()
    return {**found, "ratio": ours / base}


_SECTIONS: Final[dict[str, Callable[..., object]]] = {
    "by_hand": by_hand,
    "peers": others,
    "growth": growth,
    "length": length,
    "threads": threads,
    "loading": loading,
    "context": context,
    "get": get,
    "start": start,
}

if __name__ == "__main__":
    section, *arguments = sys.argv[1:]
    found: object = one_list(arguments[0], int(arguments[1])) if section == "list" else _SECTIONS[section]()
    print(json.dumps(found))  # noqa: T201
