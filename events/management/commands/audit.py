from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from events import audit


class Command(BaseCommand):
    help = "Verify the hash chain of the event log, or print its head: `audit verify [--head FILE]`, `audit head`."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("head", help="Print the end of the log as a line of JSON, to be stored on another machine.")
        verify = actions.add_parser(
            "verify", help="Recompute all hashes and compare them with the heads that were stored."
        )
        verify.add_argument("--head", type=Path, metavar="FILE", help="A file with one or more lines of `audit head`.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "head":
            self.stdout.write(json.dumps(audit.read_head()))
            return
        stored = {}
        if path := options["head"]:
            try:
                stored = audit.parse_heads(path.read_text(encoding="utf-8").splitlines())
            except (OSError, ValueError) as error:
                raise CommandError(f"{path} cannot be used: {error}") from error
            if not stored:
                raise CommandError(f"{path} holds no head.")
        result = audit.verify(stored)
        if result.differs_from_stored_head:
            raise CommandError(
                f"The log was changed: at position {result.invalid_position} it differs from a head that was stored."
            )
        if result.invalid_position is not None:
            raise CommandError(
                f"The log was changed: position {result.invalid_position} does not follow from the one before."
            )
        self.stdout.write(f"The log is valid: {result.events} events, head {result.head}.")
        self.stdout.write(
            f"It contains the {len(stored)} heads that were stored."
            if stored
            else "No head was given (--head FILE), so a log that was rewritten as a whole would not be noticed."
        )
        if result.erased:
            self.stdout.write(f"Personal data erased with their users' accounts: {result.erased}.")
