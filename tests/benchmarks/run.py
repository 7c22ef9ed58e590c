"""Times the library against hand-written functions and against others, and writes what it found into `results/`.

    pip install -e '.[bench]' && python tests/benchmarks/run.py

It takes some minutes. Every comparison is made in one process, by turns; of ratios the median over several hash seeds is
given. On a machine that does other things as well, ratios are more to be trusted than times.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final

from plot import plot

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results"
HASH_SEEDS: Final = ("0", "1", "2")
PACKAGES: Final = (
    "lark",
    "tomli",
    "rurex",
    "evalidate",
    "datalogic-py",
    "zen-engine",
    "common-expression-language",
    "cel-expr-python",
    "rule-engine",
    "cel-python",
)


def measured(section: str, seed: str = "0") -> Any:
    """What `sections.py` finds in a process of its own."""
    command = [sys.executable, str(HERE / "sections.py"), section]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(f"{section}: {ran.stderr}")
    return json.loads(ran.stdout)


def merged(found: list[Any]) -> Any:
    """The medians of the same tables, which hold numbers."""
    if isinstance(found[0], dict):
        return {key: merged([each[key] for each in found]) for key in found[0]}
    return median(found)


def main() -> None:
    """Measure everything, and write it down."""
    RESULTS.mkdir(exist_ok=True)
    by_hand = merged([measured("by_hand", seed) for seed in HASH_SEEDS])
    peers = merged([measured("peers", seed) for seed in HASH_SEEDS])
    growth = measured("growth")
    others = {name: measured(name) for name in ("length", "threads", "loading", "context", "get", "start")}
    lines = [
        "# Benchmarks",
        "",
        f"{machine()}; {', '.join(versions())}.",
        "",
        f"Times are medians in nanoseconds unless another unit is named; of each comparison all sides ran in one process,"
        f" by turns. The first two tables are medians over the hash seeds {', '.join(HASH_SEEDS)}.",
        "",
        *by_hand_table(by_hand),
        *peers_table(peers),
        *growth_table(growth),
        *other_tables(others),
    ]
    (RESULTS / "benchmarks.md").write_text("\n".join(lines), encoding="utf-8")
    plot(peers, growth, RESULTS / "decision.svg")
    print("\n".join(lines))  # noqa: T201


def machine() -> str:
    """What this ran on."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return f"{platform.python_implementation()} {platform.python_version()}, {len(names)} cores of {processor}"


def versions() -> list[str]:
    """The packages that were measured, or measured with."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def by_hand_table(found: dict[str, dict[str, float]]) -> list[str]:
    """A decision beside the function that somebody would write in its place."""
    rows = [
        f"| {name} | {each['ours']:.0f} | {each['by hand']:.0f} | {each['ours'] / each['by hand']:.2f} |"
        for name, each in found.items()
    ]
    head = [
        "## A decision, and the same written by hand",
        "",
        "| rules | `evaluate` | by hand | ratio |",
        "|---|---|---|---|",
    ]
    return [*head, *rows, ""]


def peers_table(found: dict[str, dict[str, float]]) -> list[str]:
    """A decision beside the same rules in other evaluators."""
    names = sorted(nine := found["nine rules, the last matches"], key=lambda name: nine[name])
    rows = [
        f"| {name} | "
        + " | ".join(
            f"{each[name]:,.0f} ({each[name] / each['tlspolicy']:.1f})" if name in each else "-"
            for each in found.values()
        )
        + " |"
        for name in names
    ]
    head = [
        "## A decision, and the same rules in other evaluators",
        "",
        "In brackets how many times the time of `policy.evaluate`. Python's `eval` is not safe on rules from strangers; the"
        " others are. Each has its variables in the form that it takes fastest, made beforehand; what the others give is"
        " the number of a rule, not yet a decision.",
        "",
        f"| | {' | '.join(found)} |",
        f"|---{'|---' * len(found)}|",
    ]
    return [*head, *rows, ""]


def growth_table(found: dict[str, dict[str, dict[str, float]]]) -> list[str]:
    """What more rules cost."""
    lines = ["## More rules", ""]
    for condition, by_count in found.items():
        lines += [
            f"`{condition}`",
            "",
            "| rules | the last matches | none matches | load, s | load, µs a rule | memory, B a rule |",
            "|---|---|---|---|---|---|",
            *(
                f"| {int(count):,} | {each['last']:.0f} | {each['none']:.0f} | {each['load']:.2f} |"
                f" {each['load'] / int(count) * 1e6:.0f} | {each['memory']:,.0f} |"
                for count, each in by_count.items()
            ),
            "",
        ]
    return lines


def other_tables(found: dict[str, Any]) -> list[str]:
    """The rest: each a short table of a name and a number."""
    titles = {
        "length": "Longer expressions: `retry_num == 0 || retry_num == 1 || …`, the last is true",
        "threads": "Threads: million decisions a second, of all threads together",
        "loading": "Loading 10,000 rules `rcpt_domain == 'dN.example' && retry_num > 0`",
        "context": "Making a `DeliveryContext`",
        "get": "The context for a decision",
        "start": "A cold process, ms",
    }
    lines: list[str] = []
    for name, title in titles.items():
        rows = [
            f"| {key} | {value:,.2f} |" if value < 100 else f"| {key} | {value:,.0f} |"
            for key, value in found[name].items()
        ]
        lines += [f"## {title}", "", "| | |", "|---|---|", *rows, ""]
    return lines


if __name__ == "__main__":
    main()
