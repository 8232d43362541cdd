"""Migrate the database, collect static files and load demo data, each only if needed."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Migrate, collect static files and, with --demo, load the demo data, each only if needed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="load the demo data unless they are loaded already")

    def handle(self, *_args: Any, demo: bool, **_options: Any) -> None:
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"Cannot connect to the database in DATABASE_URL: {error}") from error
        executor = MigrationExecutor(connection)
        if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self.stdout.write(f"Applying {len(plan)} migrations")
            call_command("migrate", interactive=False, verbosity=0)
        stamp = Path(settings.STATIC_ROOT) / ".sources"
        # Names, sizes and times of all sources; reading them would cost too much.
        sources = hashlib.sha256(str(settings.STORAGES["staticfiles"]).encode())
        for finder in get_finders():
            for name, storage in finder.list([]):
                path = Path(storage.path(name))
                stat = path.stat()
                sources.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
        digest = sources.hexdigest()
        if not stamp.exists() or stamp.read_text() != digest:
            self.stdout.write("Collecting static files")
            call_command("collectstatic", interactive=False, clear=True, verbosity=0)
            stamp.write_text(digest)  # last: an interrupted collectstatic is repeated by the next start
        # core does not know the apps that have these commands.
        if "render_markdown" in get_commands():
            call_command("render_markdown", stdout=self.stdout)
        if demo and "demo" in get_commands():
            call_command("demo", stdout=self.stdout)
