"""Which addresses may be fetched from when somebody else names them: the web's, never this computer's or its network's."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from itertools import zip_longest
from urllib.parse import urlsplit

import httpx

from klingstudio.domain.errors import UnexpectedReply

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_LOCAL_ENDINGS = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa")
"""Last labels of names that mean something inside a house or a company only."""
_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_STAND_INS = ipaddress.ip_network("198.18.0.0/15")
"""Some tunnels on this computer answer each name with one of these and know the real one by it. Nothing else is there."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_loopback(url: str) -> bool:
    """True when an address stays on this computer."""
    try:
        return urlsplit(url).hostname in _LOOPBACK
    except ValueError:
        return False


def is_plain(url: str) -> bool:
    """True without what one parser strips and another does not: then two of them could see two different hosts."""
    try:
        url.encode()
    except UnicodeEncodeError:
        return False
    return "\\" not in url and not any(c <= " " or c == "\x7f" for c in url)


def check_address(url: str, *, allow_loopback: bool) -> None:
    """Refuse to fetch from anywhere but the web, or this computer where that is allowed.

    Names are looked up only when the connection is made: `public_addresses`.

    Raises:
        UnexpectedReply: it is neither.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise UnexpectedReply("the address is none") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and allow_loopback and host in _LOOPBACK):
        raise UnexpectedReply(f"the address is not https ({parts.scheme}://{parts.hostname})")
    if not host or "@" in parts.netloc or not is_plain(url):
        raise UnexpectedReply("the address is none")
    if allow_loopback and host in _LOOPBACK:
        return
    if not _may_be_public(host):
        raise UnexpectedReply("the address is of this computer or its own network")


def _may_be_public(host: str) -> bool:
    """False for a number that is no public address, in whatever notation, and for names that mean something here only."""
    name = host.removesuffix(".")
    try:
        return is_public(ipaddress.ip_address(name.partition("%")[0]))
    except ValueError:
        pass
    try:
        # Digits of other scripts and dots of other widths become plain ones on the way to the look-up.
        name = httpx.URL(scheme="https", host=name).raw_host.decode("ascii").lower()
    except (httpx.InvalidURL, UnicodeError):
        return False
    _, dot, ending = name.removesuffix(".").rpartition(".")
    # 127.1, 0x7f.0.0.1, 2130706433 and 0177.1 are addresses to a look-up, and no name ends like that.
    is_name = _NAME.fullmatch(name) is not None and bool(dot) and not ending[:1].isdigit()
    return is_name and ending not in _LOCAL_ENDINGS


def is_public(address: IpAddress) -> bool:
    """True for an address on the internet; addresses inside addresses are looked at, too."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inside is None and address in _NAT64:
            inside = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(inside)
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


async def public_addresses(host: str, port: int, *, allow_loopback: bool) -> list[str]:
    """The numbers that a name stands for, IPv6 and IPv4 by turns.

    Raises:
        OSError: there are none.
        UnexpectedReply: one of them is not on the internet, so nothing is sent to any.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(place[0]) for _, _, _, _, place in found]
    if not (allow_loopback and host in _LOOPBACK):
        for address in addresses:
            number = ipaddress.ip_address(address.partition("%")[0])
            if not is_public(number) and number not in _STAND_INS:
                raise UnexpectedReply("the address leads to this computer or its own network")
    return _by_turns(addresses)


def _by_turns(addresses: Iterable[str]) -> list[str]:
    new = [one for one in addresses if ":" in one]
    old = [one for one in addresses if ":" not in one]
    return [one for pair in zip_longest(new, old) for one in pair if one is not None]
