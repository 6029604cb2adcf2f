"""Checks the headers Host and Origin of requests, against web pages that use a visitor's browser.

A web page can point its own domain at a server that only its visitor can reach (DNS rebinding). The browser then takes
both for one site, but still sends the page's domain as `Host`. So `Host` has to be an address, a name that nobody can
register on the public Internet, or a name in the server's options. Requests that change something have to come from a
page of the server itself, from an allowed origin, or from no page.
"""

import ipaddress
import re

from tenor._core.language import tr
from tenor.errors import SettingsError
from tenor.serving.asgi import Message

_LABELS = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
"""A name in ASCII and lower case. Some resolvers take other characters, such as '。' or '%2e', for its dots."""
_HOST = re.compile(rf"(\[[0-9a-f:.]+\]|{_LABELS}\.?)(?::([0-9]{{1,5}}))?")
_NAME = re.compile(rf"\*|(?:\*\.)?{_LABELS}")
_RESERVED = (".localhost", ".local", ".internal", ".home.arpa")
"""Ends of names that nobody can register on the Internet: RFC 6761, RFC 6762, RFC 8375, ICANN 2024."""
_PORTS = {"http": "80", "https": "443"}
_PROBES = frozenset({"/health/live", "/health/ready"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Origins:
    """Refuses requests that a web page may have caused a browser to send."""

    def __init__(self, allowed_hosts: tuple[str, ...] = (), allowed_origins: tuple[str, ...] = ()) -> None:
        """Allow these names.

        Args:
            allowed_hosts: Names of the server besides its addresses and local names; `*.example.org` allows all names
                below it, `*` any name.
            allowed_origins: Allowed CORS origins, such as https://example.org; `*` allows any.

        Raises:
            SettingsError: A name cannot be the name of a host.
        """
        for host in allowed_hosts:
            if not _NAME.fullmatch(host.lower()) and _address(host) is None:
                raise SettingsError(
                    tr("{host!r} is not a name that a server can have.", host=host),
                    tr("Write it without scheme, port and path."),
                )
        self._hosts = frozenset(host.lower() for host in allowed_hosts)
        self._origins = frozenset(allowed_origins)

    def refusal(self, scope: Message, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        """The status and the text with which a request is refused; None: it is not.

        Args:
            scope: The request in ASGI's form.
            headers: Its headers.
        """
        for header in (b"host", b"origin"):
            if sum(name == header for name, _ in scope["headers"]) > 1:
                return 400, tr(
                    "the request has more than one header {capitalize}.", capitalize=header.decode().capitalize()
                )
        host = headers.get(b"host")
        if host is not None and scope["path"] not in _PROBES and not self._is_own(host):
            return 421, (
                tr(
                    "the request names a host that the server does not know. If it names this server, "
                    "start it with: tenor serve MODEL --allowed-host NAME"
                )
            )
        page = headers.get(b"origin")
        if page is None or scope["method"] in _READING or self._may_send(page, host or b""):
            return None
        return 403, (
            tr(
                "a web page of another site may not send this. To allow its origin, start the server "
                "with: tenor serve MODEL --cors ORIGIN"
            )
        )

    def _is_own(self, host: bytes) -> bool:
        match = _HOST.fullmatch(host.decode("latin-1").lower())
        return match is not None and (_is_local(match[1]) or self._is_named(match[1]))

    def _is_named(self, name: str) -> bool:
        name = name.removesuffix(".")
        above = name.split(".")
        wild = {"*", *("*." + ".".join(above[start:]) for start in range(1, len(above)))}
        return name in self._hosts or not wild.isdisjoint(self._hosts)

    def _may_send(self, page: bytes, host: bytes) -> bool:
        origin, authority = page.decode("latin-1").lower(), host.decode("latin-1").lower()
        if not self._origins.isdisjoint({"*", origin}):
            return True
        scheme, _, origin_authority = origin.partition("://")
        host_match, origin_match = _HOST.fullmatch(authority), _HOST.fullmatch(origin_authority)
        if origin_match is None or scheme not in _PORTS:
            return False
        if host_match is not None and _name_and_port(host_match, scheme) == _name_and_port(origin_match, scheme):
            return True
        return self._is_named(origin_match[1])  # a proxy may send another Host


def _name_and_port(match: re.Match[str], scheme: str) -> tuple[str, str]:
    return match[1], match[2] or _PORTS[scheme]


def _is_local(name: str) -> bool:
    """Whether this is an address, or a name that a stranger cannot direct to this machine."""
    name = name.removesuffix(".")
    return "." not in name or _address(name) is not None or name.endswith(_RESERVED)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
