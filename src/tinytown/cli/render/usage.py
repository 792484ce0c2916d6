"""What a mission has asked of its forge, for people and as JSON."""

from __future__ import annotations

from typing import Any

from tinytown.cli.render.text import plain
from tinytown.services.usage import Usage
from tinytown.store.forge_quota import EVERYTHING, THE_TOKEN, QuotaSeen


def usage_lines(usage: Usage) -> list[str]:
    """Requests and quotas; nothing for a forge that counts none."""
    made = usage.requests
    if not made.sent:
        return []
    parts = ", ".join(f"{name} {number:,}" for name, number in made.by_resource.items())
    first = f"🌐 Requests: {made.sent:,} ({parts}), {made.free:,} free, {made.failed:,} failed"
    return [first, *(f"   {line}" for quota in usage.quotas for line in _quota_lines(quota))]


def _quota_lines(quota: QuotaSeen) -> list[str]:
    lines = []
    if quota.remaining is not None and quota.limit is not None and quota.reset is not None:
        slowed = "; looks are slowed until then" if quota.slowed_until is not None else ""
        left = f"{quota.remaining:,} of {quota.limit:,} left until {quota.reset:%H:%M:%S} UTC"
        lines.append(f"quota {quota.resource}: {left}{slowed}")
    if quota.blocked_until is not None:
        what = "nothing" if quota.resource in {EVERYTHING, THE_TOKEN} else f"nothing of {quota.resource}"
        lines.append(f"⚠️  {what} is asked until {quota.blocked_until:%H:%M:%S} UTC: {plain(quota.why)}")
    return lines


def usage_record(usage: Usage) -> dict[str, Any]:
    """The same as JSON."""
    made = usage.requests
    counts = {"sent": made.sent, "free": made.free, "failed": made.failed, "by_resource": dict(made.by_resource)}
    return {"requests": counts, "quotas": list(usage.quotas)}
