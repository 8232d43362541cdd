from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.rollups import services as rollups
from analytics.rollups.services import Comparison

MAX_LISTED_DIFFERENCES = 50


class Command(BaseCommand):
    help = "Rebuild the statistics from the event log. Stopping it is safe: nothing is written before the end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Only compare; print the differences and exit with 1 if there are any.",
        )

    def handle(self, *args: Any, verify: bool, **options: Any) -> None:
        self.reported_at = time.monotonic()
        action = rollups.verify if verify else rollups.rebuild
        try:
            comparison = action(progress=self.report_progress)
        except KeyboardInterrupt as error:
            raise CommandError("Stopped; nothing was changed.", returncode=130) from error
        self.print_differences(comparison)
        if verify and comparison:
            raise CommandError("The statistics differ from the event log. Repair them with: manage.py rebuild_stats")

    def report_progress(self, done: int, end: int) -> None:
        """Print how far the log is read, once a second and at the end."""
        now = time.monotonic()
        if done == end or now - self.reported_at > 1:
            self.reported_at = now
            self.stdout.write(f"Read {done:,} of {end:,} events ({done * 100 // end} %).")

    def print_differences(self, comparison: Comparison) -> None:
        for task_id, (stored, expected) in list(comparison.snapshots.items())[:MAX_LISTED_DIFFERENCES]:
            self.stdout.write(f"task {task_id}: stored {stored}, expected {expected}")
        for cell, missing in list(comparison.stats.items())[:MAX_LISTED_DIFFERENCES]:
            row = f"{cell.day} project {cell.project_id} user {cell.user_id or 'all'}"
            # What must be added to the row, like `created -2, closed +1`.
            parts = []
            for name, amount in asdict(missing).items():
                if isinstance(amount, int) and amount:
                    parts.append(f"{name} {amount:+}")
                elif not isinstance(amount, int) and any(amount):
                    parts.append(f"{name} {list(amount)}")
            self.stdout.write(f"{row}: {', '.join(parts)}")
        self.stdout.write(
            f"{comparison.tasks:,} tasks from {comparison.events:,} events: {len(comparison.snapshots):,} snapshots"
            f" and {len(comparison.stats):,} rows of statistics differed."
        )
