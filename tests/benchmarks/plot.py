"""The picture in the README."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt

if TYPE_CHECKING:
    from pathlib import Path

_OURS, _OTHERS, _HAND = "#1b6ca8", "#b8c4cc", "#555555"


def plot(peers: dict[str, dict[str, float]], growth: dict[str, Any], file: Path) -> None:
    """Draw the nine rules beside other evaluators, and what more rules cost, into an SVG file."""
    mpl.rcParams.update(
        {"svg.hashsalt": "tlspolicy", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), width_ratios=(1.35, 1))
    times = peers["nine rules, the last matches"]
    names = sorted(times, key=lambda name: times[name], reverse=True)
    colours = [_OURS if name == "tlspolicy" else _HAND if name == "by hand" else _OTHERS for name in names]
    left.barh(names, [times[name] for name in names], color=colours)
    left.set_xscale("log")
    left.set_xlim(60, max(times.values()) * 4)
    for index, name in enumerate(names):
        left.text(times[name] * 1.1, index, f"{times[name]:,.0f}", va="center")
    left.set_title("one decision by nine rules, the last matches", loc="left")
    left.set_xlabel("nanoseconds, median (logarithmic)")
    for condition, by_count in growth.items():
        if "rcpt_domain" in condition or "ends_with" in condition:
            counts = [int(count) for count in by_count]
            label = condition.replace("{0}", "N").replace(".example", "")
            right.plot(counts, [max(each["last"], each["none"]) for each in by_count.values()], marker="o", label=label)
    right.set_xscale("log")
    right.set_ylim(0, max(right.get_ylim()[1], 0) * 1.45)
    right.set_title("one decision, the worst case", loc="left")
    right.set_xlabel("rules (logarithmic)")
    right.set_ylabel("nanoseconds")
    right.legend(frameon=False, fontsize=8, loc="upper left")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
