"""The functions on mail and IP addresses."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from tlspolicy.expressions.text_functions import WHITE_SPACE, maps
from tlspolicy.expressions.values import Value, text

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_PREFIX = r"\+?0*[0-9]{1,3}"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_QUOTED = r'"(?>(?:[^"\\]|\\.)+)"'
_WORD = rf"(?>(?:{_ATOM}|{_QUOTED})+)"
_EMAIL = rf"{_WORD}(?>(?:\.{_WORD})*)\.?+@{_ATOM}\.(?>(?:{_ATOM}(?>(?:\.{_ATOM})*)\.?+)?)"

_SHORTEST_PREFIX = 8
_IPV4 = 4
_IPV4_MAX = 2**32 - 1


@cache
def _email() -> re.Pattern[str]:
    """Compiled when it is first needed: it takes a tenth of the time in which the library is imported."""
    return re.compile(_EMAIL, re.DOTALL)


def is_email(value: Value) -> Value:
    """Whether a text has the form of an address with a dot in its domain (RFC 5321, section 4.1.2; RFC 6531).

    Neither the length nor the top-level domain is looked at, and a dot at the end is no mistake.
    """
    return int(_email().fullmatch(text(value)) is not None)


@maps
def email_part(address: str, part: Value) -> Value:
    """The part before (`'local'`) or after (`'domain'`) the last `@`, trimmed; `''` otherwise."""
    local, at, domain = address.rpartition("@")
    if not at:
        return ""
    return {"local": local, "domain": domain}.get(text(part), "").strip(WHITE_SPACE)


def is_ip_addr(value: Value) -> Value:
    """Whether a text is an IPv4 or IPv6 address."""
    return int(_address(text(value)) is not None)


def is_ipv4_addr(value: Value) -> Value:
    """Whether a text is an IPv4 address."""
    address = _address(text(value))
    return int(address is not None and address.version == _IPV4)


def is_ipv6_addr(value: Value) -> Value:
    """Whether a text is an IPv6 address."""
    address = _address(text(value))
    return int(address is not None and address.version != _IPV4)


def ip_reverse_name(value: Value) -> Value:
    """The octets of an IPv4 address or the nibbles of an IPv6 address in reverse; `''` for what is no address.

    As DNS has them: RFC 1035, section 3.5, and RFC 3596, section 2.5.
    """
    address = _address(text(value))
    return address.reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa") if address else ""


def is_ip_in_cidr(value: Value, network: Value) -> Value:
    """Whether an address is in a network such as `192.0.2.0/24`, or is the address that stands in its place.

    A prefix of less than 8 bits is that of no network. Where the network is one of IPv6, an IPv4 address is
    taken as the IPv6 address that stands for it, and the other way round.
    """
    address, within = _address(text(value)), _network(text(network))
    if address is None or within is None:
        return 0
    counterpart = address if address.version == within.version else _counterpart(address)
    return int(counterpart is not None and counterpart in within)


def _network(value: str) -> IPv4Network | IPv6Network | None:
    written, slash, prefix = value.partition("/")
    address = _address(written.strip(WHITE_SPACE))
    if address is None:
        return None
    from ipaddress import ip_network  # noqa: PLC0415  (wanted by few rules)

    if not slash:
        return ip_network(address)
    prefix = prefix.strip(WHITE_SPACE)
    if not re.fullmatch(_PREFIX, prefix) or not _SHORTEST_PREFIX <= int(prefix) <= address.max_prefixlen:
        return None
    return ip_network((address, int(prefix)), strict=False)


def _counterpart(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address | None:
    """The address of the other version that stands for the same host (RFC 4291, section 2.5.5).

    An IPv4 address is mapped; an IPv6 address may be mapped or, as was done once, compatible.
    """
    from ipaddress import IPv4Address, IPv6Address  # noqa: PLC0415  (wanted by few rules)

    if isinstance(address, IPv4Address):
        return IPv6Address(f"::ffff:{address}")
    compatible = IPv4Address(int(address)) if int(address) <= _IPV4_MAX else None
    return address.ipv4_mapped or compatible


def _address(value: str) -> IPv4Address | IPv6Address | None:
    """`value` as an address: no blanks, leading zeros, brackets or zones."""
    from ipaddress import ip_address  # noqa: PLC0415  (wanted by few rules)

    if "%" in value:
        return None
    try:
        return ip_address(value)
    except ValueError:
        return None
