from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from core.db import advisory_lock
from demo.loader import is_loaded, load_demo
from demo.personas import LOAD_TEST_PERSONA, PASSWORD, TEAM_PERSONAS

DEMO_LOCK = 0x64656D6F


class Command(BaseCommand):
    help = "Load a team of five with ninety days of work, once. Never in production: the password is public."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_ALLOWED:
            raise CommandError("Demo data is not for this installation (DEMO_ALLOWED is off).")
        with advisory_lock(DEMO_LOCK) as held:
            if not held:
                raise CommandError("Somebody else is loading the demo at this moment.")
            if is_loaded():
                self.stdout.write("The demo data is here already.")
                return
            self.load()

    def load(self) -> None:
        try:
            loaded = load_demo(now=timezone.now())
        except IntegrityError as error:
            raise CommandError(f"The demo needs names that are taken here; nothing was written. {error}") from error
        self.stdout.write(
            f"Loaded {loaded.people} people, {loaded.projects} projects, {loaded.tasks:,} tasks, {loaded.events:,} facts."
        )
        accounts = ", ".join(user.email for user in (*TEAM_PERSONAS, LOAD_TEST_PERSONA))
        self.stdout.write(f"Sign in as {accounts}; the password is {PASSWORD}.")
