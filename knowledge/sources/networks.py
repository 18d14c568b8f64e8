"""Which addresses of machines may be read from: an explicit list, checked before every connection. Pure.

`ipaddress`' own `is_global` is no guard: it says yes to addresses that carry another one inside
(64:ff9b::/96, 2002::/16) and to some that clouds answer from.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

_DENIED_V4 = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",
    "100.64.0.0/10",  # a provider's own, and a cloud's metadata
    "127.0.0.0/8",
    "168.63.129.16/32",  # a cloud's wire server, on a public address
    "169.254.0.0/16",  # link-local, metadata
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments, metadata
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
_PUBLIC_V6 = "2000::/3"  # nothing outside of it is: loopback, mapped, translated, unique local, multicast
_DENIED_V6 = (
    "2001::/23",  # protocol assignments, Teredo
    "2001:db8::/32",
    "2002::/16",  # carries an IPv4 address inside
    "3fff::/20",
)
# What a cloud tells its own machines, passwords included. Only a network named in full opens these.
_METADATA = ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32")


@cache
def _networks(texts: tuple[str, ...]) -> tuple[IpNetwork, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_public(address: IpAddress) -> bool:
    """Say whether an address belongs to the open internet."""
    if address.version == 4:
        return not _is_in(address, _DENIED_V4)
    return _is_in(address, (_PUBLIC_V6,)) and not _is_in(address, _DENIED_V6)


def _is_in(address: IpAddress, networks: tuple[str, ...]) -> bool:
    return any(address in network for network in _networks(networks) if network.version == address.version)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator opens besides the internet: names, and networks."""

    hosts: frozenset[str]
    networks: tuple[IpNetwork, ...]

    @classmethod
    def read(cls, entries: Iterable[str]) -> Allowed:
        """Read names, addresses and networks, as wiki.intra, 10.1.2.3, 10.1.0.0/16."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                hosts.add(entry.lower())
        return cls(frozenset(hosts), tuple(networks))

    def lets(self, host: str, address: IpAddress) -> bool:
        """Say whether the operator opened this address of this host."""
        if any(address in network for network in self.networks if network.version == address.version):
            return True
        return host in self.hosts and not _is_in(address, _METADATA)

    def names(self, host: str) -> bool:
        """Say whether the operator named this host itself: one of the house's own."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in self.hosts
        return any(address in network for network in self.networks if network.version == address.version)
