"""The tables of `grammar/README.md` that the code has the words for.

A comment such as `<!-- functions trim split -->` stands above a table and says which functions it has; `<!-- end -->`
stands below. `python tests/reference.py` writes the tables anew.
"""

from __future__ import annotations

import re
import sys
from inspect import getdoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tlspolicy import DELIVERY, DeliveryContext, Expression, Schema
from tlspolicy.expressions import evaluator
from tlspolicy.expressions.functions import ANY, FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlspolicy.expressions.functions import Function
    from tlspolicy.expressions.values import Value

GRAMMAR: Final = Path(__file__).parents[1] / "grammar"
REFERENCE: Final = GRAMMAR / "README.md"
MARKED: Final = re.compile(
    r"(?<=^<!-- )(functions|operators|variables)( [^>]*)?( -->\n)(.*?)(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL
)

_TYPES: Final = {int: "integer", float: "number", str: "text", tuple: "array"}
_TRUTH: Final = "Whether "


def generated(text: str) -> str:
    """`text`, the reference, with all its marked tables as the code has them."""
    return MARKED.sub(lambda found: f"{found[1]}{found[2] or ''}{found[3]}{_TABLES[found[1]](named(found))}", text)


def named(found: re.Match[str]) -> list[str]:
    """What a mark says that its table has; nothing where it has all there is."""
    return (found[2] or "").split()


def _functions(names: list[str]) -> str:
    return _table(("function", "gives", ""), (_function_row(name, FUNCTIONS[name]) for name in names))


def _function_row(name: str, function: Function) -> tuple[str, str, str]:
    call: Callable[..., object] = function.call or evaluator.matches
    arguments = [*signature(call).parameters][: function.arity[0]]
    maps = hasattr(call, "__wrapped__")
    described = _one_line(getdoc(call) or "")
    gives = (
        "1 or 0" if described.startswith(_TRUTH) else _types(function.returns - {tuple} if maps else function.returns)
    )
    return f"`{name}({', '.join(arguments)})`{' *' if maps else ''}", gives, described


def _types(types: frozenset[type]) -> str:
    return "any value" if types == ANY else " or ".join(word for kind, word in _TYPES.items() if kind in types)


def _variables(names: list[str]) -> str:
    described = dict(_arguments(getdoc(DeliveryContext) or ""))
    defaults = DeliveryContext()
    rows = (
        (f"`{name}`", _TYPES[DELIVERY.variables[name]], f"`{_literal(getattr(defaults, name))}`", described[name])
        for name in names
    )
    return _table(("variable", "type", "if not known", ""), rows)


def _arguments(docstring: str) -> Iterator[tuple[str, str]]:
    """Each argument that a docstring describes, and the first sentence on it."""
    section = docstring.partition("Args:\n")[2].partition("\n\n")[0]
    for name, words in re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", section, re.MULTILINE | re.DOTALL):
        yield name, _one_line(words).partition(". ")[0].removesuffix(".")


def _operators(_names: list[str]) -> str:
    """The operators by the levels of the grammar, the tightest first."""
    grammar = (GRAMMAR / "expression.lark").read_text(encoding="utf-8")
    spelt = {
        terminal: re.findall(r'"(.+?)"', spellings)
        for terminal, spellings in re.findall(r'^(_?[A-Z]+)(?:\.\d+)?: +(".+")$', grammar, re.MULTILINE)
    }
    rows = [
        (*_spellings(level, [each for name in re.findall(r"_?[A-Z]+", rule) for each in spelt[name]]), words)
        for level, rule, words in re.findall(r"^\?(\w+): +(.+?) +// (.+)$", grammar, re.MULTILINE)
    ]
    return _table(("operators", "also written", "gives"), reversed(rows))


def _spellings(level: str, spellings: list[str]) -> tuple[str, str]:
    first = {spelling: spelling if level == "unary" else _first(spelling) for spelling in spellings}
    return _coded(dict.fromkeys(first.values())), _coded(each for each in spellings if first[each] != each)


def _first(spelling: str) -> str:
    """The first spelling of a binary operator: the one that an expression is printed with."""
    return str(Expression.parse(f"1{spelling} 2", Schema({}))).split()[1]


def _coded(spellings: Iterable[str]) -> str:
    return " ".join(f"`{spelling}`".replace("|", r"\|") for spelling in spellings)


def _literal(value: Value) -> str:
    """`value` as the language spells it."""
    return repr(value) if value != () else "[]"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("|  |", "| |") for cells in lines)


_TABLES: Final[dict[str, Callable[[list[str]], str]]] = {
    "functions": _functions,
    "operators": _operators,
    "variables": _variables,
}

if __name__ == "__main__":
    REFERENCE.write_text(generated(REFERENCE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{REFERENCE} is as the code has it\n")
