"""What a kind of forge can do that another cannot; a mission remembers its forge's."""

from __future__ import annotations

import msgspec


class ForgeTraits(msgspec.Struct, frozen=True, kw_only=True):
    """Differences between forges that planning has to know."""

    stacks: bool = False
    """Whether a pull request goes into the branch of what it depends on until that is merged."""
    closes: bool = False
    """Whether an issue can be closed by itself, not only by what is merged for it."""
    hears: bool = False
    """Whether people say things below issues."""
    has_status: bool = False
    """Whether each issue has a comment that says how its work is going."""
