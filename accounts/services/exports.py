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

from accounts import events, mails, selectors
from accounts.models import Avatar, Export, ExportPiece, User
from accounts.services.users import public
from core.db import violated_constraint
from core.errors import Conflict, Stale
from core.personal import Part, Row, keepers
from events.publishing import publish
from gateway.renderers import dumps

LASTS = timedelta(days=7)
# An export that nobody could put together for so long is given up, so that another one can be asked for.
PATIENCE = timedelta(hours=6)
PIECE = 1024 * 1024


@transaction.atomic
def request_export(*, actor: User, now: datetime) -> Export:
    """Ask for an archive of everything known about oneself; a job puts it together."""
    try:
        with transaction.atomic():
            export = Export.objects.create(user=actor, created_at=now, expires_at=now + LASTS)
    except IntegrityError as error:
        if violated_constraint(error) != "a_person_has_one_export_under_way":
            raise
        raise Conflict("An export is being put together already.", code="under_way") from error
    publish(events.ExportRequested(user=public(actor), export_id=str(export.pk)), actor=actor, at=now)
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
        size = _keep(export, file)
    ready = {"state": Export.State.READY, "ready_at": now, "expires_at": now + LASTS, "size": size}
    requested.update(**ready, version=F("version") + 1)
    person = export.user
    words = {
        "until_at": (now + LASTS).isoformat(),
        "data_path": reverse("settings-data"),
        "time_zone": person.time_zone,
    }
    if person.is_active:
        mails.queue(kind="export_ready", to=person.email, words=words, key=str(export.pk))
    publish(events.ExportReady(user=public(person), export_id=str(export.pk)), actor=None, at=now)


@transaction.atomic
def delete_export(*, actor: User, export_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete one's own archive before its time."""
    export = selectors.get_export(actor, export_id, now)
    if versions is not None and export.version not in versions:
        raise Stale(version=export.version, current={}, wanted={})
    export.delete()


def purge_exports(*, now: datetime) -> int:
    """Delete archives whose time is over, and requests that came to nothing; returns how many rows."""
    over = Export.objects.filter(expires_at__lt=now)
    failed = Export.objects.filter(state=Export.State.REQUESTED, created_at__lt=now - PATIENCE)
    return sum(found.delete()[0] for found in (over, failed))


def _write_archive(file: IO[bytes], person: User, now: datetime) -> None:
    parts = [part for keeper in keepers() for part in keeper.parts]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _readme(person, parts, now))
        for part in parts:
            with archive.open(f"{part.name}.json", "w", force_zip64=True) as entry:
                _write_rows(entry, part.rows(person.pk))
        if picture := Avatar.objects.filter(user=person).first():
            archive.writestr("picture.webp", bytes(picture.large))


def _write_rows(entry: IO[bytes], rows: Iterable[Row]) -> None:
    """A JSON array, a row a line, written as the rows come."""
    before = b"[\n"
    for row in rows:
        entry.write(before + dumps(row))
        before = b",\n"
    entry.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def _readme(person: User, parts: list[Part], now: datetime) -> str:
    width = max(len(part.name) for part in parts) + 7
    lines = [f"{part.name + '.json':{width}}{part.about}" for part in parts]
    return "\n".join(
        [
            f"What {settings.SITE_URL} knows about {person.name} <{person.email}>, as of {now:%Y-%m-%d %H:%M} UTC.",
            "Each file is a JSON array (RFC 8259) with one line a row; instants are in UTC.",
            "Passwords, keys and other secrets are kept as hashes or encrypted, and are not part of it.",
            "",
            *lines,
            f"{'picture.webp':{width}}Your picture, if you gave one.",
            "",
        ]
    )


def _keep(export: Export, file: IO[bytes]) -> int:
    """Move the archive into the database; returns its size."""
    file.seek(0)
    size = number = 0
    while data := file.read(PIECE):
        ExportPiece.objects.create(export=export, number=number, data=data)
        number, size = number + 1, size + len(data)
    return size
