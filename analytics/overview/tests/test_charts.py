from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from analytics.overview import charts
from analytics.overview.results import UserWorkload
from analytics.rollups.histogram import BUCKET_COUNT, bucket_of

DAY = date(2026, 3, 2)


def flows(*pairs):
    return [charts.FlowPoint(DAY + timedelta(days=i), DAY + timedelta(days=i), *pair) for i, pair in enumerate(pairs)]


def inside(bar):
    return 0 <= bar.x <= bar.x + bar.width <= 100.01 and bar.y >= 0 and abs(bar.y + bar.height - 100) < 0.02


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (11, 12), (23, 30), (101, 120), (999, 1000)]
)
def test_axis_max_is_round_and_even(highest, top):
    assert charts.axis_max(highest) >= highest
    assert charts.axis_max(highest) % 2 == 0
    assert charts.axis_max(highest) <= max(2, top * 2)


def test_flow_chart_has_two_bars_per_day():
    chart = charts.flow_chart(flows((4, 2), (0, 0), (2, 4)))

    assert [bar.height for bar in chart.bars] == [100, 50, 0, 0, 50, 100]
    assert [bar.css for bar in chart.bars[:2]] == ["s1", "s2"]
    assert all(inside(bar) for bar in chart.bars)
    assert chart.rows[0] == ("2 Mar", "4", "2")


def test_flow_chart_of_a_long_period_has_bars_per_week():
    chart = charts.flow_chart(flows(*[(1, 0)] * 90))

    assert len(chart.bars) == 2 * 13
    assert sum(int(row[1]) for row in chart.rows) == 90
    assert chart.rows[-1][0] == "24 May – 30 May"


@pytest.mark.parametrize(
    ("pair", "text"),
    [
        ((5, 3), "2 more created than completed."),
        ((3, 5), "2 more completed than created."),
        ((3, 3), "as many created as completed."),
        ((0, 0), "No task was created or completed in this period."),
    ],
)
def test_flow_chart_sentence_compares_created_and_completed(pair, text):
    assert text in charts.flow_chart(flows(pair)).sentence


def test_percentile_ticks_lie_among_the_bars():
    counts = [0] * BUCKET_COUNT
    counts[bucket_of(30)] = 10

    chart = charts.cycle_time_chart(counts)

    [tallest] = [bar for bar in chart.bars if bar.height]
    assert all(tallest.x - 5 <= tick.x <= tallest.x + tallest.width + 5 for tick in chart.ticks)
    assert [tick.name for tick in chart.ticks] == ["p50", "p85", "p95"]


def test_cycle_time_chart_without_tasks_says_so():
    chart = charts.cycle_time_chart([0] * BUCKET_COUNT)

    assert chart.is_empty
    assert chart.ticks == []
    assert chart.sentence == "No task was completed in this period."


def test_percentile_ticks_of_the_last_bucket_stay_in_the_box():
    counts = [0] * BUCKET_COUNT
    counts[-1] = 3

    assert all(0 <= tick.x <= 100 for tick in charts.cycle_time_chart(counts).ticks)


@pytest.mark.parametrize(
    ("hours", "text"),
    [(None, "–"), (0.5, "30 min"), (5.5, "5.5 h"), (23, "23 h"), (24, "1 day"), (60, "2.5 days"), (480, "20 days")],
)
def test_durations_are_formatted_with_two_digits(hours, text):
    assert charts.format_duration(hours) == text


@pytest.mark.parametrize("values", [[], [3]])
def test_sparkline_needs_two_points(values):
    assert charts.sparkline_points(values) == ""


def test_sparkline_stays_in_the_box():
    points = [tuple(map(float, pair.split(","))) for pair in charts.sparkline_points([0, 5, 5, 10]).split()]

    assert points == [(0, 94), (33.3, 50), (66.7, 50), (100, 6)]


def test_workload_chart_scales_to_the_longest_row():
    first, second = charts.workload_chart(
        [UserWorkload(UUID(int=1), "Ana", 8, 2), UserWorkload(UUID(int=2), "Ben", 4, 0)]
    )

    assert [bar.width for bar in first.bars] == [25, 75]
    assert [bar.width for bar in second.bars] == [0, 50]
