"""RuleList: rules that are tried in order, parsed, checked, ready to evaluate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import Place, PolicySyntaxError, Problems, did_you_mean, quoted
from tlspolicy.expressions.checker import patterns
from tlspolicy.expressions.compiler import compiled
from tlspolicy.expressions.explanation import Explanation
from tlspolicy.expressions.expression import Expression, evaluated, evaluated_async, kind_of
from tlspolicy.expressions.outcomes import Outcome, Rules
from tlspolicy.expressions.parser import parse_rules
from tlspolicy.expressions.regex import cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tlspolicy.expressions.explanation import Tried
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.scope import Answers, Scope
    from tlspolicy.expressions.values import Value

    Check: TypeAlias = Callable[[Expression], None]

MAX_RULES = 100_000
MAX_PATTERNS = 1_000
MAX_PATTERNS_SIZE = 1_000_000

_KEYS: Final = ("if", "then", "else")
_BLANK: Final = r"(?>(?:\s|#[^\n]*\n)*)"
_LIST_TEXT: Final = rf"{_BLANK}\[{_BLANK}\{{"
_NUMBER: Final = r"[0-9]{1,9}"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Rule(NamedTuple):
    """`{ if = condition, then = result }`."""

    condition: Expression
    result: Expression


@dataclass(frozen=True)
class RuleList:
    """Rules that are tried in order, and the value where none of them applies. Made by `RuleList.parse`; immutable."""

    rules: tuple[Rule, ...]
    default: Expression
    schema: Schema = field(repr=False)

    @classmethod
    def parse(
        cls, source: object, schema: Schema, place: Place = Place(), check: Check = lambda _result: None
    ) -> RuleList:
        """Parse and check a list of rules.

        Args:
            source: one of

                - a text `[ { if = "…", then = … }, …, { else = … } ]` in TOML's or JSON's spelling;
                - the same as data: a sequence of mappings, or a mapping of such mappings by "0", "1", …;
                - a mapping `{ match = …, else = … }`, whose `match` is such data without the `else`;
                - a single value, which is then the `else` of a list without conditions: the text of an expression, a
                  boolean or a number.

            schema: what the expressions may name.
            place: where the list stands, for errors.
            check: called with every expression that may give the value; raises a `PolicyError` where it may not.

        Raises:
            PolicySyntaxError: it is no such list, one of its expressions is none, or it is beyond a limit. All that is
                wrong with it is in the one error.
        """
        if isinstance(source, str) and re.match(_LIST_TEXT, source):
            return cls.of_file_data(parse_rules(source, place), schema, place, check)
        return _Reader(schema, check, Expression.parse).rule_list(source, place)

    @classmethod
    def of_file_data(
        cls, data: object, schema: Schema, place: Place = Place(), check: Check = lambda _result: None
    ) -> RuleList:
        r"""Make a list of what TOML or JSON has read from a file: as `parse`, but a text is always a single expression.

        A control character other than TAB, LF and CR is refused: the file's escapes make one of a regular expression's
        `\b`, and the rule would then never match without a word.
        """
        return _Reader(schema, check, _expression_in_file).rule_list(data, place)

    @cached_property
    def evaluate(self) -> Callable[[object], Value]:
        """Evaluate the list: the `then` of the first rule whose `if` is true, else the `else`.

        This is a function, `evaluate(context)`, that is compiled when it is first wanted.

        Args:
            context: what the schema reads: a mapping, or an instance of the class that the schema was made of.

        Returns:
            An `int`, `float`, `str`, or a `tuple` of them.

        Raises:
            PolicyTypeError: `context` is not what the schema reads.
            PolicyEvaluationError: there is no usable value, or a rule calls a coroutine function.
        """
        return compiled([self.trees("rules")], self.schema, _value, self._value).function

    async def evaluate_async(self, context: object) -> Value:
        """Evaluate the list as `evaluate` does, and await the functions of the schema that are coroutine functions."""
        return (await self.outcome_async(context)).value

    def outcome(self, context: object, answers: Answers | None = None) -> Outcome:
        """Evaluate the list as `evaluate` does, by the evaluator, and say which rule decided.

        Args:
            context: as for `evaluate`.
            answers: those that functions which ask the world have given already; they are not called again for these.
        """
        return evaluated(self._outcome_in, self.schema, context, self.asynchronous, answers)

    def _value(self, context: object, answers: Answers | None = None) -> Value:
        return self.outcome(context, answers and answers.rewind()).value

    def trees(self, name: str) -> Rules:
        """The list as the compiler wants it."""
        rules = [(rule.condition.node, rule.result.node) for rule in self.rules]
        return Rules(name, rules, self.default.node, bool(self.asynchronous))

    def __getstate__(self) -> dict[str, object]:
        """The fields alone: the rest is made of them."""
        return {"rules": self.rules, "default": self.default, "schema": self.schema}

    async def outcome_async(self, context: object) -> Outcome:
        """Evaluate the list as `evaluate_async` does, and say which rule decided."""
        return await evaluated_async(self._outcome_in, self.schema, context)

    @cached_property
    def asynchronous(self) -> frozenset[str]:
        """The functions in it that coroutine functions answer."""
        if not self.schema.functions:  # There may be very many rules to look through.
            return frozenset()
        return frozenset().union(
            *(each.asynchronous for rule in self.rules for each in rule), self.default.asynchronous
        )

    def _outcome_in(self, scope: Scope) -> Outcome:
        for index, rule in enumerate(self.rules):
            if rule.condition.evaluate_in(scope):
                return Outcome(rule.result.evaluate_in(scope), index)
        return Outcome(self.default.evaluate_in(scope), None)

    def explain(self, context: object) -> Explanation:
        """Evaluate the list as `evaluate` does, and say what was tried and what each part gave."""
        return evaluated(self._explanation_in, self.schema, context, self.asynchronous)

    async def explain_async(self, context: object) -> Explanation:
        """Explain the list as `explain` does, and await the functions of the schema that are coroutine functions."""
        return await evaluated_async(self._explanation_in, self.schema, context)

    def _explanation_in(self, scope: Scope) -> Explanation:
        tried: list[Tried] = []
        for index, rule in enumerate(self.rules):
            tried.append(rule.condition.explain_in(scope, f"[{index}].if"))
            if tried[-1].value:
                tried.append(rule.result.explain_in(scope, f"[{index}].then"))
                return Explanation(tried[-1].value, index, tuple(tried), untried=len(self.rules) - index)
        tried.append(self.default.explain_in(scope, f"[{len(self.rules)}].else" if self.rules else ""))
        return Explanation(tried[-1].value, None, tuple(tried))


def _value(outcome: Outcome) -> Value:
    return outcome.value


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes rule lists of data.

    Args:
        schema: what the expressions may name.
        check: as for `RuleList.parse`.
        parse: makes an expression of its text.
    """

    schema: Schema
    check: Check
    parse: Callable[[str, Schema, Place], Expression]

    def rule_list(self, data: object, place: Place) -> RuleList:
        data = _as_sequence(data, place)
        if not isinstance(data, Sequence) or isinstance(data, (str, bytes)):
            return RuleList((), self._result(data, place), self.schema)
        if len(data) > MAX_RULES + 1:
            message = f"a list may have {MAX_RULES} rules before its else, this has {len(data) - 1}"
            raise PolicySyntaxError(message, place=place)
        if not data:
            raise PolicySyntaxError("the list of rules is empty: it must end with { else = … }", place=place)
        problems = Problems()
        rules: list[Rule] = []
        default: list[Expression] = []
        for index, item in enumerate(data):
            at = _at(place, f"[{index}]")
            with problems:
                entry = _checked_entry(item, last=index == len(data) - 1, place=at)
                parts = {key: self._part(key, value, at, problems) for key, value in entry.items()}
                if "else" in parts:
                    default += parts["else"]
                else:
                    rules += [Rule(*both) for both in zip(parts["if"], parts["then"], strict=False)]
        problems.raise_them()
        _check_patterns([*(rule.condition for rule in rules), *(rule.result for rule in rules), *default], place)
        return RuleList(tuple(rules), default[0], self.schema)

    def _part(self, key: str, value: object, place: Place, problems: Problems) -> list[Expression]:
        """The expression of a key, or nothing where it has problems."""
        with problems:
            return [(self._expression if key == "if" else self._result)(value, _at(place, f".{key}"))]
        return []

    def _result(self, value: object, place: Place) -> Expression:
        result = self._expression(value, place)
        self.check(result)
        return result

    def _expression(self, value: object, place: Place) -> Expression:
        match value:
            case str():
                return self.parse(value, self.schema, place)
            case bool() | int() | float():
                return Expression.of_scalar(value, self.schema, place)
            case Mapping():
                message = "a list of rules is written [ { if = …, then = … }, { else = … } ], and this is a table"
            case _:
                message = f"an expression in quotes, a boolean or a number must stand here, not {kind_of(value)}"
        raise PolicySyntaxError(message, place=place)


