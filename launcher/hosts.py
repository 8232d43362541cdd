"""Host names and addresses under which TaskFlow may be asked for (ALLOWED_HOSTS)."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
from pathlib import Path

# Addresses of all interfaces, and the one of this machine that reaches a server on them.
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def in_url(host: str) -> str:
    """Return a host as a URL writes it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def allowed_hosts(host: str) -> list[str]:
    """Return ALLOWED_HOSTS for a server that listens on HOST.

    With a wildcard address that is everything this machine is known by. The variable ALLOWED_HOSTS replaces all but
    127.0.0.1, under which the launcher itself asks whether the server is ready.
    """
    if own := os.environ.get("ALLOWED_HOSTS"):
        return list(dict.fromkeys([*(name.strip() for name in own.split(",") if name.strip()), LOCAL_HOSTS[0]]))
    others = [host] if host not in WILDCARDS else [*_host_names(), *_addresses()]
    return list(dict.fromkeys([*LOCAL_HOSTS, *(in_url(name).lower() for name in others if name)]))


def _host_names() -> list[str]:
    name = socket.gethostname()
    # `.local` is how other machines of the network find it without a name server (RFC 6762).
    return [name, socket.getfqdn(), f"{name.partition('.')[0]}.local"]


def _addresses() -> list[str]:
    """Return the addresses of this machine's interfaces that others can reach."""
    result: list[str] = []
    with contextlib.suppress(OSError):
        result += [str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None)]
    # The address of the interface that leads outside; connecting a UDP socket sends nothing.
    for family, target in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            result.append(probe.getsockname()[0])
    # Linux lists the others; elsewhere ALLOWED_HOSTS names them.
    with contextlib.suppress(OSError):
        result += re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", Path("/proc/net/fib_trie").read_text())
    with contextlib.suppress(OSError):
        for line in Path("/proc/net/if_inet6").read_text().splitlines():
            result.append(str(ipaddress.IPv6Address(int(line.split()[0], 16))))
    # An address of one link has a zone, which no Host header can hold.
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(result)]
    return [str(address) for address in addresses if not address.is_loopback and not address.is_link_local]
