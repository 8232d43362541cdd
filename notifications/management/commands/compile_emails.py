"""Compile the MJML of each email to HTML. The output is committed, so that a server needs no compiler."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.email.mjml import compile_email, list_sources


class Command(BaseCommand):
    help = "Compile templates/emails/*/body.mjml to body.html."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if any HTML is outdated.")

    def handle(self, *args: Any, **options: Any) -> None:
        changed = [source for source in list_sources(templates_dir()) if _is_outdated(source)]
        if options["check"] and changed:
            names = ", ".join(source.parent.name for source in changed)
            raise CommandError(f"Outdated: {names}. Run manage.py compile_emails.")
        for source in changed:
            source.with_suffix(".html").write_text(compile_email(source), encoding="utf-8")
            self.stdout.write(f"Compiled {source.parent.name}")


def templates_dir() -> Path:
    return Path(settings.BASE_DIR) / "templates" / "emails"


def _is_outdated(source: Path) -> bool:
    target = source.with_suffix(".html")
    return not target.exists() or target.read_text(encoding="utf-8") != compile_email(source)
