"""How compiled rules read the variables of a context."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
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
    str: f"type({{0}}) is not str or not {{0}}.isascii() or len({{0}}) > {MAX_TEXT_LENGTH}",
}


class Reader:
    """Writes the statements that read variables into local ones, each once.

    What the attributes of a class hold is relied upon. The values of a mapping are looked at, all of them before the
    first rule: one that is not of its variable's type, or of which more would have to be known, is unusual.

    Args:
        nodes: the expressions whose variables are read.
        schema: says how.
        translator: is told how each variable is spelt.
    """

    def __init__(self, nodes: Sequence[Node], schema: Schema, translator: Translator) -> None:
        self._schema = schema
        self._translator = translator
        self._pending: dict[str, None] = {}
        once: set[str] = set()
        for node in nodes:
            for name in variables(node, schema):
                (once.discard if name in self._pending else once.add)(name)
                self._pending[name] = None
        if schema.context_class:
            for name in once:
                translator.spell(name, attribute(name, schema))
                del self._pending[name]

    def read(self, *nodes: Node) -> list[str]:
        """Statements that read the variables of these nodes, but for those that were read already."""
        lines = self.read_inside(*nodes)
        for name in self._wanted(nodes):
            self._pending.pop(name, None)
        return lines

    def read_inside(self, *nodes: Node) -> list[str]:
        """As `read`, for a place that is not always reached: what stands behind it can't rely on its statements."""
        pending = dict.fromkeys(name for name in self._wanted(nodes) if name in self._pending)
        return [line for name in pending for line in self._read(name)]

    def _wanted(self, nodes: Sequence[Node]) -> list[str]:
        if not self._schema.context_class:
            return list(self._pending)
        return [name for node in nodes for name in variables(node, self._schema)]

    def _read(self, name: str) -> list[str]:
        local = self._translator.spelling(name)
        if self._schema.context_class:
            return [f"{local} = {attribute(name, self._schema)}"]
        kind = self._schema.variables[name]
        if kind is tuple:
            return []
        unusual = _UNUSUAL[kind].format(local)
        return [f"{local} = context.get({name!r}, '')", f"if {unusual}:", "    raise _Unusual"]


def check(schema: Schema, known: Globals) -> list[str]:
    """Statements that raise unless the context is what the schema reads."""
    wanted = schema.context_class or Mapping
    return [f"if not isinstance(context, {known.name('Context', wanted)}):", "    raise _Unusual"]


def variables(node: Node, schema: Schema) -> list[str]:
    """The variables in `node`, as often as they stand there."""
    return [each.name for each in every(node) if isinstance(each, Name) and each.name in schema.variables]


def attribute(name: str, schema: Schema) -> str:
    """An expression for an attribute of the context; where that is checked, no other object has one of this name."""
    if schema.is_checked:
        return f"context.{CHECKED}{name}"
    plain = name.isidentifier() and not keyword.iskeyword(name)
    return f"context.{name}" if plain else f"getattr(context, {name!r})"
