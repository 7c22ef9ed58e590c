"""The functions of the language, in one table: how many arguments each takes, what it may give, and what it does.

What a function takes and gives is described where it is defined: in `text_functions`, `array_functions` and
`address_functions`. The names of its parameters and its docstring are what `grammar/README.md` says of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlspolicy.expressions import address_functions as address
from tlspolicy.expressions import array_functions as array
from tlspolicy.expressions import text_functions as text
from tlspolicy.expressions.values import shorter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy.expressions.values import Value

INT = frozenset({int})
TEXT = frozenset({str})
ARRAY = frozenset({tuple})
ANY = frozenset({int, float, str, tuple})
_TEXTS = TEXT | ARRAY  # of a function that maps
_FLAGS = INT | ARRAY


@dataclass(frozen=True, slots=True)
class Function:
    """What the language knows of a function.

    Args:
        arity: the numbers of arguments that it takes.
        returns: the types that its result may have.
        call: the function itself; `None` for `matches`, which the evaluator carries out because it sets the captures.
        passes: about how often it looks at each element that it is given.
        looks_at: of the arguments, those that it looks at: how long the others are does not matter.
    """

    arity: tuple[int, ...]
    returns: frozenset[type]
    call: Callable[..., Value] | None
    passes: int = 1
    looks_at: Callable[..., tuple[Value, ...]] = lambda *arguments: arguments


def _nothing(*_arguments: Value) -> tuple[Value, ...]:
    return ()


FUNCTIONS: dict[str, Function] = {
    "contains": Function((2,), INT, text.contains, looks_at=text.searched),
    "contains_ignore_case": Function((2,), INT, text.contains_ignore_case),
    "count": Function((1,), INT, array.count, looks_at=_nothing),
    "count_chars": Function((1,), INT, text.count_chars),
    "count_lowercase": Function((1,), INT, text.count_lowercase),
    "count_spaces": Function((1,), INT, text.count_spaces),
    "count_uppercase": Function((1,), INT, text.count_uppercase),
    "dedup": Function((1,), ARRAY, array.dedup),
    "email_part": Function((2,), _TEXTS, address.email_part),
    "ends_with": Function((2,), INT, text.ends_with, looks_at=shorter),
    "eq_ignore_case": Function((2,), INT, text.eq_ignore_case),
    "has_digits": Function((1,), _FLAGS, text.has_digits),
    "hash": Function((2,), TEXT, text.hashed),
    "if_then": Function((3,), ANY, array.if_then, looks_at=_nothing),
    "ip_reverse_name": Function((1,), TEXT, address.ip_reverse_name),
    "is_email": Function((1,), INT, address.is_email),
    "is_empty": Function((1,), INT, array.is_empty, looks_at=_nothing),
    "is_intersect": Function((2,), INT, array.is_intersect),
    "is_ip_addr": Function((1,), INT, address.is_ip_addr),
    "is_ip_in_cidr": Function((2,), INT, address.is_ip_in_cidr),
    "is_ipv4_addr": Function((1,), INT, address.is_ipv4_addr),
    "is_ipv6_addr": Function((1,), INT, address.is_ipv6_addr),
    "is_lowercase": Function((1,), _FLAGS, text.is_lowercase),
    "is_number": Function((1,), INT, array.is_number, looks_at=_nothing),
    "is_uppercase": Function((1,), _FLAGS, text.is_uppercase),
    "len": Function((1,), INT, text.length),
    "lines": Function((1,), ANY, text.lines),
    "matches": Function((2,), INT, None),
    "rsplit": Function((2,), ARRAY, text.rsplit),
    "rsplit_once": Function((2,), _TEXTS, text.rsplit_once),
    "sort": Function((2,), ARRAY, array.sort, passes=16),
    "split": Function((2,), ARRAY, text.split),
    "split_n": Function((3,), ARRAY, text.split_n),
    "split_once": Function((2,), _TEXTS, text.split_once),
    "split_words": Function((1,), ARRAY, text.split_words),
    "starts_with": Function((2,), INT, text.starts_with, looks_at=shorter),
    "strip_prefix": Function((2,), _TEXTS, text.strip_prefix),
    "strip_suffix": Function((2,), _TEXTS, text.strip_suffix),
    "substring": Function((3,), TEXT, text.substring),
    "to_lowercase": Function((1,), _TEXTS, text.to_lowercase),
    "to_uppercase": Function((1,), _TEXTS, text.to_uppercase),
    "trim": Function((1,), _TEXTS, text.trim),
    "trim_end": Function((1,), _TEXTS, text.trim_end),
    "trim_start": Function((1,), _TEXTS, text.trim_start),
    "winnow": Function((1,), ANY, array.winnow),
}

PROVIDED: dict[str, tuple[int, ...]] = {
    "config_get": (1,),
    "counter_get": (2,),
    "counter_incr": (3,),
    "dns_query": (2,),
    "is_local_address": (1, 2),
    "is_local_domain": (1, 2),
    "key_exists": (2,),
    "key_get": (2,),
    "key_set": (3,),
    "metric": (1,),
    "sql_query": (3,),
    "system": (1,),
}
"""The functions of Stalwart's that ask the world, with their arities: rules may call those that a schema provides."""
