"""Schema: which variables and constants an expression may name, and how their values are read from a context."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from types import MappingProxyType, MemberDescriptorType
from typing import Any, get_origin, get_type_hints

from tlspolicy.errors import PolicyTypeError, PolicyValueError
from tlspolicy.expressions.functions import FUNCTIONS
from tlspolicy.expressions.values import UnusableValueError, Value, language_value

TYPES = (int, float, str, tuple)
# What the grammar takes for a name, and not for a number, a duration or a truth value.
_NAME = re.compile(r"(?!(?:true|false|[0-9.]+|[0-9]+(?:[dhmsDHMS]|[mM][sS]))\Z)[A-Za-z0-9_.][A-Za-z0-9_.$]*", re.ASCII)
CHECKED = "__{}__"
"""A slot's second name in a class that has checked its instances: one that no mock object makes up."""
LONGEST_CHECKED = 65_536
_GLOBAL = re.compile(r"(?!\$[0-9]*\Z)\$[A-Za-z0-9_.$]*", re.ASCII)


@dataclass(frozen=True)
class Schema:
    """What an expression may name.

    A context of a schema made by hand is a mapping: its values may be of any type of the language, whatever the schema
    says, and a variable that is absent is `''`. `Schema.of` makes one whose contexts are objects.

    Args:
        variables: each variable's type: `int`, `float`, `str` or `tuple`.
        constants: the value of each constant, and of each `$name` that is not to be 0.
        functions: what answers each function that asks the world, such as `is_local_domain`, or that the language does
            not have at all. It is called with values of the language and gives one: a `bool` is taken as 1 or 0, a
            `list` as a `tuple`, `None` as `''`. A coroutine function is for `evaluate_async` alone.

    Raises:
        PolicyTypeError: a type or a value that the language does not have, a function that can't be called.
        PolicyValueError: a name that no expression could spell, or that means two things.
    """

    variables: Mapping[str, type]
    constants: Mapping[str, Value] = field(default_factory=dict)
    functions: Mapping[str, Callable[..., object]] = field(default_factory=dict)
    context_class: type | None = field(default=None, init=False)
    is_checked: bool = field(default=False, init=False, repr=False, compare=False)
    """Whether the class promises that it has checked what its instances hold.

    A class does that by giving the slot of each variable a second name, that of `CHECKED`. Then the slots hold what
    their annotations say, and no text of more than `LONGEST_CHECKED` characters.
    """

    def __post_init__(self) -> None:
        """Check and copy what was given."""
        given_by_name = {"variables": self.variables, "constants": self.constants, "functions": self.functions}
        for what, given in given_by_name.items():
            if not isinstance(given, Mapping):
                raise PolicyTypeError(f"the {what} of a schema must be a mapping, not {type(given).__name__}")
        constants = {name: _constant(name, value) for name, value in self.constants.items()}
        for name, kind in self.variables.items():
            if kind not in TYPES:
                raise PolicyTypeError(f"variable {name!r}: its type must be int, float, str or tuple, not {kind!r}")
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise PolicyValueError(f"variable {name!r}: an expression can't spell this name")
            if name in constants or name in FUNCTIONS:
                raise PolicyValueError(f"variable {name!r}: this name is a constant or a function already")
        for name, function in self.functions.items():
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                raise PolicyValueError(f"function {name!r}: an expression can't spell this name")
            if name in constants or name in self.variables or name in FUNCTIONS:
                raise PolicyValueError(f"function {name!r}: this name is a variable, a constant or a function already")
            if not callable(function):
                raise PolicyTypeError(f"function {name!r}: a {type(function).__name__} can't be called")
        object.__setattr__(self, "variables", MappingProxyType(dict(self.variables)))
        object.__setattr__(self, "constants", MappingProxyType(constants))
        object.__setattr__(self, "functions", MappingProxyType(dict(self.functions)))

    @classmethod
    def of(
        cls,
        context_class: type,
        constants: Mapping[str, Value] | None = None,
        functions: Mapping[str, Callable[..., object]] | None = None,
    ) -> Schema:
        """Make the schema of a class whose annotated attributes are the variables.

        Contexts are then instances of the class. A value of another type than its annotation says, or one that the
        language does not have, takes longer to evaluate: rules are compiled for what the annotations say. Attributes
        are relied upon not to change while rules are evaluated, and may be read where no rule comes to need them.

        Args:
            context_class: a class that annotates each attribute as `int`, `float`, `str` or `tuple[...]`; attributes
                whose names begin with an underscore are left out.
            constants: as for `Schema`.
            functions: as for `Schema`.

        Raises:
            PolicyTypeError: an annotation of another type.
            PolicyValueError: as for `Schema`.
        """
        try:
            hints: dict[str, Any] = get_type_hints(context_class)
        except (TypeError, NameError) as error:
            raise PolicyTypeError(f"{context_class!r} is no class whose annotations can be read: {error}") from None
        variables = {name: get_origin(hint) or hint for name, hint in hints.items() if not name.startswith("_")}
        schema = cls(variables, constants or {}, functions or {})
        object.__setattr__(schema, "context_class", context_class)
        object.__setattr__(schema, "is_checked", all(_is_checked(context_class, name) for name in variables))
        return schema

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by what it was made of: the views that keep it unchanged can't be."""
        if self.context_class:
            return Schema.of, (self.context_class, dict(self.constants), dict(self.functions))
        return Schema, (dict(self.variables), dict(self.constants), dict(self.functions))

    def __hash__(self) -> int:
        """Equal schemas have equal hashes."""
        return hash((frozenset(self.variables), frozenset(self.constants), self.context_class))

    def with_functions(self, functions: Mapping[str, Callable[..., object]]) -> Schema:
        """The same schema with other functions; raises what `Schema` raises."""
        if self.context_class:
            return Schema.of(self.context_class, self.constants, functions)
        return Schema(self.variables, self.constants, functions)

    def asynchronous(self, function: str) -> bool:
        """Whether `function` is answered by a coroutine function."""
        return is_asynchronous(self.functions.get(function))

    def check_context(self, context: object) -> None:
        """Make sure that `context` is what this schema reads.

        Raises:
            PolicyTypeError: it is not.
        """
        wanted = self.context_class or Mapping
        if not (type(context) is wanted if self.is_checked else isinstance(context, wanted)):
            raise PolicyTypeError(f"the context must be a {wanted.__name__}, not {type(context).__name__}")

    def read(self, context: Any, name: str) -> Value:  # noqa: ANN401  (what check_context let pass)
        """The value of variable `name` in `context`.

        Raises:
            UnusableValueError: there is none, or it is none of the language.
        """
        try:
            value = getattr(context, name) if self.context_class else context.get(name, "")
            return value if self.is_checked else language_value(value)
        except Exception as error:  # A context may be anybody's class, and do anything when it is read.
            raise UnusableValueError(f"variable {name!r}: {error}") from error


def _is_checked(context_class: type, name: str) -> bool:
    slot, second = (_of_class(context_class, each) for each in (name, CHECKED.format(name)))
    return isinstance(slot, MemberDescriptorType) and slot is second


def _of_class(context_class: type, name: str) -> object:
    """What a class has by a name, as it stands there."""
    return next((vars(each)[name] for each in context_class.__mro__ if name in vars(each)), None)


def is_asynchronous(function: object) -> bool:
    """Whether `function` is a coroutine function, or an object that is called as one."""
    return iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def _constant(name: str, value: object) -> Value:
    if not isinstance(name, str) or not (_NAME.fullmatch(name) or _GLOBAL.fullmatch(name)):
        raise PolicyValueError(f"constant {name!r}: an expression can't spell this name")
    try:
        return language_value(value)
    except TypeError as error:
        raise PolicyTypeError(f"constant {name!r}: {error}") from None
    except ValueError as error:
        raise PolicyValueError(f"constant {name!r}: {error}") from None
