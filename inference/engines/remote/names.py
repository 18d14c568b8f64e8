"""What a model's name on somebody's server tells. Pure."""

import re
from collections.abc import Iterable
from typing import Final

# Best first: small ones that know many languages, then the rest of the line; reasoning models think too long.
_PREFERRED: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bphi-?3\.5(?!.*(moe|vision))",
        r"\bphi-?4-mini(?!.*reasoning)",
        r"\bphi-?3(?!.*(vision|medium|small|:14b))",
        r"\bphi-?4(?!.*reasoning)",
        r"\bphi-?[3-9]",
    )
)
_NO_SYSTEM_ROLE: Final = re.compile(r"phi-?3[-:_](medium|small|14b)", re.IGNORECASE)


def phi_among(names: Iterable[str]) -> str:
    """Choose a model of the Phi-3 and Phi-4 line; "" where there is none."""
    listed = sorted(names)
    for pattern in _PREFERRED:
        for name in listed:
            if pattern.search(name):
                return name
    return ""


def has_no_system_role(name: str) -> bool:
    """Whether the model's own template drops or refuses a system message."""
    return bool(_NO_SYSTEM_ROLE.search(name))
