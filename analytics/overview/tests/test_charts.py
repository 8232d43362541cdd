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
def test_ends_an_axis_at_a_round_number_with_a_whole_middle(highest, top):
    assert charts.axis_max(highest) >= highest
    assert charts.axis_max(highest) % 2 == 0
    assert charts.axis_max(highest) <= max(2, top * 2)


def test_draws_a_pair_of_bars_for_each_day():
    chart = charts.flow_chart(flows((4, 2), (0, 0), (2, 4)))

    assert [bar.height for bar in chart.bars] == [100, 50, 0, 0, 50, 100]
    assert [bar.css for bar in chart.bars[:2]] == ["s1", "s2"]
    assert all(inside(bar) for bar in chart.bars)
    assert chart.rows[0] == ("2 Mar", "4", "2")


def test_draws_weeks_where_days_would_be_too_many():
    chart = charts.flow_chart(flows(*[(1, 0)] * 90))

    assert len(chart.bars) == 2 * 13
    assert sum(int(row[1]) for row in chart.rows) == 90
    assert chart.rows[-1][0] == "24 May – 30 May"


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((5, 3), "2 more came in than went out."),
        ((3, 5), "2 more went out than came in."),
        ((3, 3), "as many went out"),
    ],
)
def test_states_what_the_flow_means(pair, words):
    assert words in charts.flow_chart(flows(pair)).sentence


def test_places_percentiles_among_the_bars():
    counts = [0] * BUCKET_COUNT
    counts[bucket_of(30)] = 10

    chart = charts.cycle_time_chart(counts)

    [tallest] = [bar for bar in chart.bars if bar.height]
    assert all(tallest.x - 5 <= mark.x <= tallest.x + tallest.width + 5 for mark in chart.marks)
    assert [mark.name for mark in chart.marks] == ["p50", "p85", "p95"]


def test_says_so_when_nothing_was_completed():
    chart = charts.cycle_time_chart([0] * BUCKET_COUNT)

    assert chart.is_empty
    assert chart.marks == []
    assert chart.sentence == "No task was completed in this time."


def test_keeps_the_open_last_bucket_inside_the_drawing():
    counts = [0] * BUCKET_COUNT
    counts[-1] = 3

    assert all(0 <= mark.x <= 100 for mark in charts.cycle_time_chart(counts).marks)


@pytest.mark.parametrize(
    ("hours", "words"),
    [(None, "–"), (0.5, "30 min"), (5.5, "5.5 h"), (23, "23 h"), (24, "1 day"), (60, "2.5 days"), (480, "20 days")],
)
def test_says_durations_as_people_do(hours, words):
    assert charts.format_duration(hours) == words


@pytest.mark.parametrize("values", [[], [3]])
def test_draws_no_line_through_less_than_two_points(values):
    assert charts.sparkline_points(values) == ""


def test_draws_a_line_within_the_box():
    points = [tuple(map(float, pair.split(","))) for pair in charts.sparkline_points([0, 5, 5, 10]).split()]

    assert points == [(0, 94), (33.3, 50), (66.7, 50), (100, 6)]


def test_fills_the_width_with_the_longest_row():
    first, second = charts.workload_chart(
        [UserWorkload(UUID(int=1), "Ana", 8, 2), UserWorkload(UUID(int=2), "Ben", 4, 0)]
    )

    assert [bar.width for bar in first.bars] == [25, 75]
    assert [bar.width for bar in second.bars] == [0, 50]