def _check_patterns(expressions: Iterable[Expression], place: Place) -> None:
    """Bound the regular expressions of a list, each of which is kept ready to search with."""
    with_patterns = (expression for expression in expressions if "matches" in expression.text)
    distinct = {pattern for expression in with_patterns for pattern in patterns(expression.node)}
    if len(distinct) > MAX_PATTERNS:
        message = f"a list may have {MAX_PATTERNS} different regular expressions, this has {len(distinct)}"
        raise PolicySyntaxError(message, place=place)
    if sum(map(cost, distinct)) > MAX_PATTERNS_SIZE:
        message = "the regular expressions of this list are too large together: their repetitions count"
        raise PolicySyntaxError(message, place=place)


def _as_sequence(data: object, place: Place) -> object:
    """The entries of a list that is written as a table; any other data as it is."""
    if not isinstance(data, Mapping) or "else" not in data or not data.keys() <= {"match", "else"}:
        return _in_order(data, place)
    at = _at(place, ".match")
    rules = _in_order(data.get("match", ()), at)
    if rules == {}:
        rules = ()
    if not isinstance(rules, Sequence) or isinstance(rules, (str, bytes)):
        message = f"the rules of 'match' are a list, or a table by number, not {kind_of(rules)}"
        raise PolicySyntaxError(message, place=at)
    return [*rules, {"else": data["else"]}]


