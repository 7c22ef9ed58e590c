"""Rule lists to one Python function: the fast way to the evaluator's answer.

The function is what a programmer would write by hand. One list is tried in its order, and runs of rules on the same
variables become look-ups; several short lists become one decision tree. Of outcomes that are constant the results are
made beforehand. Whatever the function was not made for, from a very long text to an error, it leaves to the evaluator,
which decides or says what is wrong. For two lists it may be:

    def evaluate(context):
        try:
            if context.__last_error__ == 'tls':
                retry_num = context.__retry_num__
                if retry_num > 1:
                    return _result
                if retry_num > 0:
                    return _result1
                return _result2
            return _result2
        except Exception:
            pass
        return _plainly(context)
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlspolicy.expressions.bounds import remaining
from tlspolicy.expressions.outcomes import Outcome, Outcomes, Rules
from tlspolicy.expressions.program import Program, indented
from tlspolicy.expressions.reader import check
from tlspolicy.expressions.results import NumberReturns, OutcomeReturns, Results, Returns
from tlspolicy.expressions.runtime import UnusualError, is_text
from tlspolicy.expressions.schema import LONGEST_CHECKED, Schema
from tlspolicy.expressions.scope import Answers, Scope
from tlspolicy.expressions.translator import UntranslatableError
from tlspolicy.expressions.tree import Branch, Fork, looks_first, tree
from tlspolicy.expressions.tree_writer import TreeWriter
from tlspolicy.expressions.values import MAX_TEXT_LENGTH
from tlspolicy.expressions.writer import ListWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# With less, nearly every text would be left to the evaluator, and that after it was looked at.
_SHORTEST_LIMIT: Final = 64


class Compiled(NamedTuple):
    """A function of a context, and the source that it was compiled from."""

    function: Callable[[Any], Any]
    source: str


def compiled(
    lists: Sequence[Rules],
    schema: Schema,
    finish: Callable[..., object],
    plainly: Callable[..., object],
) -> Compiled:
    """The function that gives `finish(*outcomes)` for the outcomes of the lists in a context.

    Args:
        lists: the rule lists; their expressions have no problems over `schema`.
        schema: what contexts are.
        finish: makes the result of an `Outcome` of each list. For the same outcomes it may give the same object.
        plainly: gives the same by means of the evaluator, or raises what is wrong; called with the context, and with
            the `Answers` that functions which ask the world have given already, where there are such functions.
    """
    outcomes = [Outcomes(rules, schema) for rules in lists]
    found: Compiled | None = None
    with suppress(UntranslatableError, SyntaxError, RecursionError, MemoryError):  # Python has limits of its own.
        if not any(rules.must_be_awaited for rules in lists):
            trusted = schema.is_checked and _Compiler(outcomes, schema, finish, plainly, trusted=True).run()
            found = trusted or _Compiler(outcomes, schema, finish, plainly, trusted=False).run()
    if found is None:
        program = Program()
        program.known.values["_plainly"] = plainly
        found = Compiled(program.define("evaluate", "context", ["return _plainly(context)"]), program.source)
    return found


class _Compiler:
    def __init__(
        self,
        lists: Sequence[Outcomes],
        schema: Schema,
        finish: Callable[..., object],
        plainly: Callable[..., object],
        *,
        trusted: bool,
    ) -> None:
        self._schema = schema
        self._plainly = plainly
        self._program = Program(trusted=trusted)
        self._known = self._program.known
        self._open = [outcomes for outcomes in lists if not outcomes.are_settled]
        self._results = Results(self._open, _filled(lists, finish), self._known)
        self._longest = [MAX_TEXT_LENGTH]
        rules = self._open[0].rules if self._open else []
        self._looks_first = bool(rules) and looks_first(rules[0].condition, schema)
        """Whether a variable is read before anything else is done."""

    def run(self) -> Compiled | None:
        """The function; `None` where the texts of variables would have to be shorter than they may be."""
        statements = self._statements()
        answers = bool(self._schema.functions)
        lines = [
            *(["answers = _Answers()"] if answers else []),
            "try:",
            *indented([*self._check(), *statements]),
            "except Exception:",
            "    pass",
            f"return _plainly(context{', answers' if answers else ''})",
        ]
        if min(self._longest) < (LONGEST_CHECKED if self._program.trusted else _SHORTEST_LIMIT):
            return None
        self._known.values |= {
            "_Answers": Answers,
            "_Unusual": UnusualError,
            "_is_text": is_text,
            "_longest": min(self._longest),
            "_plainly": self._plainly,
        }
        return Compiled(self._program.define("evaluate", "context", lines), self._program.source)

    def _statements(self) -> list[str]:
        if not self._open:
            return [f"return {self._results.constant(0)}"]
        if len(self._open) == 1:
            return self._list_statements(self._open[0], self._results)
        branches = [outcomes.branches for outcomes in self._open]
        known = [each for each in branches if each is not None]
        if len(known) < len(branches):
            return [f"return {self._results.of_outcomes(self._list_functions(OutcomeReturns))}"]
        return self._tree_statements(known) or [
            f"return {self._results.of_digits(self._list_functions(NumberReturns))}",
        ]

    def _tree_statements(self, lists: Sequence[Sequence[Branch]]) -> list[str]:
        """The statements of a decision tree; none where the lists make no tree."""
        found = tree(lists, self._schema) if self._schema.is_checked else None
        if found is None:
            return []
        writer = TreeWriter(
            self._schema, self._program, lambda digits: self._results.constant(self._results.number(digits))
        )
        lines = writer.statements(found)
        self._longest.append(writer.bounds.longest())
        self._looks_first = isinstance(found, Fork)
        return lines

    def _check(self) -> list[str]:
        """Statements that make sure that the context is one.

        To read a slot of a class that is checked is enough, but for the evaluator, which reads by the common name.
        """
        is_certain = self._schema.is_checked and self._looks_first and "_Scope" not in self._known.values
        return [] if is_certain else check(self._schema, self._known)

    def _list_functions(self, returns: type[OutcomeReturns]) -> list[str]:
        """Calls of functions each of which tries one list."""
        parameters = "context, answers" if self._schema.functions else "context"
        calls: list[str] = []
        for outcomes in self._open:
            name = f"_{outcomes.name}"
            statements = self._list_statements(outcomes, returns(outcomes, self._known))
            self._program.define(name, parameters, statements)
            calls.append(f"{name}({parameters})")
        return calls

    def _list_statements(self, outcomes: Outcomes, returns: Returns) -> list[str]:
        writer = ListWriter(outcomes, returns, self._program)
        lines = writer.statements()
        self._longest.append(writer.bounds.longest())
        if not writer.leaves_nodes:
            return lines
        self._known.values |= {"_Scope": Scope, "_schema": self._schema, "_remaining": remaining}
        answers = ", answers=answers" if self._schema.functions else ""
        return [f"scope = _Scope(_schema, context, budget=_remaining(){answers})", *lines]


def _filled(lists: Sequence[Outcomes], finish: Callable[..., object]) -> Callable[..., object]:
    """`finish`, which the outcomes of lists that are settled need not be given to."""

    def filled(*outcomes: Outcome) -> object:
        others = iter(outcomes)
        return finish(*[each.known[0] if each.are_settled else next(others) for each in lists])

    return filled
