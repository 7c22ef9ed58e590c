"""RuleList: rules that are tried in order, parsed, checked, ready to evaluate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import Place, PolicySyntaxError, did_you_mean, quoted
from tlspolicy.expressions.evaluator import Scope
from tlspolicy.expressions.explanation import Explanation
from tlspolicy.expressions.expression import Expression, kind_of
from tlspolicy.expressions.parser import parse_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy.expressions.explanation import Tried
    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.values import Value

MAX_RULES = 100_000

_KEYS: Final = ("if", "then", "else")
_BLANK: Final = r"(?:\s|#[^\n]*\n)*+"
_LIST_TEXT: Final = re.compile(rf"{_BLANK}\[{_BLANK}\{{")
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Rule(NamedTuple):
    """`{ if = condition, then = result }`."""

    condition: Expression
    result: Expression


class Outcome(NamedTuple):
    """What a rule list gave, and the index of the rule that decided; `None` for the `else`."""

    value: Value
    matched: int | None


@dataclass(frozen=True)
class RuleList:
    """Rules that are tried in order, and the value where none of them applies. Made by `RuleList.parse`; immutable."""

    rules: tuple[Rule, ...]
    default: Expression
    schema: Schema = field(repr=False)

    @classmethod
    def parse(cls, source: object, schema: Schema, place: Place = Place()) -> RuleList:
        """Parse and check a list of rules.

        Args:
            source: one of

                - a text `[ { if = "…", then = … }, …, { else = … } ]` in TOML's or JSON's spelling;
                - the same as data: a sequence of mappings, or a mapping of such mappings by "0", "1", …;
                - a single value, which is then the `else` of a list without conditions: the text of an expression, a
                  boolean or a number.

            schema: what the expressions may name.
            place: where the list stands, for errors.

        Raises:
            PolicySyntaxError: it is no such list, one of its expressions is none, or it is beyond a limit.
        """
        if isinstance(source, str) and _LIST_TEXT.match(source):
            return cls.of_file_data(parse_rules(source, place), schema, place)
        return cls._of(source, place, partial(_expression, schema=schema, parse=Expression.parse), schema)

    @classmethod
    def of_file_data(cls, data: object, schema: Schema, place: Place = Place()) -> RuleList:
        r"""Make a list of what TOML or JSON has read from a file: as `parse`, but a text is always a single expression.

        A control character other than TAB, LF and CR is refused: the file's escapes make one of a regular expression's
        `\b`, and the rule would then never match without a word.
        """
        return cls._of(data, place, partial(_expression, schema=schema, parse=_expression_in_file), schema)

    @classmethod
    def _of(
        cls, data: object, place: Place, expression: Callable[[object, Place], Expression], schema: Schema
    ) -> RuleList:
        data = _in_order(data, place)
        if not isinstance(data, Sequence) or isinstance(data, (str, bytes)):
            return cls((), expression(data, place), schema)
        if len(data) > MAX_RULES:
            raise PolicySyntaxError(f"a list may have {MAX_RULES} rules, this has {len(data)}", place=place)
        if not data:
            raise PolicySyntaxError("the list of rules is empty: it must end with { else = … }", place=place)
        final = len(data) - 1
        parsed: list[dict[str, Expression]] = []
        for index, item in enumerate(data):
            at = _at(place, f"[{index}]")
            entry = _checked_entry(item, index == final, at)
            parsed.append({key: expression(value, _at(at, f".{key}")) for key, value in entry.items()})
        *conditional, last = parsed
        return cls(tuple([Rule(rule["if"], rule["then"]) for rule in conditional]), last["else"], schema)

    @property
    def results(self) -> tuple[Expression, ...]:
        """Every expression that may give the value: each `then`, and the `else`."""
        return (*(rule.result for rule in self.rules), self.default)

    def evaluate(self, context: object) -> Value:
        """Evaluate the list: the `then` of the first rule whose `if` is true, else the `else`.

        Args:
            context: what the schema reads: a mapping, or an instance of the class that the schema was made of.

        Returns:
            An `int`, `float`, `str`, or a `tuple` of them.

        Raises:
            PolicyTypeError: `context` is not what the schema reads.
            PolicyEvaluationError: there is no usable value.
        """
        return self.outcome(context).value

    def outcome(self, context: object) -> Outcome:
        """Evaluate the list as `evaluate` does, and say which rule decided."""
        self.schema.check_context(context)
        scope = Scope(self.schema, context)
        for index, rule in enumerate(self.rules):
            if rule.condition.evaluate_in(scope):
                return Outcome(rule.result.evaluate_in(scope), index)
        return Outcome(self.default.evaluate_in(scope), None)

    def explain(self, context: object) -> Explanation:
        """Evaluate the list as `evaluate` does, and say what was tried and what each part gave."""
        self.schema.check_context(context)
        scope = Scope(self.schema, context)
        tried: list[Tried] = []
        for index, rule in enumerate(self.rules):
            tried.append(rule.condition.explain_in(scope, f"[{index}].if"))
            if tried[-1].value:
                tried.append(rule.result.explain_in(scope, f"[{index}].then"))
                return Explanation(tried[-1].value, index, tuple(tried))
        tried.append(self.default.explain_in(scope, f"[{len(self.rules)}].else" if self.rules else ""))
        return Explanation(tried[-1].value, None, tuple(tried))


def _in_order(data: object, place: Place) -> object:
    """The entries of a list that is written as a table by number; any other data as it is."""
    if not isinstance(data, Mapping) or not data or not all(_is_number(key) for key in data):
        return data
    if len({int(key) for key in data}) < len(data):
        raise PolicySyntaxError("two rules have the same number", place=place)
    return [data[key] for key in sorted(data, key=int)]


def _is_number(key: object) -> bool:
    return isinstance(key, str) and bool(_NUMBER.fullmatch(key))


def _checked_entry(entry: object, last: bool, place: Place) -> Mapping[str, object]:  # noqa: FBT001
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


def _expression(
    value: object, place: Place, *, schema: Schema, parse: Callable[[str, Schema, Place], Expression]
) -> Expression:
    match value:
        case str():
            return parse(value, schema, place)
        case bool() | int() | float():
            return Expression.of_scalar(value, schema, place)
        case Mapping():
            message = "a list of rules is written [ { if = …, then = … }, { else = … } ], and this is a table"
        case _:
            message = f"an expression in quotes, a boolean or a number must stand here, not {kind_of(value)}"
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
    return replace(place, key=(place.key + step).removeprefix("."))
