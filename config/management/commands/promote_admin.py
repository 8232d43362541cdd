"""Promote a user to administrator. Needed for the first one; later ones are promoted in the app."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.users import administration
from core.clock import current_time
from core.errors import NotFound


class Command(BaseCommand):
    help = "Make a registered user an administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *_args: Any, email: str, **_options: Any) -> None:
        try:
            user = administration.promote_admin(email=email, now=current_time())
        except NotFound as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{user.name} is an administrator.")
