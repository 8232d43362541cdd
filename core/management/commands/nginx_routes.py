"""`manage.py nginx_routes`: write the snippets of nginx that follow from the declarations of the views."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.api.routes import get_route_table
from core.http.nginx_routes import render_snippets


class Command(BaseCommand):
    help = "Generate nginx/snippets/*_routes.conf from the declarations of the views."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = settings.BASE_DIR / "nginx" / "snippets"
        outdated = {
            name: text
            for name, text in render_snippets(get_route_table()).items()
            if not (folder / name).exists() or (folder / name).read_text() != text
        }
        if options["check"] and outdated:
            raise CommandError(f"Out of date: {', '.join(outdated)} in {folder}. Run `python manage.py nginx_routes`.")
        for name, text in outdated.items():
            (folder / name).write_text(text)
            self.stdout.write(f"Wrote {folder / name}")
