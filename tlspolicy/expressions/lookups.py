"""Runs of rules as look-ups: their statements, and the tables that these look in."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tlspolicy.expressions.bounds import Bounds
from tlspolicy.expressions.dispatch import Key, Lookup, keyed
from tlspolicy.expressions.nodes import Name, Node
from tlspolicy.expressions.reader import Reader
from tlspolicy.expressions.translator import Translator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlspolicy.expressions.outcomes import OpenRule, Outcomes
    from tlspolicy.expressions.program import Program
    from tlspolicy.expressions.results import Returns

# A look-up takes about as long as three comparisons.
_RULES_A_LOOKUP: Final = 3
_MIN_RULES: Final = 4
_MAX_LOOKUPS: Final = 32


class Entry(NamedTuple):
    """A branch of a rule, which may decide only where one of its keys is found, and the rest of its conditions is true.

    The rest is a single condition, or none. `stored` is what the tables have for the branch's outcome.
    """

    keys: tuple[Key, ...]
    rest: Node | None
    stored: object


class Part(NamedTuple):
    """A rule that is asked in its turn, and no entries; or a run of rules that it begins, and all their entries."""

    rule: OpenRule
    entries: list[Entry]


class _Test(NamedTuple):
    """The statements of a function that tells whether the rest of a branch's conditions is true."""

    statements: list[str]
    bounds: Bounds


_Table: TypeAlias = dict[str | int, list[tuple[int, Entry]]]


class RunWriter:
    """Finds runs of rules that can be looked up, and writes the statements that do.

    Args:
        outcomes: the rule list.
        returns: what the statements give back.
        program: what they are a part of.
        bounds: what the list can do; is added to.
    """

    def __init__(self, outcomes: Outcomes, returns: Returns, program: Program, bounds: Bounds) -> None:
        self._schema = outcomes.schema
        self._returns = returns
        self._program = program
        self._bounds = bounds
        self._tests: dict[Node, _Test | None] = {}

    def parts(self, rules: Sequence[OpenRule]) -> Iterator[Part]:
        """The rules in their order, in runs where these save time."""
        parts = [Part(rule, self._entries(rule) or [] if len(rules) >= _MIN_RULES else []) for rule in rules]
        for has_entries, group in groupby(parts, key=lambda part: bool(part.entries)):
            run = list(group)
            yield from _divided(run) if has_entries else run

    def _entries(self, rule: OpenRule) -> list[Entry] | None:
        """The branches of a rule, each with keys; `None` where one has none, or is to be asked in its turn."""
        entries: list[Entry] = []
        for branch in rule.branches or ():
            found = keyed(branch.conditions, self._schema)
            if found is None or (found.rest and self._test(found.rest) is None):
                return None
            entries.append(Entry(found.keys, found.rest, self._returns.stored(branch.outcome)))
        return entries

    def _test(self, rest: Node) -> _Test | None:
        if rest not in self._tests:
            bounds = Bounds(trusted=self._program.trusted)
            translator = Translator(self._schema, self._program.known, bounds, captures=False)
            reads = Reader([rest], self._schema, translator).read(rest)
            statements = [*reads, f"return {translator.test(rest).text}"]
            self._tests[rest] = None if translator.leaves_nodes else _Test(statements, bounds)
        return self._tests[rest]

    def statements(self, entries: Sequence[Entry], translator: Translator, reader: Reader) -> list[str]:
        """The statements that find the entries for the values of the variables, and try these."""
        tables: dict[Lookup, _Table] = {}
        for position, entry in enumerate(entries):
            for lookup, value in entry.keys:
                tables.setdefault(lookup, {}).setdefault(value, []).append((position, entry))
        reads = reader.read(*(Name(lookup.variable) for lookup in tables))
        parts = {lookup: _part(lookup, translator) for lookup in tables}
        rests = {entry.rest for entry in entries}
        if len(tables) == len(rests) == 1:
            ((lookup, table),), (rest,) = tables.items(), rests
            test = f" and {translator.test(rest).within(1)}" if rest else ""
            name = self._program.known.name("table", {value: found[0][1].stored for value, found in table.items()})
            lines = [
                *(reader.read(rest) if rest else []),
                f"found = {name}.get({parts[lookup]})",
                f"if found is not None{test}:",
                f"    return {self._returns.found('found')}",
            ]
            return [*reads, *lines]
        self._count(tables, rests)
        found = [
            f"{self._program.known.name('table', self._tried(table))}.get({parts[lookup]}, ())"
            for lookup, table in tables.items()
        ]
        candidates = found[0] if len(found) == 1 else f"sorted({' + '.join(found)})"
        return [
            *reads,
            f"for _, test, found in {candidates}:",
            "    if test is None or test(context):",
            f"        return {self._returns.found('found')}",
        ]

    def _count(self, tables: dict[Lookup, _Table], rests: set[Node | None]) -> None:
        """Count the tests of as many entries as can be found at most."""
        most = sum(max(map(len, table.values())) for table in tables.values())
        tests = [self._test(rest) for rest in rests if rest]
        self._bounds.include([test.bounds for test in tests if test], most)

    def _tried(self, table: _Table) -> dict[str | int, tuple[tuple[int, object, object], ...]]:
        """The table with a function for the rest of each entry."""
        return {
            value: tuple([(position, self._function(entry.rest), entry.stored) for position, entry in entries])
            for value, entries in table.items()
        }

    def _function(self, rest: Node | None) -> object:
        test = self._test(rest) if rest else None
        return test and self._program.test(test.statements)


def read_by(entries: Sequence[Entry]) -> list[Node]:
    """The nodes whose variables are read to look entries up."""
    names = dict.fromkeys(key.lookup.variable for entry in entries for key in entry.keys)
    rests = dict.fromkeys(entry.rest for entry in entries if entry.rest)
    return [*(Name(name) for name in names), *rests]


def _part(lookup: Lookup, translator: Translator) -> str:
    variable = translator.spelling(lookup.variable)
    if not lookup.part:
        return variable
    return f"{variable}[:{lookup.part}]" if lookup.part > 0 else f"{variable}[{lookup.part}:]"


def _divided(run: list[Part]) -> Iterator[Part]:
    """A run as one part, or as several, of rules that are looked up in the same way, where that saves time."""
    parts = [run] if _saves_time(run) else [list(part) for _, part in groupby(run, key=_lookups)]
    for part in parts:
        if _saves_time(part):
            yield Part(part[0].rule, [entry for each in part for entry in each.entries])
        else:
            yield from (Part(each.rule, []) for each in part)


def _saves_time(run: list[Part]) -> bool:
    lookups = len(frozenset[Lookup]().union(*map(_lookups, run)))
    return len(run) >= max(_MIN_RULES, _RULES_A_LOOKUP * lookups) and lookups <= _MAX_LOOKUPS


def _lookups(part: Part) -> frozenset[Lookup]:
    return frozenset(key.lookup for entry in part.entries for key in entry.keys)
