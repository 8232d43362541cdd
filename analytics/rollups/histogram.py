"""Histogram of cycle times. Percentiles are read from summed buckets, never averaged over days.

The average of two medians means nothing; the median of two summed histograms does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from django.utils.translation import gettext

# Bucket edges in hours, each about twice the one before: 1 h to 16 h, 1 d to 4 d, 1 w to 16 w. A bucket includes its
# lower edge and excludes its upper edge; the first begins at zero, the last has no end. After a change here run
# `manage.py rebuild_stats`.
BUCKET_EDGES = (1, 2, 4, 8, 16, 24, 48, 96, 168, 336, 672, 1344, 2688)
BUCKET_COUNT = len(BUCKET_EDGES) + 1
EMPTY_HISTOGRAM = (0,) * BUCKET_COUNT


def bucket_of(hours: float) -> int:
    return bisect_right(BUCKET_EDGES, hours)


def bounds(bucket: int) -> tuple[int, int | None]:
    """Return the lower and upper edge of a bucket in hours; the last bucket has no upper edge."""
    lower = BUCKET_EDGES[bucket - 1] if bucket else 0
    return lower, BUCKET_EDGES[bucket] if bucket < len(BUCKET_EDGES) else None


def label(bucket: int) -> str:
    """Return a bucket as people say it: `under 1 h`, `1 d to 2 d`, `16 w or more`."""
    lower, upper = bounds(bucket)
    if upper is None:
        return gettext("%(lower)s or more") % {"lower": format_hours(lower)}
    return (
        gettext("%(lower)s to %(upper)s") % {"lower": format_hours(lower), "upper": format_hours(upper)}
        if lower
        else f"under {format_hours(upper)}"
    )


def format_hours(hours: int) -> str:
    """Write whole hours as people say them: `16 h`, `4 d`, `2 w`."""
    for unit, length in (("w", 168), ("d", 24)):
        if hours >= length and hours % length == 0:
            return f"{hours // length} {unit}"
    return f"{hours} h"


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return the percentile in hours, or None without tasks; `share` is from 0 to 1.

    The result lies in the bucket of the exact percentile, interpolated as if that bucket's tasks were spread evenly
    on a logarithmic scale. For the last bucket only the lower edge is known: read it as "at least".
    """
    rank = share * sum(counts)
    below = 0
    for bucket, count in enumerate(counts):
        if count and below + count >= rank:
            lower, upper = bounds(bucket)
            if upper is None:
                return float(lower)
            fraction = (rank - below) / count
            # The first bucket begins at zero, which has no logarithm: interpolate linearly there.
            return float(lower * (upper / lower) ** fraction) if lower else upper * fraction
        below += count
    return None
