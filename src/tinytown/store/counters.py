"""The town's running totals (`T:counters`): what scripts add to where things happen, read as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

RUN_BUCKETS = (1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
"""Upper bounds of the histogram of runs, seconds."""
STEP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Upper bounds of the histogram of dispatchers' steps, seconds."""

_SUM = "sum"


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """How often a value was how large."""

    buckets: tuple[tuple[str, float], ...]
    """Upper bound (`+Inf` at last) and how many values were no larger."""
    sum: float


class Counters(msgspec.Struct, frozen=True):
    """The totals by name; a name is words joined by `|`."""

    values: Mapping[str, float]

    @classmethod
    def of(cls, flat: Sequence[bytes]) -> Counters:
        """From the hash as it was read."""
        names, values = flat[::2], flat[1::2]
        return cls({name.decode(): float(value) for name, value in zip(names, values, strict=True)})

    def of_kind(self, kind: str) -> dict[tuple[str, ...], float]:
        """The totals whose name begins with that word, by the other words, sorted."""
        found = {
            tuple(name.split("|")[1:]): value for name, value in self.values.items() if name.startswith(f"{kind}|")
        }
        return dict(sorted(found.items()))

    def histograms(self, kind: str, bounds: Sequence[float]) -> dict[tuple[str, ...], Histogram]:
        """The histograms of that kind by the other words of their names."""
        by_words: dict[tuple[str, ...], dict[str, float]] = {}
        for (*words, last), value in self.of_kind(kind).items():
            by_words.setdefault(tuple(words), {})[last] = value
        return {words: histogram(parts, bounds) for words, parts in by_words.items()}


def histogram(parts: Mapping[str, float], bounds: Sequence[float]) -> Histogram:
    """A histogram of what was counted in each bucket by itself; an old bucket that is a bound no more counts as `+Inf`."""
    buckets, total = [], 0.0
    for bound in bounds:
        total += parts.get(f"{bound:g}", 0.0)
        buckets.append((f"{bound:g}", total))
    everything = sum(value for name, value in parts.items() if name != _SUM)
    return Histogram(buckets=(*buckets, ("+Inf", everything)), sum=parts.get(_SUM, 0.0))