def _in_order(data: object, place: Place) -> object:
    """The entries of a table by number; any other data as it is."""
    if not isinstance(data, Mapping) or not data or not all(_is_number(key) for key in data):
        return data
    if len({int(key) for key in data}) < len(data):
        raise PolicySyntaxError("two rules have the same number", place=place)
    return [data[key] for key in sorted(data, key=int)]


def _is_number(key: object) -> bool:
    return isinstance(key, str) and bool(re.fullmatch(_NUMBER, key))


def _checked_entry(entry: object, *, last: bool, place: Place) -> Mapping[str, object]:
    """An entry of a list, which must be `if` and `then`, or, as the last one and only there, `else`."""
    if not isinstance(entry, Mapping):
        raise PolicySyntaxError(f"a rule is a table {{ if = …, then = … }}, not {kind_of(entry)}", place=place)
    for key in entry:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or ": a rule has if and then, or else"
            raise PolicySyntaxError(f"unknown key {quoted(key)}{hint}", place=place)
    match sorted(entry):
        case ["else"] if last:
            return entry
        case ["if", "then"] if not last:
            return entry
        case ["else"]:
            message = "'else' must be the last rule: what stands after it would never be tried"
        case ["if", "then"]:
            message = "'else' is missing: the list must end with { else = … }"
        case ["if"]:
            message = "this rule has 'if' without 'then'"
        case ["then"]:
            message = "this rule has 'then' without 'if'"
        case []:
            message = "this rule is empty: it must have 'if' and 'then', or 'else'"
        case _:
            message = "'else' must stand in a rule of its own, the last one"
    raise PolicySyntaxError(message, place=place)


def _expression_in_file(text: str, schema: Schema, place: Place) -> Expression:
    control = _CONTROL.search(text)
    if control:
        message = (
            f"the control character U+{ord(control.group()):04X} comes of a single backslash in the file: "
            "write it twice (\\\\b), or write the text in '''…''', which keeps backslashes as they are"
        )
        raise PolicySyntaxError(message, text, control.start(), control.end(), place)
    return Expression.parse(text, schema, place)


def _at(place: Place, step: str) -> Place:
    return Place(place.file, (place.key + step).removeprefix("."), place.line)
