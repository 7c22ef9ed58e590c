"""Nodes to Python's own expressions, as far as the schema's types allow.

`retry_num > 0 && last_error == 'tls'` becomes that very expression of Python. What has no short form there, arrays
above all, stays a node, and the Python expression calls the evaluator with it.

No text of a rule gets into an expression but as the `repr` of a checked constant, or as a name that is an identifier.
"""

from __future__ import annotations

import builtins
import keyword
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.expressions import evaluator, regex
from tlspolicy.expressions.bounds import CAPTURE, NUMBER, VARIABLE, Bounds, Size
from tlspolicy.expressions.checker import (
    binary_types,
    is_constant,
    negated_types,
    patterns,
    result_types,
)
from tlspolicy.expressions.functions import FUNCTIONS, INT, TEXT
from tlspolicy.expressions.nodes import Array, Binary, Call, Capture, Logical, Name, Node, String, Unary, every
from tlspolicy.expressions.runtime import captured, plain, search_in, too_long
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.values import BINARY, COMPARISONS, UNARY, Value, text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlspolicy.expressions.program import Globals
    from tlspolicy.expressions.schema import Schema

_NUMBERS: Final = frozenset({int, float})
_FLOAT: Final = frozenset({float})
_LONGEST_LITERAL: Final = 1_000
_TAKEN: Final = frozenset({"answers", "context", "found", "groups", "scope", "test", *dir(builtins)})
_OPERATORS: Final = {
    "==": "equal",
    "!=": "not_equal",
    "<": "less",
    "<=": "less_or_equal",
    ">": "greater",
    ">=": "greater_or_equal",
    "+": "add",
    "-": "subtract",
    "*": "multiply",
    "/": "divide",
}
_METHODS: Final = {"starts_with": "startswith", "ends_with": "endswith"}
# How long the text is that a function makes of a scalar: so many characters, or so many times its first argument's.
_GROWTH: Final = {
    "email_part": (0, 1),
    "hash": (128, 0),
    "ip_reverse_name": (80, 0),
    "strip_prefix": (0, 1),
    "strip_suffix": (0, 1),
    "substring": (0, 1),
    "to_lowercase": (0, 3),
    "to_uppercase": (0, 3),
    "trim": (0, 1),
    "trim_end": (0, 1),
    "trim_start": (0, 1),
}
# Functions that give an array for an array alone.
_MAPPED_FLAGS: Final = frozenset({"has_digits", "is_lowercase", "is_uppercase"})

# How tightly an operator of Python's binds.
_OR, _AND, _NOT, _COMPARISON, _TIGHT = range(5)


class UntranslatableError(Exception):
    """The rule list as a whole must be left to the evaluator."""


class Code(NamedTuple):
    """A Python expression that needs no parentheses.

    Args:
        text: it.
        types: those that its value may have.
        size: the length of its text; `None` where it can't be known beforehand, as that of arrays.
        is_variable: whether it is a variable as it was read.
    """

    text: str
    types: frozenset[type]
    size: Size | None
    is_variable: bool = False


class Test(NamedTuple):
    """A Python expression whose truth counts, and how tightly its operator binds."""

    text: str
    binding: int = _TIGHT

    def within(self, binding: int) -> str:
        """The text as an operand of an operator that binds so tightly."""
        return self.text if self.binding > binding else f"({self.text})"


