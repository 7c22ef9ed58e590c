"""Program: the Python functions that rules are compiled to, and their source."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.expressions.scope import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FILE: Final = "rules compiled by tlspolicy"
_INDENT: Final = "    "
_MAX_TESTS: Final = 256


class Globals:
    """The global variables of the code, which has a name for each object that it uses."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.constants = Budget()
        """What may be spent to evaluate what is constant, all of it together."""
        self._names: dict[tuple[str, int], str] = {}
        self._numbers: Counter[str] = Counter()

    def name(self, stem: str, value: object) -> str:
        """The name of the variable that has this value: `_stem`, with a number behind it where there are several."""
        key = stem, id(value)
        if key not in self._names:
            number = self._numbers[stem]
            self._numbers[stem] += 1
            self._names[key] = f"_{stem}{number or ''}"
            self.values[self._names[key]] = value
        return self._names[key]


class Program:
    """Functions that are compiled together. They share their global variables, and their source can be read.

    Args:
        trusted: whether the texts of variables are trusted to be as short as they must be.
    """

    def __init__(self, *, trusted: bool = False) -> None:
        self.trusted = trusted
        self.known = Globals()
        # What a traceback asks for the lines of a function.
        self.known.values |= {"__name__": _FILE, "__loader__": self}
        self._parts: list[str] = []
        self._lines = 0
        self._tests: dict[tuple[str, ...], Callable[[object], object]] = {}

    @property
    def source(self) -> str:
        """What was compiled, without the objects that it names."""
        return "\n\n".join(self._parts)

    def get_source(self, _name: str) -> str:
        """The source, by the name that a module's loader has for it."""
        return self.source

    def define(self, name: str, parameters: str, statements: Sequence[str]) -> Callable[..., Any]:
        """Compile a function."""
        text = "\n".join([f"def {name}({parameters}):", *indented(statements), ""])
        self._parts.append(text)
        function = self.known.values[name] = _defined(name, "\n" * self._lines + text, self.known.values)
        self._lines += text.count("\n") + 2
        return function

    def test(self, statements: Sequence[str]) -> Callable[[object], object]:
        """A function of a context. It is made once for the same statements, and after very many when it is called."""
        key = tuple(statements)
        if key not in self._tests:
            name = f"_test{len(self._tests)}"
            later = len(self._tests) >= _MAX_TESTS
            self._tests[key] = _Later(key, self.known.values) if later else self.define(name, "context", statements)
        return self._tests[key]


class _Later:
    """A function that is compiled when it is first called: there are many, and most never are."""

    __slots__ = ("_function", "_known", "_statements")

    def __init__(self, statements: tuple[str, ...], known: dict[str, object]) -> None:
        self._statements = statements
        self._known = known
        self._function: Callable[[object], object] | None = None

    def __call__(self, context: object) -> object:
        if self._function is None:
            text = "\n".join(["def _later(context):", *indented(self._statements)])
            self._function = _defined("_later", text, self._known)
        return self._function(context)


def indented(statements: Sequence[str]) -> list[str]:
    """Statements, one level further in."""
    return [f"{_INDENT}{line}" for line in statements]


def _defined(name: str, text: str, known: dict[str, object]) -> Callable[..., Any]:
    defined: dict[str, Callable[..., Any]] = {}
    exec(compile(text, _FILE, "exec", dont_inherit=True), known, defined)  # noqa: S102  (constants are spelt by repr)
    return defined[name]
