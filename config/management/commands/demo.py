from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError

from core.clock import current_time
from core.db import advisory_lock
from demo.loader import is_loaded, load_demo
from demo.personas import LOAD_TEST_PERSONA, PASSWORD, TEAM_PERSONAS

# The ASCII codes of "demo".
DEMO_LOCK = 0x64656D6F


class Command(BaseCommand):
    help = "Load the demo data (five users, ninety days of work) once. Never in production: the password is public."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_ALLOWED:
            raise CommandError("Demo data is not allowed in this environment (DEMO_ALLOWED is off).")
        with advisory_lock(DEMO_LOCK) as acquired:
            if not acquired:
                raise CommandError("Another process is loading the demo data.")
            # Under the lock, or two nodes that start together would both load them.
            if is_loaded():
                self.stdout.write("The demo data is already loaded.")
                return
            try:
                result = load_demo(now=current_time())
            except IntegrityError as error:
                raise CommandError(
                    f"A user or project with the same name exists; nothing was written. {error}"
                ) from error
        self.stdout.write(
            f"Loaded {result.users} users, {result.projects} projects, {result.tasks:,} tasks, {result.events:,} events."
        )
        emails = ", ".join(persona.email for persona in (*TEAM_PERSONAS, LOAD_TEST_PERSONA))
        self.stdout.write(f"Sign in as {emails}; the password is {PASSWORD}.")
