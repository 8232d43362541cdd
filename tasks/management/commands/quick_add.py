from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.users import selectors as users_selectors
from core.clock import current_time
from core.errors import DomainError
from tasks.quick_add import services as quick_add
from tasks.quick_add.interpretation import interpret
from tasks.quick_add.parsing import MAX_LENGTH


class Command(BaseCommand):
    help = "Create a task from one line: Pay rent tomorrow 9am #home @ana +bills !high ~30m every month"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text", help="the task, with its date, project and so on")
        parser.add_argument("--user", required=True, metavar="EMAIL", help="the user who creates the task")
        parser.add_argument("--project", default="", metavar="KEY", help="the project, where the text names none")
        parser.add_argument("--dry-run", action="store_true", help="show what the text means, write nothing")

    def handle(self, *args: Any, text: str, user: str, project: str, dry_run: bool, **options: Any) -> None:
        actor = users_selectors.find_active_by_email(email=user)
        if actor is None:
            raise CommandError(f"There is no user with the address {user}.")
        if len(text) > MAX_LENGTH or not text.isprintable():
            raise CommandError(f"Write one line of at most {MAX_LENGTH:,} characters.")
        now = current_time()
        try:
            meaning = interpret(user=actor, text=text, now=now, project=project)
            for problem in meaning.problems:
                self.stderr.write(problem.message)
            if dry_run:
                for span in meaning.spans:
                    self.stdout.write(f"{span.kind}: {span.text}")
                self.stdout.write(f"title: {meaning.title}")
                return
            task = quick_add.create(actor=actor, text=text, now=now, project=project)
        except DomainError as error:
            messages = [field.message for field in error.fields] or [error.detail]
            raise CommandError("\n".join([*messages, "Nothing was created."])) from error
        self.stdout.write(f"{task.key} {task.title}")
