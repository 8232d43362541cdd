"""Compile the MJML of each email to HTML. The output is committed, so that a server needs no compiler."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.email.mjml import HEAD_NAME, compile_email, list_sources


class Command(BaseCommand):
    help = "Compile templates/emails/*/body.mjml to body.html."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if any HTML is outdated.")

    def handle(self, *args: Any, **options: Any) -> None:
        compiled = {}
        for source in list_sources(templates_dir()):
            head, compiled[source.with_suffix(".html")] = compile_email(source)
            if compiled.setdefault(templates_dir() / HEAD_NAME, head) != head:
                raise CommandError(f"The head of {source.parent.name} differs from that of the other emails.")
        outdated = {
            target: html
            for target, html in compiled.items()
            if not target.exists() or target.read_text(encoding="utf-8") != html
        }
        if options["check"] and outdated:
            names = ", ".join(_name(target) for target in outdated)
            raise CommandError(f"Outdated: {names}. Run manage.py compile_emails.")
        for target, html in outdated.items():
            target.write_text(html, encoding="utf-8")
            self.stdout.write(f"Compiled {_name(target)}")


def _name(target: Path) -> str:
    return target.name if target.name == HEAD_NAME else target.parent.name


def templates_dir() -> Path:
    return Path(settings.BASE_DIR) / "templates" / "emails"
