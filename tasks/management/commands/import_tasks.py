from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from accounts.users import selectors as users_selectors
from core.clock import current_time
from core.errors import DomainError
from tasks.imports import plan
from tasks.imports import services as imports
from tasks.imports.sources import SOURCES, parse_file
from tasks.models import Project

MAX_WARNINGS = 50


class Command(BaseCommand):
    help = "Import tasks from another program's file. All of it or nothing; the same file again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", choices=sorted(SOURCES), help="the program that wrote the file")
        parser.add_argument("file", type=Path, help="Todoist: a project exported as CSV")
        parser.add_argument("--project", required=True, metavar="KEY", help="the project that takes the tasks")
        parser.add_argument(
            "--as", dest="email", metavar="EMAIL", help="the importing user; default: the project's owner"
        )
        parser.add_argument(
            "--user",
            action="append",
            default=[],
            type=parse_alias,
            metavar="NAME=EMAIL",
            help="the user that a name in the file means",
        )
        parser.add_argument("--dry-run", action="store_true", help="report what would happen, write nothing")
        parser.add_argument(
            "--warnings",
            action="store_true",
            help=f"list up to {plan.MAX_WARNINGS:,} warnings, not only {MAX_WARNINGS}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.show(self.run(**options), everything=options["warnings"])
        except DomainError as error:
            messages = [field.message for field in error.fields] or [error.detail]
            raise CommandError("\n".join([*messages, "Nothing was imported."])) from error

    def run(self, *, source: str, file: Path, project: str, email: str | None, **options: Any) -> imports.ImportReport:
        actor = self.actor(project, email)
        read = parse_file(source, read_file(file), now=current_time(), time_zone=actor.time_zone)
        self.stdout.write(f"Read {len(read.tasks):,} tasks and {read.comment_count:,} comments from {file.name}.")
        return imports.run_import(
            project_id=project, actor=actor, plan=read, dry_run=options["dry_run"], aliases=dict(options["user"])
        )

    def actor(self, key: str, email: str | None) -> User:
        if email:
            user = users_selectors.find_active_by_email(email=email)
            if user is None:
                raise CommandError(f"There is no user with the address {email}.")
            return user
        project = Project.objects.filter(key=key.upper()).select_related("owner").first()
        if project is None:
            raise CommandError(f"There is no project {key}.")
        return project.owner

    def show(self, report: imports.ImportReport, *, everything: bool) -> None:
        verb = "Would create" if report.dry_run else "Created"
        self.stdout.write(
            f"{verb} {report.created:,} tasks and {report.comments:,} comments;"
            f" {report.skipped:,} tasks were imported before."
        )
        if report.warnings:
            self.stdout.write(f"{report.warning_count:,} items could not be imported as they are:")
        listed = report.warnings if everything else report.warnings[:MAX_WARNINGS]
        for warning in listed:
            self.stdout.write(f"  row {warning.row}: {warning.item} -- {warning.reason}")
        if report.warning_count > len(listed):
            hint = "" if everything else f"; --warnings lists up to {plan.MAX_WARNINGS:,}"
            self.stdout.write(f"  and {report.warning_count - len(listed):,} more{hint}.")


def parse_alias(text: str) -> tuple[str, str]:
    """Return the name and the address of NAME=EMAIL. Raises ArgumentTypeError."""
    name, separator, email = text.partition("=")
    if not (name and separator and "@" in email):
        raise ArgumentTypeError("write it as NAME=EMAIL")
    return name.strip(), email.strip()


def read_file(file: Path) -> bytes:
    """Return the contents of a file. Raises CommandError."""
    try:
        with file.open("rb") as stream:
            # One byte more than allowed is enough for the parser to say that the file is too large.
            return stream.read(plan.MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
