from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.rollups.histogram import (
    BUCKET_COUNT,
    BUCKET_EDGES,
    EMPTY_HISTOGRAM,
    bounds,
    bucket_of,
    label,
    percentile,
)

HOURS = st.lists(st.floats(0, 5000), min_size=1, max_size=60)


def bucket_counts(hours: list[float]) -> list[int]:
    buckets = list(map(bucket_of, hours))
    return [buckets.count(bucket) for bucket in range(BUCKET_COUNT)]


@pytest.mark.parametrize(
    ("hours", "bucket"), [(0, 0), (0.99, 0), (1, 1), (23.9, 5), (24, 6), (2687, 12), (2688, 13), (9e9, 13)]
)
def test_bucket_includes_its_lower_edge(hours, bucket):
    assert bucket_of(hours) == bucket


def test_edges_grow_by_at_most_a_factor_of_two():
    assert all(1 < upper / lower <= 2 for lower, upper in pairwise(BUCKET_EDGES))


def test_labels_name_the_edges_of_a_bucket():
    assert [label(bucket) for bucket in (0, 1, 5, 6, 8, 13)] == [
        "under 1 h", "1 h to 2 h", "16 h to 1 d", "1 d to 2 d", "4 d to 1 w", "16 w or more",
    ]  # fmt: skip


def test_percentile_without_tasks_is_none():
    assert percentile(EMPTY_HISTOGRAM, 0.5) is None


def test_percentiles_are_interpolated_within_their_bucket():
    counts = list(EMPTY_HISTOGRAM)
    counts[0], counts[3], counts[13] = 4, 4, 2

    assert percentile(counts, 0.2) == 0.5
    assert percentile(counts, 0.6) == pytest.approx(math.sqrt(4 * 8))
    assert percentile(counts, 0.95) == 2688


@given(HOURS, st.sampled_from([0.5, 0.85, 0.95]))
def test_percentile_lies_in_the_bucket_of_the_exact_percentile(hours, share):
    exact = sorted(hours)[math.ceil(share * len(hours)) - 1]

    lower, upper = bounds(bucket_of(exact))

    assert lower <= percentile(bucket_counts(hours), share) <= (upper or lower)


@given(HOURS)
def test_percentiles_are_in_order(hours):
    counts = bucket_counts(hours)

    assert percentile(counts, 0.5) <= percentile(counts, 0.85) <= percentile(counts, 0.95)
