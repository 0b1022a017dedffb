"""Where a provider may be: outside, or among the hosts that the site names. No door to the inner network."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address

from helpdesk import conf


def is_allowed(host: str) -> bool:
    """Tell whether a server may be asked: all its addresses are public, or `OAUTH_PRIVATE_HOSTS` names it.

    A name that cannot be resolved is left to whoever connects.
    """
    if host.lower() in {str(one).lower() for one in conf.get("OAUTH_PRIVATE_HOSTS")}:
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return True
    return all(_is_public(str(one[4][0])) for one in found)


def _is_public(address: str) -> bool:
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast
