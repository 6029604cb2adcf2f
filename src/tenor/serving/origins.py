"""Which names a server goes by, and which web pages may send to it: against pages that use a visitor's browser.

A web page can point its own domain at a server that only its visitor can reach: DNS rebinding. The browser then takes
both for one site, but still sends the page's domain as `Host`. So `Host` has to be an address, a name that nobody can
hold on the public Internet, or a name that the server was told. Requests that change something have to come from a page
of the server itself, from a page that was named, or from no page.
"""

import ipaddress
import re
from collections.abc import MutableMapping
from typing import Any

from tenor.errors import SettingsError

_LABELS = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
"""A name in ASCII and lower case. Some resolvers take other characters, such as '。' or '%2e', for its dots."""
_HOST = re.compile(rf"(\[[0-9a-f:.]+\]|{_LABELS}\.?)(?::([0-9]{{1,5}}))?")
_NAME = re.compile(rf"\*|(?:\*\.)?{_LABELS}")
_RESERVED = (".localhost", ".local", ".internal", ".home.arpa")
"""Ends of names that are never given to anybody on the Internet: RFC 6761, RFC 6762, RFC 8375, ICANN 2024."""
_PORTS = {"http": "80", "https": "443"}
_PROBES = frozenset({"/health/live", "/health/ready"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Origins:
    """Says which requests a browser may have been tricked into.

    Args:
        hosts: Names of the server beside its addresses and local names; `*.example.org` is all below it, `*` any.
        pages: Origins of web pages that may ask, such as https://example.org; `*` is all of them.

    Raises:
        SettingsError: A name cannot be one.
    """

    def __init__(self, allowed_hosts: tuple[str, ...] = (), allowed_origins: tuple[str, ...] = ()) -> None:
        for host in allowed_hosts:
            if not _NAME.fullmatch(host.lower()) and _address(host) is None:
                raise SettingsError(
                    f"{host!r} is not a name that a server can have.", "Write it without scheme, port and path."
                )
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._pages = frozenset(allowed_origins)

    def refusal(self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """The status and the words with which a request is refused, or None.

        Args:
            scope: The request, as ASGI has it.
            headers: Its headers.
        """
        for header in (b"host", b"origin"):
            if sum(name == header for name, _ in scope["headers"]) > 1:
                return 400, f"the request has more than one header {header.decode().capitalize()}."
        host = headers.get(b"host")
        if host is not None and scope["path"] not in _PROBES and not self._is_own(host):
            return 421, (
                "the request names a host that the server does not know. If it names this server, start it with: "
                "tenor serve MODEL --allowed-host NAME"
            )
        page = headers.get(b"origin")
        if page is None or scope["method"] in _READING or self._may_send(page, host or b""):
            return None
        return 403, (
            "a web page of another site may not send this. To allow its origin, start the server with: "
            "tenor serve MODEL --cors ORIGIN"
        )

    def _is_own(self, host: bytes) -> bool:
        found = _HOST.fullmatch(host.decode("latin-1").lower())
        return found is not None and (_is_local(found[1]) or self._is_named(found[1]))

    def _is_named(self, name: str) -> bool:
        name = name.removesuffix(".")
        above = name.split(".")
        wild = {"*", *("*." + ".".join(above[start:]) for start in range(1, len(above)))}
        return name in self._hosts or not wild.isdisjoint(self._hosts)

    def _may_send(self, page: bytes, host: bytes) -> bool:
        origin, authority = page.decode("latin-1").lower(), host.decode("latin-1").lower()
        if not self._pages.isdisjoint({"*", origin}):
            return True
        scheme, _, place = origin.partition("://")
        here, there = _HOST.fullmatch(authority), _HOST.fullmatch(place)
        if there is None or scheme not in _PORTS:
            return False
        if here is not None and here[1] == there[1] and _port(here, scheme) == _port(there, scheme):
            return True
        return self._is_named(there[1])  # what stands in front of the server may send it another Host


def _port(found: re.Match[str], scheme: str) -> str:
    return found[2] or _PORTS[scheme]


def _is_local(name: str) -> bool:
    """Whether this is an address or a name that no stranger can make point here."""
    name = name.removesuffix(".")
    return "." not in name or _address(name) is not None or name.endswith(_RESERVED)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
