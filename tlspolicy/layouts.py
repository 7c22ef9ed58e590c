"""Stalwart's layouts: the data of a document → which rules it has for which setting.

A document is Stalwart's own, and what it says of other things is passed over. It is recognised by its keys:

- to 0.12, `[queue.outbound.tls]`: a rule list for each setting
  (https://stalw.art/docs/0.11/smtp/outbound/tls);
- 0.13 to 0.15, `[queue.strategy]` and `[queue.tls.NAME]`: a rule list that gives the name of a strategy
  (https://stalw.art/docs/0.13/mta/outbound/tls);
- 0.16, the objects `MtaOutboundStrategy` and `MtaTlsStrategy`: the same, in JSON.

A key that is not known inside a table that is ours is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import Place, PolicySyntaxError, Problems, did_you_mean, listed, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_TLS: Final = ("queue", "outbound", "tls")
_TIMEOUTS: Final = ("queue", "outbound", "timeouts")
_TLS_KEYS: Final = {
    "starttls": "starttls",
    "allow-invalid-certs": "allow_invalid_certs",
    "dane": "dane",
    "mta-sts": "mta_sts",
}
_TIMEOUT_KEYS: Final = {"tls": "tls_timeout", "mta-sts": "mta_sts_timeout"}
# Stalwart's own, which are near to none of ours by mistake.
_OUTBOUND: Final = frozenset({"hostname", "ip-strategy", "limits", "next-hop", "source-ip", "timeouts", "tls"})
_TIMEOUTS_OF_OTHERS: Final = frozenset({"connect", "greeting", "ehlo", "mail-from", "rcpt-to", "data"})

_SELECTOR: Final = ("queue", "strategy", "tls")
_STRATEGIES: Final = ("queue", "tls")

SINGLETON: Final = "MtaOutboundStrategy"
NAMED: Final = "MtaTlsStrategy"
_OBJECT_KEYS: Final = {
    "allowInvalidCerts": "allow_invalid_certs",
    "startTls": "starttls",
    "dane": "dane",
    "mtaSts": "mta_sts",
    "tlsTimeout": "tls_timeout",
    "mtaStsTimeout": "mta_sts_timeout",
}
_OBJECT_NOTES: Final = frozenset({"name", "description", "id"})


class Found(NamedTuple):
    """Data of a document, and where it stands."""

    data: object
    place: Place


class Layout(NamedTuple):
    """What a document has.

    Args:
        rules: the rule list of each setting that is there, by the setting's name; or that of `strategy`, alone.
        strategies: where `strategy` is there, each strategy's settings by their names, by the strategy's name.
    """

    rules: dict[str, Found]
    strategies: dict[str, dict[str, Found]] | None = None


def layout(document: Mapping[str, object], place: Place, problems: Problems) -> Layout:
    """What a document has of a policy.

    Args:
        document: its data.
        place: its file.
        problems: gets what is wrong with parts of it, such as a key that is not known.

    Raises:
        PolicySyntaxError: it has no policy, or policies in two layouts.
    """
    _refuse_nearly(document, place)
    readers = {
        "the table [queue.outbound.tls]": _by_setting if _has_settings(document, place) else None,
        "the tables [queue.strategy] and [queue.tls.NAME]": _by_name if _has_strategies(document, place) else None,
        f"the objects {SINGLETON} and {NAMED}": _by_object if document.keys() & {SINGLETON, NAMED} else None,
    }
    found = {name: reader for name, reader in readers.items() if reader}
    if not found:
        message = f"there is no TLS policy in this document: looked for {listed(readers)}"
        raise PolicySyntaxError(message, place=place)
    if len(found) > 1:
        raise PolicySyntaxError(f"there are two policies in this document: {listed(found, 'and')}", place=place)
    (reader,) = found.values()
    return reader(document, place, problems)


def _refuse_nearly(document: Mapping[str, object], place: Place) -> None:
    """Refuse a table or object whose name is nearly one of ours: what it says would be passed over."""
    outbound = _TLS[:-1]
    for key in _table(document, outbound, place) or {}:
        if key not in _OUTBOUND and (hint := did_you_mean(str(key), ("tls", "timeouts"))):
            raise PolicySyntaxError(f"unknown table {quoted(key)}{hint}", place=_at(place, *outbound, str(key)))
    for key in document:
        ours = next((name for name in (SINGLETON, NAMED) if name.casefold() == str(key).strip().casefold()), key)
        if ours != key:
            message = f"unknown object {quoted(key)}; did you mean '{ours}'?"
            raise PolicySyntaxError(message, place=_at(place, str(key)))
        if str(key).startswith("queue."):
            message = f"the key {quoted(key)} is in quotes as a whole: write its parts as tables, or without quotes"
            raise PolicySyntaxError(message, place=_at(place, str(key)))


def _has_settings(document: Mapping[str, object], place: Place) -> bool:
    timeouts = _table(document, _TIMEOUTS, place) or {}
    return _table(document, _TLS, place) is not None or bool(timeouts.keys() & _TIMEOUT_KEYS)


def _has_strategies(document: Mapping[str, object], place: Place) -> bool:
    return "tls" in (_table(document, _SELECTOR[:-1], place) or {}) or _table(document, _STRATEGIES, place) is not None


def _by_setting(document: Mapping[str, object], place: Place, problems: Problems) -> Layout:
    tls = _table(document, _TLS, place) or {}
    timeouts = _table(document, _TIMEOUTS, place) or {}
    ours = {key: value for key, value in timeouts.items() if key not in _TIMEOUTS_OF_OTHERS}
    return Layout(
        {
            **_settings(tls, _TLS_KEYS, _at(place, *_TLS), problems),
            **_settings(ours, _TIMEOUT_KEYS, _at(place, *_TIMEOUTS), problems),
        }
    )


def _by_name(document: Mapping[str, object], place: Place, problems: Problems) -> Layout:
    selectors = _table(document, _SELECTOR[:-1], place) or {}
    if "tls" not in selectors:
        message = "queue.strategy.tls is missing: it says which of the strategies to take"
        raise PolicySyntaxError(message, place=_at(place, *_SELECTOR[:-1]))
    rules = {"strategy": Found(selectors["tls"], _at(place, *_SELECTOR))}
    strategies: dict[str, dict[str, Found]] = {}
    for name, table in (_table(document, _STRATEGIES, place) or {}).items():
        with problems:
            at = _at(place, *_STRATEGIES, str(name))
            found = dict(_checked_table(table, at))
            timeouts = _checked_table(found.pop("timeout", {}), _at(at, "timeout"))
            strategies[name] = {
                **_settings(found, _TLS_KEYS, at, problems),
                **_settings(timeouts, _TIMEOUT_KEYS, _at(at, "timeout"), problems),
            }
    return Layout(rules, strategies)


def _by_object(document: Mapping[str, object], place: Place, problems: Problems) -> Layout:
    singleton = _checked_table(document.get(SINGLETON, {}), _at(place, SINGLETON))
    for key in singleton:
        if key != "tls" and key.partition("/")[0].strip().casefold() == "tls":
            raise PolicySyntaxError(f"unknown key {quoted(key)}; did you mean 'tls'?", place=_at(place, SINGLETON, key))
    if "tls" not in singleton:
        message = f"{SINGLETON} with its 'tls' is missing: it says which of the strategies to take"
        raise PolicySyntaxError(message, place=place)
    rules = {"strategy": Found(singleton["tls"], _at(place, SINGLETON, "tls"))}
    strategies: dict[str, dict[str, Found]] = {}
    for data, at in _objects(document.get(NAMED, ()), _at(place, NAMED)):
        with problems:
            strategy = _checked_table(data, at)
            name = strategy.get("name")
            if not isinstance(name, str):
                raise PolicySyntaxError("a strategy has a 'name', which is a text", place=at)
            if name in strategies:
                raise PolicySyntaxError(f"there are two strategies of the name {quoted(name)}", place=at)
            noted = {key: value for key, value in strategy.items() if key not in _OBJECT_NOTES}
            strategies[name] = _settings(noted, _OBJECT_KEYS, at, problems)
    return Layout(rules, strategies)


def object_of(change: object) -> str | None:
    """The name of the object that a line of a plan changes, without the `x:` that may stand before it."""
    name = change.get("object") if isinstance(change, dict) else None
    if not isinstance(name, str):
        return None
    plain = re.sub("^x:", "", name, flags=re.IGNORECASE)
    return next((ours for ours in (SINGLETON, NAMED) if ours.casefold() == plain.strip().casefold()), plain)


def strategy_name(key: str, strategy: object) -> str | tuple[str, str]:
    """The name of a strategy of a plan, by which a later change knows it; of one that has none, its key in a pair."""
    name = strategy.get("name") if isinstance(strategy, dict) else None
    return name if isinstance(name, str) else ("", key)


def _objects(data: object, place: Place) -> Iterator[Found]:
    """The objects of a list, or of a table by any id."""
    if isinstance(data, Mapping):
        yield from (Found(each, _at(place, str(key))) for key, each in data.items())
    elif isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        yield from (Found(each, Place(place.file, f"{place.key}[{index}]")) for index, each in enumerate(data))
    else:
        raise PolicySyntaxError("this must be a list of objects, or a table of them", place=place)


def _settings(
    table: Mapping[str, object], keys: Mapping[str, str], place: Place, problems: Problems
) -> dict[str, Found]:
    """What a table says of each setting; a key that is none of `keys` is a problem."""
    found: dict[str, Found] = {}
    for key, value in table.items():
        with problems:
            if key not in keys:
                message = f"unknown key {quoted(key)}{did_you_mean(key, keys)}"
                raise PolicySyntaxError(message, place=_at(place, key))
            found[keys[key]] = Found(value, _at(place, key))
    return found


def _table(document: Mapping[str, object], path: tuple[str, ...], place: Place) -> Mapping[str, object] | None:
    """The table at `path`; `None` where there is none."""
    table = _checked_table(document, place)
    for depth, key in enumerate(path, start=1):
        if key not in table:
            return None
        table = _checked_table(table[key], _at(place, *path[:depth]))
    return table


def _checked_table(data: object, place: Place) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise PolicySyntaxError("this must be a table", place=place)
    for key in data:
        if not isinstance(key, str):
            raise PolicySyntaxError(f"a key is a text, and this is {quoted(key)}", place=place)
    return data


def _at(place: Place, *path: str) -> Place:
    return Place(file=place.file, key=".".join(filter(None, (place.key, *path))))
