from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import selectors
from events.models import LogHead
from events.selectors import redacted_count


class Command(BaseCommand):
    help = "Verify the hash chain of the event log: `audit verify`."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify"])

    def handle(self, *args: Any, **options: Any) -> None:
        if (position := selectors.first_invalid_position()) is not None:
            raise CommandError(f"The log was changed: position {position} does not follow from the one before.")
        head = LogHead.objects.filter(pk=1).first()
        self.stdout.write(
            f"The log is valid: {head.position if head else 0} events, head {head.hash if head else '-'}."
        )
        if count := redacted_count():
            self.stdout.write(f"Redacted after the erasure of a user, so only their position is verified: {count}.")
