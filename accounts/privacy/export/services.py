from __future__ import annotations

import tempfile
import uuid
import zipfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import IO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import reverse

from accounts import events
from accounts.auth import account_emails
from accounts.events import user_payload
from accounts.models import Avatar, Export, ExportChunk, User
from accounts.privacy.export import selectors
from core.api.renderers import dumps
from core.db import violated_constraint
from core.errors import Conflict, VersionConflict
from core.privacy import ExportSection, Row, providers
from events.outbox import publish

EXPORT_TTL = timedelta(days=7)
# An export that nobody could put together for so long is given up, so that another one can be asked for.
BUILD_TIMEOUT = timedelta(hours=6)
CHUNK_SIZE = 1024 * 1024


@transaction.atomic
def request_export(*, actor: User, now: datetime) -> Export:
    """Ask for an archive of everything known about oneself; a job puts it together."""
    try:
        with transaction.atomic():
            export = Export.objects.create(user=actor, created_at=now, expires_at=now + EXPORT_TTL)
    except IntegrityError as error:
        if violated_constraint(error) != "export_one_pending_per_user":
            raise
        raise Conflict("An export is being put together already.", code="under_way") from error
    publish(events.ExportRequested(user=user_payload(actor), export_id=str(export.pk)), actor=actor, at=now)
    return export


@transaction.atomic
def build_export(*, export_id: uuid.UUID, now: datetime) -> None:
    """Put the archive together and say so by mail; does nothing for one that is ready or gone."""
    requested = Export.objects.filter(pk=export_id, state=Export.State.REQUESTED)
    export = requested.select_for_update(of=("self",)).select_related("user").first()
    if export is None:
        return
    with tempfile.TemporaryFile() as file:
        _write_archive(file, export.user, now)
        size = _store_chunks(export, file)
    ready = {"state": Export.State.READY, "ready_at": now, "expires_at": now + EXPORT_TTL, "size": size}
    requested.update(**ready, version=F("version") + 1)
    user = export.user
    words = {
        "expires_at": (now + EXPORT_TTL).isoformat(),
        "privacy_path": reverse("settings-privacy"),
        "time_zone": user.time_zone,
    }
    if user.is_active:
        account_emails.enqueue(kind="export_ready", to=user.email, context=words, dedup_key=str(export.pk))
    publish(events.ExportReady(user=user_payload(user), export_id=str(export.pk)), actor=None, at=now)


@transaction.atomic
def delete_export(*, actor: User, export_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete one's own archive before its time."""
    export = selectors.get_export(actor, export_id, now)
    if versions is not None and export.version not in versions:
        raise VersionConflict(version=export.version, current={}, wanted={})
    export.delete()


def purge_exports(*, now: datetime) -> int:
    """Delete archives whose time is over, and requests that came to nothing; returns how many rows."""
    over = Export.objects.filter(expires_at__lt=now)
    failed = Export.objects.filter(state=Export.State.REQUESTED, created_at__lt=now - BUILD_TIMEOUT)
    return sum(found.delete()[0] for found in (over, failed))


def _write_archive(file: IO[bytes], user: User, now: datetime) -> None:
    parts = [part for keeper in providers() for part in keeper.parts]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(user, parts, now))
        for part in parts:
            with archive.open(f"{part.name}.json", "w", force_zip64=True) as entry:
                _write_rows(entry, part.rows(user.pk))
        if picture := Avatar.objects.filter(user=user).first():
            archive.writestr("picture.webp", bytes(picture.large))


def _write_rows(entry: IO[bytes], rows: Iterable[Row]) -> None:
    """A JSON array, a row a line, written as the rows come."""
    before = b"[\n"
    for row in rows:
        entry.write(before + dumps(row))
        before = b",\n"
    entry.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _readme(user: User, parts: list[ExportSection], now: datetime) -> str:
    width = max(len(part.name) for part in parts) + 7
    lines = [f"{part.name + '.json':{width}}{part.description}" for part in parts]
    return "\n".join(
        [
            f"What {settings.SITE_URL} knows about {user.name} <{user.email}>, as of {now:%Y-%m-%d %H:%M} UTC.",
            "Each file is a JSON array (RFC 8259) with one line a row; instants are in UTC.",
            "Passwords, keys and other secrets are kept as hashes or encrypted, and are not part of it.",
            "",
            *lines,
            f"{'picture.webp':{width}}Your picture, if you gave one.",
            "",
        ]
    )


def _store_chunks(export: Export, file: IO[bytes]) -> int:
    """Move the archive into the database; returns its size."""
    file.seek(0)
    size = number = 0
    while data := file.read(CHUNK_SIZE):
        ExportChunk.objects.create(export=export, number=number, data=data)
        number, size = number + 1, size + len(data)
    return size
