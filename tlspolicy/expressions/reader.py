"""How compiled rules read the variables of a context."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Final

from tlspolicy.expressions.nodes import Name, Node, every
from tlspolicy.expressions.schema import CHECKED, Schema
from tlspolicy.expressions.values import INT_MAX, INT_MIN, MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlspolicy.expressions.program import Globals
    from tlspolicy.expressions.translator import Translator

_UNUSUAL: Final = {
    int: f"type({{0}}) is not int or not {INT_MIN} <= {{0}} <= {INT_MAX}",
    float: "type({0}) is not float",
    str: f"type({{0}}) is not str or not ({{0}}.isascii() or _is_text({{0}})) or len({{0}}) > {MAX_TEXT_LENGTH}",
}


class Reader:
    """Writes the statements that read variables into local ones, each once.

    A value that was not checked is looked at: one that is not of its variable's type, or not of the language, is
    unusual.

    Args:
        nodes: the expressions whose variables are read.
        schema: says how.
        translator: is told how each variable is spelt.
    """

    def __init__(self, nodes: Sequence[Node], schema: Schema, translator: Translator) -> None:
        self._schema = schema
        self._translator = translator
        uses = Counter(name for node in nodes for name in variables(node, schema))
        once = [name for name, count in uses.items() if count == 1 and schema.is_checked]
        for name in once:
            translator.spell(name, attribute(name))
        self._pending = uses.keys() - once

    def copy(self) -> Reader:
        """Another that has read the same so far, for a place that is not always reached."""
        other = copy(self)
        other._pending = set(self._pending)  # noqa: SLF001
        return other

    def read(self, *nodes: Node) -> list[str]:
        """Statements that read the variables of these nodes, but for those that were read already."""
        names = dict.fromkeys(name for node in nodes for name in variables(node, self._schema))
        return [line for name in names if name in self._pending for line in self._read(name)]

    def _read(self, name: str) -> list[str]:
        self._pending.remove(name)
        local, kind = self._translator.spelling(name), self._schema.variables[name]
        if self._schema.is_checked:
            return [f"{local} = {attribute(name)}"]
        if kind is tuple:  # The evaluator reads it.
            return []
        found = f"getattr(context, {name!r})" if self._schema.context_class else f"context.get({name!r}, '')"
        return [f"{local} = {found}", f"if {_UNUSUAL[kind].format(local)}:", "    raise _Unusual"]


def check(schema: Schema, known: Globals) -> list[str]:
    """Statements that raise unless the context is what the schema reads."""
    wanted = known.name("Context", schema.context_class or Mapping)
    test = f"type(context) is not {wanted}" if schema.is_checked else f"not isinstance(context, {wanted})"
    return [f"if {test}:", "    raise _Unusual"]


def variables(node: Node, schema: Schema) -> list[str]:
    """The variables in `node`, as often as they stand there."""
    return [each.name for each in every(node) if isinstance(each, Name) and each.name in schema.variables]


def attribute(name: str) -> str:
    """An expression for an attribute of a context whose class has checked it; no other object has one of this name."""
    return f"context.{CHECKED.format(name)}"
