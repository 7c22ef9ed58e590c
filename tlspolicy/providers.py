"""Ready-made answers for functions that ask the world.

For example `TlsPolicy.load("policy.toml", functions={"is_local_domain": is_local_domain({"example.org"})})`.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, TypeAlias, cast

from tlspolicy.errors import PolicyTypeError
from tlspolicy.expressions.schema import is_asynchronous

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container

    Known: TypeAlias = Container[str] | Callable[[str], bool] | Callable[[str], Awaitable[bool]]


def is_local_domain(known: Known) -> Callable[..., object]:
    """What answers `is_local_domain(domain)`, and the older `is_local_domain(directory, domain)`.

    Args:
        known: the local domains, or a function that says of one whether it is local, which may be a coroutine function.
            Domains are in lower case and have no dot at their end.

    Raises:
        PolicyTypeError: `known` is neither.
    """
    return _provider(known)


def is_local_address(known: Known) -> Callable[..., object]:
    """What answers `is_local_address(address)`, and the older `is_local_address(directory, address)`.

    Args:
        known: the local addresses, or a function that says it of one, as for `is_local_domain`.
    """
    return _provider(known)


def _provider(known: Known) -> Callable[..., object]:
    if isinstance(known, (str, bytes)) or not (callable(known) or hasattr(known, "__contains__")):
        raise PolicyTypeError(f"what is local is a set of names or a function, not {type(known).__name__}")
    if is_asynchronous(known):
        return _Asked(cast("Callable[[str], Awaitable[object]]", known))
    return _Looked(cast("Callable[[str], object]", known) if callable(known) else known.__contains__)


@dataclass(frozen=True, slots=True)
class _Looked:
    known: Callable[[str], object]

    def __call__(self, first: object, second: object = None) -> object:
        answer = self.known(_name(first, second))
        return answer if isawaitable(answer) else bool(answer)


@dataclass(frozen=True, slots=True)
class _Asked:
    known: Callable[[str], Awaitable[object]]

    async def __call__(self, first: object, second: object = None) -> bool:
        return bool(await self.known(_name(first, second)))


def _name(first: object, second: object) -> str:
    """The name that is asked for: the last argument."""
    name = first if second is None else second
    if not isinstance(name, str):
        raise PolicyTypeError(f"a name to look up is a text, not {type(name).__name__}")
    return name.lower().removesuffix(".")