class Translator:
    """Translates the expressions of one rule list.

    Args:
        schema: what they may name. Variables are relied upon to have the types that it says.
        captures: whether any of them reads captures. The local variable `groups` holds those of the last `matches`.
        known: the global variables of the code; is added to.
        bounds: what the list can do; is added to.
    """

    def __init__(self, schema: Schema, known: Globals, bounds: Bounds, *, captures: bool) -> None:
        self._schema = schema
        self._know = known.name
        self._constants = known.constants
        self._bounds = bounds
        self._captures = captures
        self._spellings: dict[str, str] = {}
        self._searches: dict[str, Callable[[str], object]] = {}
        self.leaves_nodes = False
        """Whether the code calls the evaluator, with the local variable `scope`."""

    def local(self, variable: str) -> str:
        """The name of the local variable for a variable of the schema."""
        if (
            variable.isidentifier()
            and not keyword.iskeyword(variable)
            and variable not in _TAKEN
            and variable[0] != "_"
        ):
            return variable
        return f"_variable{list(self._schema.variables).index(variable)}"

    def spelling(self, variable: str) -> str:
        """How the code names a variable of the schema: unless `spell` has said otherwise, as a local variable."""
        return self._spellings.get(variable) or self.local(variable)

    def spell(self, variable: str, text: str) -> None:
        """Have the code name a variable so from now on."""
        self._spellings[variable] = text

    def test(self, node: Node) -> Test:
        """An expression whose truth is that of `node`."""
        return self._test(node) or Test(self.value(node).text)

    def value(self, node: Node) -> Code:
        """An expression whose value is that of `node`."""
        if is_constant(node, self._schema):
            return self._constant(node)
        match node:
            case Name(name):
                return self._variable(node, name)
            case Capture(group):
                return Code(f"{self._know('captured', captured)}(groups, {group})", TEXT, CAPTURE)
            case Unary("-", operand):
                operated = self.value(operand)
                return self._made(node, self._know("negate", UNARY["-"]), [operated], negated_types(operated.types))
            case Logical(operator, (first, *rest)):
                return self._logical(operator, first, rest)
            case Call("if_then", (condition, then, otherwise)):
                return self._choice(node, condition, then, otherwise)
            case Binary(operator, left, right) if operator in "+-*/":
                return self._arithmetic(node, operator, self.value(left), self.value(right))
            case _:
                test = self._test(node)
                return Code(f"(1 if {test.text} else 0)", INT, NUMBER) if test else self._call(node, None)

    def _test(self, node: Node) -> Test | None:
        """As `test`; `None` where the value is not just true or false."""
        if is_constant(node, self._schema):
            return None
        match node:
            case Unary("!", operand):
                return Test(f"not {self.test(operand).within(_AND)}", _NOT)
            case Logical(operator, operands):
                word, binding = (" or ", _OR) if operator == "||" else (" and ", _AND)
                return Test(word.join([self.test(operand).within(binding) for operand in operands]), binding)
            case Binary("^", left, right):
                sides = [f"(not {self.test(side).within(_AND)})" for side in (left, right)]
                return Test(" != ".join(sides), _COMPARISON)
            case Binary(operator, left, right) if operator in COMPARISONS:
                return self._comparison(node, operator, self.value(left), self.value(right))
            case Call("matches", (String(pattern), subject)):
                return self._matches(pattern, self.value(subject))
            case Call("contains", (Array() as array, wanted)) if is_constant(array, self._schema):
                return self._is_element(node, self._elements(array), self.value(wanted))
            case Call("starts_with" | "ends_with" | "contains", (searched, wanted)):
                return self._text_test(node, [self.value(searched), self.value(wanted)])
            case _:
                return None

    def _constant(self, node: Node) -> Code:
        try:
            value = evaluator.evaluate(node, Scope(self._schema, None, budget=self._constants))
        except evaluator.EvaluationProblem:
            return self._plain(node)
        size = None if isinstance(value, tuple) else Size(len(value)) if isinstance(value, str) else NUMBER
        return Code(self._literal(value), frozenset({type(value)}), size)

    def _literal(self, value: Value) -> str:
        match value:
            case float() if not math.isfinite(value):
                return self._know("constant", value)
            case tuple():
                return self._know("constant", value)
            case str() if len(value) > _LONGEST_LITERAL:
                return self._know("constant", value)
            case _:
                return repr(value)

    def _variable(self, node: Node, name: str) -> Code:
        kind = self._schema.variables[name]
        if kind is tuple:
            known = self._schema.is_checked
            return Code(self.spelling(name), frozenset({tuple}), None) if known else self._plain(node)
        return Code(self.spelling(name), frozenset({kind}), VARIABLE if kind is str else NUMBER, is_variable=True)

    def _plain(self, node: Node) -> Code:
        """Leave a node to the evaluator."""
        if self._captures and any(patterns(node)):
            raise UntranslatableError  # It would have to give back what it captured.
        self.leaves_nodes = True
        types = result_types(node, self._schema)
        groups = ", groups" if self._captures else ""
        name = f"{self._know('plain', plain)}({self._know('node', node)}, scope{groups})"
        return Code(name, types, NUMBER if types <= _NUMBERS else None)

    def _read(self, code: Code) -> str:
        """The expression for an operation that looks at all of its text."""
        if not code.is_variable or code.types != TEXT or self._bounds.trusted:
            return code.text
        return f"({code.text} if len({code.text}) <= _longest else {self._know('too_long', too_long)}())"

    def _guarded(self, code: Code) -> Code:
        """As `_read`, for a value that is passed on: where it comes from is then no longer known."""
        return code._replace(text=self._read(code), is_variable=False)

    def _read_shorter(self, left: Code, right: Code) -> tuple[str, str]:
        """Two expressions for an operation that looks at no more of two texts than the shorter one has."""
        fixed = [code.size for code in (left, right) if code.size and not code.size.longest]
        if fixed:
            self._bounds.look_at([min(fixed)])
            return left.text, right.text
        self._bounds.look_at([left.size or NUMBER])
        return self._read(left), right.text

    def _made(self, node: Node, function: str, operands: Sequence[Code], types: frozenset[type]) -> Code:
        """A call of a function that looks at all of its operands, and makes a text no longer than they together."""
        sizes = [code.size for code in operands if code.size is not None]
        if len(sizes) < len(operands) or tuple in types:
            return self._plain(node)
        self._bounds.look_at(sizes)
        size = NUMBER
        for each in sizes if str in types else ():
            size = size.plus(each)
        self._bounds.make(size)
        return Code(f"{function}({', '.join(map(self._read, operands))})", types, size)

    def _arithmetic(self, node: Node, operator: str, left: Code, right: Code) -> Code:
        types = binary_types(operator, left.types, right.types)
        if left.types == right.types == _FLOAT and operator != "/":
            return Code(f"({left.text} {operator} {right.text})", _FLOAT, NUMBER)
        return self._made(node, self._know(_OPERATORS[operator], BINARY[operator]), (left, right), types)

    def _comparison(self, node: Node, operator: str, left: Code, right: Code) -> Test:
        if left.types == right.types == TEXT and left.size and right.size:
            return Test(f" {operator} ".join(self._read_shorter(left, right)), _COMPARISON)
        if left.types == right.types and left.types in (INT, _FLOAT):
            return Test(f"{left.text} {operator} {right.text}", _COMPARISON)
        return Test(self._made(node, self._know(_OPERATORS[operator], BINARY[operator]), (left, right), INT).text)

    def _text_test(self, node: Call, arguments: list[Code]) -> Test:
        """`starts_with`, `ends_with` and `contains`."""
        searched, wanted = arguments
        if searched.types == wanted.types == TEXT and searched.size and wanted.size:
            if node.function == "contains" and not _asks(node):
                self._bounds.look_at([searched.size, wanted.size])
                return Test(f"{self._read(wanted)} in {self._read(searched)}", _COMPARISON)
            if node.function != "contains":
                whole, part = self._read_shorter(searched, wanted)
                return Test(f"{whole}.{_METHODS[node.function]}({part})")
        return Test(self._call(node, arguments).text)

    def _is_element(self, node: Call, elements: Sequence[Value], wanted: Code) -> Test:
        """`contains` of an array that is constant."""
        if {*map(type, elements)} == wanted.types and wanted.types in (INT, TEXT):
            self._bounds.look_through(len(elements), sum(len(str(element)) for element in elements))
            return Test(f"{wanted.text} in {self._set(elements)}", _COMPARISON)
        return Test(self._plain(node).text)

    def _elements(self, array: Node) -> tuple[Value, ...]:
        """The elements of an array that is constant; none where they can't be had."""
        try:
            value = evaluator.evaluate(array, Scope(self._schema, None, budget=self._constants))
        except evaluator.EvaluationProblem:
            value = ()
        return value if isinstance(value, tuple) else ()

    def _set(self, elements: Sequence[Value]) -> str:
        written = ", ".join(map(repr, dict.fromkeys(elements)))
        return f"{{{written}}}" if len(written) <= _LONGEST_LITERAL else self._know("constant", frozenset(elements))

    def _matches(self, pattern: str, subject: Code) -> Test:
        if subject.size is None:
            self.leaves_nodes = True
            groups = f"{self._know('search_in', search_in)}({pattern!r}, {subject.text}, scope)"
            return Test(f"(groups := {groups})" if self._captures else groups)
        self._bounds.search(regex.cost(pattern), subject.size)
        read = self._read(subject) if subject.types == TEXT else f"{self._know('text', text)}({subject.text})"
        match = f"{self._know('search', self._search(pattern))}({read})"
        if self._captures:
            return Test(f"(groups := {self._know('groups', regex.groups)}({match}))")
        return Test(f"{match} is not None", _COMPARISON)

    def _search(self, pattern: str) -> Callable[[str], object]:
        return self._searches.setdefault(pattern, regex.compiled(pattern).search)

    def _logical(self, operator: str, first: Node, rest: Sequence[Node]) -> Code:
        """The first operand is given back as it is where it decides; the others give 1 or 0."""
        word, binding = ("or", _OR) if operator == "||" else ("and", _AND)
        left = self._guarded(self.value(first))
        others = f" {word} ".join([self.test(operand).within(binding) for operand in rest])
        size = left.size.plus(NUMBER) if left.size else None
        return Code(f"({left.text} {word} (1 if {others} else 0))", left.types | INT, size)

    def _choice(self, node: Node, condition: Node, then: Node, otherwise: Node) -> Code:
        """`if_then`, whose branches are both evaluated: only what can be left out without being missed is left out."""
        if self._captures and any((*patterns(then), *patterns(otherwise))):
            raise UntranslatableError
        test, before = self.test(condition), self.leaves_nodes
        self.leaves_nodes = False
        left, right = self._guarded(self.value(then)), self._guarded(self.value(otherwise))
        if self.leaves_nodes:
            return self._plain(node)
        self.leaves_nodes = before
        size = left.size.plus(right.size) if left.size and right.size else None
        return Code(f"({left.text} if {test.text} else {right.text})", left.types | right.types, size)

    def _call(self, node: Node, arguments: list[Code] | None) -> Code:
        """A call of a function of scalars that gives one; what else there is, is left to the evaluator.

        Args:
            node: any.
            arguments: what its arguments have been translated to, if they have been.
        """
        function = FUNCTIONS.get(node.function) if isinstance(node, Call) else None
        if not isinstance(node, Call) or function is None or function.call is None:
            return self._plain(node)
        arguments = arguments or [self.value(argument) for argument in node.arguments]
        fixed, factor = _GROWTH.get(node.function, (0, 0))
        if fixed or factor:
            code = self._made(node, self._know(node.function, function.call), arguments, TEXT)
            first = arguments[0].size
            if code.size is None or first is None:
                return code
            size = Size(fixed).plus(first.times(factor))
            self._bounds.make(size)
            return code._replace(size=size)
        returns = INT if node.function in _MAPPED_FLAGS else function.returns
        if returns != INT:
            return self._plain(node)
        return self._made(node, self._know(node.function, function.call), arguments, INT)


def _asks(node: Node) -> bool:
    """Whether a node calls functions that ask the world, whose order counts."""
    return any(isinstance(each, Call) and each.function not in FUNCTIONS for each in every(node))
