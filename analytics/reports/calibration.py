"""Report of the calibration: what past forecasts would have said, beside what happened."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext

from analytics.reports import flow
from analytics.reports.results import Column, Figure, Report, ReportPeriod, ReportQuery
from analytics.reports.simulation import totals_expected, working_weeks

# Each past forecast draws from 12 weeks, as the forecast does, and looks 4 weeks ahead.
SAMPLE_WEEKS, AHEAD = 12, 4
HISTORY_WEEKS = 52
SHARES = (0.5, 0.85, 0.95)


def calibration(query: ReportQuery) -> Report:
    """Return how often past forecasts of 50, 85 and 95 % came true."""
    yesterday = query.period.today - timedelta(days=1)
    period = ReportPeriod(yesterday, HISTORY_WEEKS * 7, query.period.zone)
    weeks = period.buckets()
    weekly = flow.per_bucket(flow.read_flow(query.scope, period).completed, weeks)
    past = []
    for week in range(SAMPLE_WEEKS, HISTORY_WEEKS - AHEAD + 1):
        sample, actual = working_weeks(weekly[week - SAMPLE_WEEKS : week]), sum(weekly[week : week + AHEAD])
        # Of weeks without a completed task there was no forecast.
        if any(sample):
            past.append((weeks[week].start, actual, totals_expected(sample, AHEAD, SHARES)))
    hits = {share: sum(actual >= totals[index] for _, actual, totals in past) for index, share in enumerate(SHARES)}
    finding = gettext("There are no past forecasts: no tasks were completed.")
    if past:
        finding = (gettext("Of %(count)s past forecasts, ") % {"count": len(past)}) + ", ".join(
            f"those of {share:.0%} came true in {hits[share] / len(past):.0%}".replace("%", "\u00a0%")
            for share in SHARES
        )
        finding += "."
    return Report(
        finding=finding,
        columns=(
            Column("start", gettext("Forecast on"), "day"),
            Column("actual", gettext("Completed in %(ahead)s weeks") % {"ahead": AHEAD}),
            *(Column(f"p{share * 100:.0f}", f"At least, {share * 100:.0f}\u00a0% sure") for share in SHARES),
        ),
        rows=[(start, actual, *totals) for start, actual, totals in past],
        figures=tuple(
            Figure(
                f"p{share * 100:.0f}",
                f"Forecast with {share * 100:.0f}\u00a0%",
                round(hits[share] / len(past), 3) if past else None,
                f"{hits[share] / len(past) * 100:.0f}\u00a0% came true" if past else "–",
            )
            for share in SHARES
        ),
    )
