from __future__ import annotations

import signal
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import current_time
from events import archive
from events.models import ArchivedEvents

MIN_DAYS = archive.MIN_ARCHIVE_AGE.days


class Command(BaseCommand):
    help = "Move old events to compressed files, list these, or bring events back: `event_archive run|status|restore`."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        run = actions.add_parser("run", help="Archive events; SIGINT or SIGTERM stops after the present file.")
        run.add_argument(
            "--days",
            type=int,
            default=settings.ARCHIVE_EVENTS_AFTER_DAYS,
            help="archive what is older than so many days",
        )
        actions.add_parser("status", help="List the files.")
        restore = actions.add_parser("restore", help="Bring events back, those of the newest file first.")
        restore.add_argument("--files", type=int, default=None, help="of so many files; by default of all")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "status":
            for segment in ArchivedEvents.objects.order_by("first_position"):
                self.stdout.write(self._line(segment))
            return
        self.is_stopped = False
        previous = {name: signal.signal(name, self._stop) for name in (signal.SIGINT, signal.SIGTERM)}
        try:
            count = self._run(options)
        except archive.ArchiveError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            self.stdout.write("Stopped; run it again to go on.")
            return
        finally:
            for name, handler in previous.items():
                signal.signal(name, handler)
        if count is None:
            raise CommandError("Another process archives events.")
        done = "archived" if options["action"] == "run" else "restored"
        self.stdout.write(f"{count} events {done}; {ArchivedEvents.objects.count()} files.")

    def _run(self, options: dict[str, Any]) -> int | None:
        if options["action"] == "restore":
            return archive.restore(segments=options["files"], progress=self._report)
        if options["days"] < MIN_DAYS:
            raise CommandError(f"Events of the last {MIN_DAYS} days stay; name more with --days.")
        return archive.archive(before=current_time() - timedelta(days=options["days"]), progress=self._report)

    def _report(self, segment: ArchivedEvents) -> None:
        self.stdout.write(self._line(segment))
        if self.is_stopped:
            raise KeyboardInterrupt

    def _stop(self, *_: Any) -> None:
        self.is_stopped = True

    @staticmethod
    def _line(segment: ArchivedEvents) -> str:
        return f"{segment.file_name}: events {segment}, until {segment.last_occurred_at:%Y-%m-%d %H:%M}"
