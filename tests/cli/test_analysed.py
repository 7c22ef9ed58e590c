"""What is found in real policies, from end to end: these tests await the analysis itself."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from tlspolicy.analysis import analyse

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Run

pytestmark = pytest.mark.skipif(analyse.__module__.endswith(".standin"), reason="there is no analysis yet")

DEAD = """\
[queue.outbound.tls]
starttls = [
    { if = "retry_num > 0 && last_error == 'tls'", then = "optional" },
    { if = "retry_num > 1 && last_error == 'tls'", then = "disable" },
    { else = "require" } ]
"""


def test_a_dead_rule_is_an_error(run: Run, folder: Path) -> None:
    (folder / "dead.toml").write_text(DEAD, encoding="utf-8")
    ran = run("check", "dead.toml", "--fail-on", "error")
    assert (ran.status, ran.err) == (1, "")
    assert "dead.toml:4: queue.outbound.tls.starttls[1].if: line 1, column 1: error: " in ran.out
    assert "[dead-rule]\n    retry_num > 1 && last_error == 'tls'\n    ^" in ran.out


def test_a_way_into_clear_text_is_one_that_eval_confirms(run: Run) -> None:
    ran = run("ways", "policy.toml", "clear-text", "--json")
    assert (ran.status, ran.err) == (1, "")
    for way in json.loads(ran.out)["ways"]:
        words = [f"{name}={value}" for name, value in way["context"].items()]
        assert json.loads(run("eval", "policy.toml", "--json", *words).out) == way["decision"]


def test_no_way_into_clear_text_is_proved(run: Run, folder: Path) -> None:
    (folder / "strict.toml").write_text("queue.outbound.tls.starttls = 'require'", encoding="utf-8")
    assert run("ways", "strict.toml", "clear-text") == (0, "never: proved\n", "")


def test_a_difference_is_one_that_eval_confirms(run: Run) -> None:
    ran = run("diff", "policy.toml", "changed.toml")
    assert (ran.status, ran.err) == (1, "")
    witness = ran.out.partition("such as: ")[2].partition("\n")[0]
    old, new = (run("eval", file, *shlex.split(witness)).out for file in ("policy.toml", "changed.toml"))
    assert old.startswith("starttls = disable")
    assert new.startswith("starttls = require")
    assert "    old: starttls = disable\n    new: starttls = require\n" in ran.out


def test_a_policy_equals_itself(run: Run) -> None:
    assert run("diff", "policy.toml", "policy.toml") == (0, "equal: proved for every attempt\n", "")
