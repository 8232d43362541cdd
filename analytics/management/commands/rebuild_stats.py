from __future__ import annotations

import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.rollups import services as rollups
from analytics.rollups.rollup import Amounts
from analytics.rollups.services import Comparison

MAX_DIFFERENCES_SHOWN = 50


class Command(BaseCommand):
    help = "Rebuild the statistics from the log of facts. May be stopped at any time; nothing is changed until the end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Only compare; print the differences and exit with 1 if there are any.",
        )

    def handle(self, *args: Any, verify: bool, **options: Any) -> None:
        self.told = time.monotonic()
        action = rollups.verify if verify else rollups.rebuild
        try:
            found = action(progress=self.progress)
        except KeyboardInterrupt as error:
            raise CommandError("Stopped; nothing was changed.", returncode=130) from error
        self.show(found)
        if verify and found:
            raise CommandError("The statistics differ from the log. Repair them with: manage.py rebuild_stats")

    def progress(self, done: int, end: int) -> None:
        now = time.monotonic()
        if done == end or now - self.told > 1:
            self.told = now
            self.stdout.write(f"read {done:,} of {end:,} facts ({done * 100 // end} %)")

    def show(self, found: Comparison) -> None:
        for task_id, (kept, wanted) in list(found.snapshots.items())[:MAX_DIFFERENCES_SHOWN]:
            self.stdout.write(f"task {task_id}: kept {kept}, the log says {wanted}")
        for cell, missing in list(found.stats.items())[:MAX_DIFFERENCES_SHOWN]:
            whose = f"{cell.day} project {cell.project_id} person {cell.user_id or 'all'}"
            self.stdout.write(f"{whose}: {_format_amounts(missing)}")
        self.stdout.write(
            f"{found.tasks:,} tasks from {found.events:,} facts: {len(found.snapshots):,} snapshots"
            f" and {len(found.stats):,} rows of statistics differed."
        )


def _format_amounts(missing: Amounts) -> str:
    """Name what is to be added to a row: `created -2, closed +1`."""
    parts = []
    for name, amount in asdict(missing).items():
        if isinstance(amount, int) and amount:
            parts.append(f"{name} {amount:+}")
        elif not isinstance(amount, int) and any(amount):
            parts.append(f"{name} {list(amount)}")
    return ", ".join(parts)
