"""No module imports upstairs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "tlspolicy"

# From the ground up. A module may import from the floors below it.
FLOORS = [
    ["errors"],
    ["expressions.nodes", "expressions.values", "expressions.complaints"],
    ["expressions.regions"],
    ["expressions.regex_error", "expressions.outline", "expressions.plain"],
    ["expressions.regex_syntax", "expressions.text_functions", "expressions.array_functions"],
    ["expressions.regex", "expressions.address_functions", "expressions.explanation", "expressions.printer"],
    ["expressions.functions"],
    ["expressions.schema", "expressions.parser"],
    ["expressions.scope"],
    ["expressions.checker", "expressions.evaluator", "expressions.trace"],
    ["expressions.bounds", "expressions.conditions", "expressions.program", "expressions.runtime"],
    ["expressions.translator", "expressions.tree", "expressions.dispatch"],
    ["expressions.outcomes", "expressions.reader"],
    ["expressions.results"],
    ["expressions.lookups", "expressions.tree_writer"],
    ["expressions.writer"],
    ["expressions.compiler"],
    ["expressions.expression"],
    ["expressions.rules"],
    ["decision"],
    ["context"],
    ["settings", "layouts", "providers"],
    ["config", "explanation", "positions", "strategies"],
    ["document"],
    ["policy"],
    ["boundaries", "rule_coverage", "sslcontext"],
    ["failures", "session"],
    ["certificates", "relaxation", "replies"],
    ["negotiation"],
    ["smtp", "aiosmtp"],
    ["analysis.findings", "analysis.formulas", "analysis.texts", "analysis.variables"],
    ["analysis.examples", "analysis.questions"],
    ["analysis.meanings", "analysis.reasons", "analysis.strangers"],
    ["analysis.space", "analysis.traps"],
    ["analysis.branches", "analysis.regions", "analysis.witness", "analysis.words"],
    ["analysis.shown", "analysis.views"],
    ["analysis.rules", "analysis.comparison", "analysis.ways"],
    ["analysis.relaxations"],
    ["analysis.analysing"],
    ["testing.literals"],
    ["testing.trees"],
    ["testing.conditions"],
    ["testing.attempts", "testing.rules"],
    ["pytest_plugin"],
    ["__init__"],
    ["cli.terminal", "cli.contents", "cli.picture"],
    ["cli.arguments", "cli.cases", "cli.drawing", "cli.spelling"],
    ["cli.attempts", "cli.survey"],
    ["cli.data", "cli.stream"],
    ["cli.wording"],
    ["cli.reports"],
    ["cli.check", "cli.diff", "cli.eval", "cli.explain", "cli.fmt", "cli.table", "cli.ways"],
    ["cli.main"],
    ["__main__"],
]
FLOOR = {module: number for number, modules in enumerate(FLOORS) for module in modules}
# What only one module may know, or the modules of one package.
ALONE = {
    "lark": "expressions.parser",
    "rurex": "expressions.regex",
    "cryptography": "certificates",
    "certifi": "sslcontext",
    "truststore": "sslcontext",
    "aiosmtplib": "aiosmtp",
    "rich": "cli",
    "hypothesis": "testing",
    "pytest": "pytest_plugin",
}
MODULES = {
    ".".join(file.relative_to(PACKAGE).with_suffix("").parts): file
    for file in PACKAGE.rglob("*.py")
    if file.parent == PACKAGE or file.name != "__init__.py"
}


def imports(file: Path) -> set[str]:
    """The modules that a file imports, those that it takes from a package by name included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    return found


def test_every_module_has_its_floor() -> None:
    assert MODULES.keys() == FLOOR.keys()


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_from_below(module: str) -> None:
    imported = {name.removeprefix("tlspolicy.") for name in imports(MODULES[module]) if name.startswith("tlspolicy.")}
    assert [name for name in imported & FLOOR.keys() if FLOOR[name] >= FLOOR[module]] == []
    if module.startswith("expressions."):
        assert {name for name in imported & FLOOR.keys() if not name.startswith("expressions.")} <= {"errors"}


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_known_to_one_module_or_package(module: str) -> None:
    tops = {name.partition(".")[0] for name in imports(MODULES[module])}
    known = {library for library, keeper in ALONE.items() if module == keeper or module.startswith(f"{keeper}.")}
    assert tops & ALONE.keys() <= known
