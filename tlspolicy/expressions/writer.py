"""One rule list as statements of Python, which try its rules in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.expressions.bounds import Bounds
from tlspolicy.expressions.lookups import Part, RunWriter, read_by
from tlspolicy.expressions.nodes import Capture, Node, every
from tlspolicy.expressions.program import indented
from tlspolicy.expressions.reader import Reader
from tlspolicy.expressions.translator import Translator, UntranslatableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlspolicy.expressions.outcomes import OpenRule, Outcomes
    from tlspolicy.expressions.program import Program
    from tlspolicy.expressions.results import Returns

# Python takes much memory to compile a long function.
_MAX_PARTS: Final = 500
_MAX_CAPTURING: Final = 10_000


class ListWriter:
    """Writes the statements of one list.

    Args:
        outcomes: the list, and the numbers of its constant outcomes.
        returns: what the statements give back.
        program: what they are a part of.
    """

    def __init__(self, outcomes: Outcomes, returns: Returns, program: Program) -> None:
        self._outcomes = outcomes
        self._returns = returns
        self._program = program
        self.bounds = Bounds(trusted=program.trusted)
        self.leaves_nodes = False
        """Whether the statements call the evaluator, with the local variable `scope`."""
        nodes = [outcomes.last.result, *_nodes_of(outcomes.rules)]
        self._captures = any(isinstance(each, Capture) for node in nodes for each in every(node))
        self._begin(nodes)

    def _begin(self, read: Sequence[Node]) -> None:
        """Begin a function that is to read the variables of these nodes."""
        schema = self._outcomes.schema
        self._translator = Translator(schema, self._program.known, self.bounds, captures=self._captures)
        self._reader = Reader(read, schema, self._translator)

    def statements(self) -> list[str]:
        """The statements.

        Raises:
            UntranslatableError: the list must be left to the evaluator.
        """
        rules, last = self._outcomes.rules, self._outcomes.last
        if self._captures and len(rules) > _MAX_CAPTURING:
            raise UntranslatableError
        if self._captures:  # What a rule captures, a later one may read: each is asked in its turn.
            lines = ["groups = ()", *(line for rule in rules for line in self._rule(rule))]
        else:
            runs = RunWriter(self._outcomes, self._returns, self._program, self.bounds)
            lines = self._parts(list(runs.parts(rules)), runs)
        lines += self._result(last.result, last.number, self._reader)
        self.leaves_nodes |= self._translator.leaves_nodes
        return lines

    def _parts(self, parts: list[Part], runs: RunWriter) -> list[str]:
        if len(parts) <= _MAX_PARTS:
            return [line for part in parts for line in self._part(part, runs)]
        starts = range(0, len(parts), _MAX_PARTS)
        calls = [line for start in starts for line in self._function(parts[start : start + _MAX_PARTS], runs)]
        self._begin([self._outcomes.last.result])
        return calls

    def _function(self, parts: list[Part], runs: RunWriter) -> list[str]:
        """A call of a function that tries some of very many rules: a long one takes too much memory to compile."""
        single = [part.rule for part in parts if not part.entries]
        self._begin([*(node for part in parts for node in read_by(part.entries)), *_nodes_of(single)])
        statements = [line for part in parts for line in self._part(part, runs)]
        self.leaves_nodes |= self._translator.leaves_nodes
        name = f"_{self._outcomes.name}_from_{parts[0].rule.number}"
        parameters = "context, scope" if self.leaves_nodes else "context"
        self._program.define(name, parameters, statements)
        return [f"found = {name}({parameters})", "if found is not None:", "    return found"]

    def _part(self, part: Part, runs: RunWriter) -> list[str]:
        if part.entries:
            return runs.statements(part.entries, self._translator, self._reader)
        return self._rule(part.rule)

    def _rule(self, rule: OpenRule) -> list[str]:
        reads = self._reader.read(rule.condition)
        test = f"if {self._translator.test(rule.condition).text}:  # {self._outcomes.name}[{rule.number}]"
        return [*reads, test, *indented(self._result(rule.result, rule.number, self._reader.copy()))]

    def _result(self, result: Node, rule: int | None, reader: Reader) -> list[str]:
        number = self._outcomes.number(result, rule)
        if number is not None:
            return [f"return {self._returns.constant(number)}"]
        choice = self._outcomes.choice(result)
        if choice:
            condition, then, otherwise = choice
            reads = reader.read(condition)
            test = f"if {self._translator.test(condition).text}:"
            inside = indented(self._result(then, rule, reader.copy()))
            return [*reads, test, *inside, *self._result(otherwise, rule, reader)]
        return [*reader.read(result), f"return {self._returns.made(self._translator.value(result).text, rule)}"]


def _nodes_of(rules: Sequence[OpenRule]) -> list[Node]:
    return [node for rule in rules for node in (rule.condition, rule.result)]
