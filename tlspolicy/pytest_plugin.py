"""A pytest plugin that says at the end of a run which rules of a policy never fired in it.

It looks at each `RuleCoverage` that the run has made. Ask for it in a `conftest.py`, by
`pytest_plugins = ["tlspolicy.pytest_plugin"]`, or with `-p tlspolicy.pytest_plugin`. With `--rule-coverage-fail` a run
in which a rule never fired fails. Under pytest-xdist the counts of all its workers are added up.
"""

# It is no entry point: one would be imported by every run of pytest in the environment, also of programs that test no
# rules, and before tools that measure coverage have begun.

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import pytest

from tlspolicy.rule_coverage import Branch, CoveredRule, summary, watchers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tlspolicy.rule_coverage import RuleCoverage

_NAME: Final = "tlspolicy-rule-coverage"
_KEY: Final = "tlspolicy_rule_coverage"
_FAIL: Final = "--rule-coverage-fail"
_NEVER_FIRED: Final = f"a rule never fired, and {_FAIL} demands that all do"
_NOTHING: Final = f"no RuleCoverage was made, and {_FAIL} demands one"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    group = parser.getgroup("tlspolicy")
    group.addoption(_FAIL, action="store_true", help="fail where a rule of a tlspolicy RuleCoverage never fired")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to keep the coverages that are made."""
    kept = _Kept(config)
    config.pluginmanager.register(kept, _NAME)
    watchers.append(kept.keep)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Keep no more."""
    kept: Any = config.pluginmanager.unregister(name=_NAME)
    watchers.remove(kept.keep)


class _Kept:
    """The coverages of a run, those of its workers included."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._made: list[RuleCoverage] = []
        self._of_workers: list[tuple[CoveredRule, ...]] = []

    def keep(self, coverage: RuleCoverage) -> None:
        self._made.append(coverage)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # noqa: ANN401  (of pytest-xdist, which may be absent)
        """Take what a worker of pytest-xdist has counted; one that has crashed has sent nothing."""
        self._of_workers += map(_rules, getattr(node, "workeroutput", {}).get(_KEY, ()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send what was counted to the process that started this one, or judge it."""
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_KEY] = [list(map(asdict, coverage.rules)) for coverage in self._made]
        elif session.exitstatus == pytest.ExitCode.OK and self._is_demanded and not self._is_complete:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what never happened."""
        totals = [] if self._config.getoption("collectonly") else self._totals()
        if not totals and not self._is_demanded:
            return
        terminalreporter.section("rule coverage")
        for rules in totals:
            terminalreporter.line(summary(rules))
            for rule in rules:
                for gap in rule.gaps:
                    terminalreporter.line(f"    {gap}", red=not rule.decided, yellow=bool(rule.decided))
        if self._is_demanded and not self._is_complete:
            terminalreporter.line(_NEVER_FIRED if totals else _NOTHING, red=True)

    @property
    def _is_demanded(self) -> bool:
        """Whether a rule that never fired is a failure: of a run that only collects tests it is none."""
        return bool(self._config.getoption(_FAIL)) and not self._config.getoption("collectonly")

    @property
    def _is_complete(self) -> bool:
        totals = self._totals()
        return bool(totals) and all(rule.decided for rules in totals for rule in rules)

    def _totals(self) -> list[list[CoveredRule]]:
        """The counts of each policy: those of coverages whose rules are the same are added up."""
        totals: dict[object, list[CoveredRule]] = {}
        for rules in (*(coverage.rules for coverage in self._made), *self._of_workers):
            total = totals.setdefault(tuple(rule.identity for rule in rules), [])
            if not total:
                total += map(_blank, rules)
            for rule, counted in zip(total, rules, strict=True):
                rule.add(counted)
        return [*totals.values()]


def _rules(data: Iterable[Mapping[str, Any]]) -> tuple[CoveredRule, ...]:
    """The rules that a worker has sent as plain data."""
    return tuple(
        CoveredRule(**{**rule, "branches": tuple(Branch(**branch) for branch in rule["branches"])}) for rule in data
    )


def _blank(rule: CoveredRule) -> CoveredRule:
    branches = tuple(Branch(branch.text) for branch in rule.branches)
    return CoveredRule(rule.file, rule.key, rule.text, branches=branches)
