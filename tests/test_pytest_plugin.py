"""The plugin's section and exit status, in runs of pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest
from tlspolicy import DeliveryContext, TlsPolicy
from tlspolicy.rule_coverage import RuleCoverage

RULES = [{"if": "retry_num > 1 && last_error == 'tls'", "then": "disable"}, {"else": "require"}]
COVERAGE = RuleCoverage(TlsPolicy(starttls=RULES))

@pytest.mark.parametrize("retry_num", range(4))
def test_else(retry_num):
    COVERAGE.evaluate(DeliveryContext(retry_num=retry_num))

def test_first():
    RuleCoverage(TlsPolicy(starttls=RULES)).evaluate(DeliveryContext(retry_num=2, last_error="tls"))

def test_nothing():
    pass

def test_that_fails():
    assert COVERAGE is None
"""
SUMMARY = "policy: 1 of 2 rules fired, 1 of 2 branches were both true and false"
GAPS = [
    "    starttls[0]: never fired, tried 4 times: if retry_num > 1 && last_error == 'tls' then disable",
    "    starttls[0]: never true: last_error == 'tls'",
]
NONE = "no RuleCoverage was made, and --rule-coverage-fail demands one"
DEMANDED = "a rule never fired, and --rule-coverage-fail demands that all do"


def run(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "pytest", "-p", "tlspolicy.pytest_plugin", "-p", "no:cacheprovider", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.stderr == ""
    return ran.returncode, ran.stdout.splitlines()


def section(lines: list[str]) -> list[str]:
    """What stands under the heading, without the line that pytest ends with."""
    heading = next((index for index, line in enumerate(lines) if " rule coverage " in line), len(lines))
    return [line for line in lines[heading + 1 :] if line and not line.startswith(("=", "FAILED"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test_rules.py").write_text(TESTS)
    (tmp_path / "test_other.py").write_text("def test_nothing():\n    pass\n")
    return tmp_path


RUNS: dict[str, tuple[list[str], int, list[str]]] = {
    "all": (["-k", "else or first"], 0, ["policy: 2 of 2 rules fired, 2 of 2 branches were both true and false"]),
    "one never fired": (["-k", "else"], 0, [SUMMARY, *GAPS]),
    "one never fired, which is demanded": (["-k", "else", "--rule-coverage-fail"], 1, [SUMMARY, *GAPS, DEMANDED]),
    "all, which is demanded": (
        ["-k", "else or first", "--rule-coverage-fail"],
        0,
        ["policy: 2 of 2 rules fired, 2 of 2 branches were both true and false"],
    ),
    "workers": (["-n", "2", "-k", "else"], 0, [SUMMARY, *GAPS]),
    "workers, which is demanded": (["-n", "2", "-k", "else", "--rule-coverage-fail"], 1, [SUMMARY, *GAPS, DEMANDED]),
    "workers, all": (
        ["-n", "2", "-k", "else or first", "--rule-coverage-fail"],
        0,
        ["policy: 2 of 2 rules fired, 2 of 2 branches were both true and false"],
    ),
    "without xdist": (["-p", "no:xdist", "-k", "else"], 0, [SUMMARY, *GAPS]),
    "none is made": (["test_other.py"], 0, []),
    "none is made, which is demanded": (["test_other.py", "--rule-coverage-fail"], 1, [NONE]),
    "only collected": (["test_rules.py", "--collect-only", "--rule-coverage-fail"], 0, []),
}


@pytest.mark.parametrize(("arguments", "status", "lines"), RUNS.values(), ids=RUNS)
def test_runs(folder: Path, arguments: list[str], status: int, lines: list[str]) -> None:
    assert section((found := run(folder, *arguments))[1]) == lines
    assert found[0] == status


def test_a_test_that_fails_is_what_is_said(folder: Path) -> None:
    status, lines = run(folder, "--rule-coverage-fail", "-k", "fails")
    assert status == 1
    assert "1 failed" in lines[-1]


def test_it_is_no_entry_point(folder: Path) -> None:
    command = [sys.executable, "-m", "pytest", "--rule-coverage-fail", "-p", "no:cacheprovider"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "unrecognized arguments: --rule-coverage-fail" in ran.stderr


def test_a_conftest_can_ask_for_it(folder: Path) -> None:
    (folder / "conftest.py").write_text('pytest_plugins = ["tlspolicy.pytest_plugin"]\n')
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "else"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert section(ran.stdout.splitlines()) == [SUMMARY, *GAPS]
