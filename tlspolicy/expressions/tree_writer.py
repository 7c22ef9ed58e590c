"""A decision tree as statements of Python."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tlspolicy.expressions.bounds import Bounds
from tlspolicy.expressions.program import Program, indented
from tlspolicy.expressions.reader import attribute, variables
from tlspolicy.expressions.translator import Translator
from tlspolicy.expressions.tree import Fork, Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tlspolicy.expressions.nodes import Node
    from tlspolicy.expressions.schema import Schema


class TreeWriter:
    """Writes the statements of a tree, all of whose conditions are quick. Its contexts have been checked.

    Args:
        schema: says how variables are read.
        program: what they are a part of.
        result: makes an expression for the result of a leaf.
    """

    def __init__(self, schema: Schema, program: Program, result: Callable[[Sequence[int]], str]) -> None:
        self._schema = schema
        self._known = program.known
        self._result = result
        self.bounds = Bounds(trusted=program.trusted)

    def statements(self, tree: Tree) -> list[str]:
        """The statements."""
        translator = Translator(self._schema, self._known, self.bounds, captures=False)
        return self._statements(tree, translator, frozenset())

    def _statements(self, tree: Tree, translator: Translator, read: frozenset[str]) -> list[str]:
        if not isinstance(tree, Fork):
            return [f"return {self._result(tree)}"]
        uses = Counter(name for each in _conditions(tree) for name in variables(each, self._schema))
        new = dict.fromkeys(name for name in variables(tree.condition, self._schema) if name not in read)
        again = [name for name in new if uses[name] > 1]
        for name in new:
            translator.spell(name, attribute(name) if uses[name] == 1 else translator.local(name))
        lines = [f"{translator.local(name)} = {attribute(name)}" for name in again]
        lines.append(f"if {translator.test(tree.condition).text}:")
        inside = read | {*again}
        lines += indented(self._statements(tree.true, translator, inside))
        for name in again:
            translator.spell(name, translator.local(name))
        return lines + self._statements(tree.false, translator, inside)


def _conditions(tree: Tree) -> Iterator[Node]:
    if isinstance(tree, Fork):
        yield tree.condition
        yield from _conditions(tree.true)
        yield from _conditions(tree.false)
