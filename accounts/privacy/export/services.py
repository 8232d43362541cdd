"""Requesting, building and purging exports of personal data."""

from __future__ import annotations

import tempfile
import uuid
import zipfile
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.urls import reverse

from accounts import events
from accounts.auth import account_emails
from accounts.events import user_payload
from accounts.models import Avatar, Export, ExportChunk, User
from accounts.privacy.export import selectors
from core.db import violated_constraint
from core.errors import Conflict
from core.etags import check_version
from core.privacy import ExportSection, providers
from core.serialization import dumps
from events.outbox import publish

EXPORT_TTL = timedelta(days=7)
# After this time a request that was never built is given up, so that the user can make another one.
BUILD_TIMEOUT = timedelta(hours=6)
CHUNK_SIZE = 1024 * 1024


@transaction.atomic
def request_export(*, actor: User, now: datetime) -> Export:
    """Request an archive of the actor's data, which a worker builds. Raises Conflict while one is being built."""
    try:
        export = Export.objects.create(user=actor, created_at=now, expires_at=now + EXPORT_TTL)
    except IntegrityError as error:
        if violated_constraint(error) != "export_one_pending_per_user":
            raise
        raise Conflict("An export is already being prepared.", code="under_way") from error
    publish(events.ExportRequested(user=user_payload(actor), export_id=str(export.pk)), actor=actor, at=now)
    return export


@transaction.atomic
def build_export(*, export_id: uuid.UUID, now: datetime) -> None:
    """Build the archive and notify its user by email. Does nothing for an export that is ready or gone."""
    requested = Export.objects.filter(pk=export_id, state=Export.State.REQUESTED)
    # The lock makes a second delivery of the event wait, and find the export ready.
    export = requested.select_for_update(of=("self",)).select_related("user").first()
    if export is None:
        return
    user, expires_at = export.user, now + EXPORT_TTL
    # Through a file on disk: an archive may be larger than memory.
    with tempfile.TemporaryFile() as file:
        # One JSON array per section, written row by row.
        sections = [section for provider in providers() for section in provider.parts]
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README.txt", _readme(user, sections, now))
            for section in sections:
                # force_zip64: the size of a streamed entry is not known in advance.
                with archive.open(f"{section.name}.json", "w", force_zip64=True) as entry:
                    separator = b"[\n"
                    for row in section.rows(user.pk):
                        entry.write(separator + dumps(row))
                        separator = b",\n"
                    entry.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
            if avatar := Avatar.objects.filter(user=user).first():
                archive.writestr("picture.webp", bytes(avatar.large))
        file.seek(0, 2)
        size, number = file.tell(), 0
        file.seek(0)
        while data := file.read(CHUNK_SIZE):
            ExportChunk.objects.create(export=export, number=number, data=data)
            number += 1
    requested.update(state=Export.State.READY, ready_at=now, expires_at=expires_at, size=size, version=F("version") + 1)
    # A closed account gets no more emails.
    if user.is_active:
        context = {
            "expires_at": expires_at.isoformat(),
            "privacy_path": reverse("settings-privacy"),
            "time_zone": user.time_zone,
        }
        account_emails.enqueue(kind="export_ready", to=user.email, context=context, dedup_key=str(export.pk))
    publish(events.ExportReady(user=user_payload(user), export_id=str(export.pk)), actor=None, at=now)


def _readme(user: User, sections: list[ExportSection], now: datetime) -> str:
    width = max(len(section.name) for section in sections) + 7
    return "\n".join(
        [
            f"Data of {user.name} <{user.email}> on {settings.SITE_URL}, as of {now:%Y-%m-%d %H:%M} UTC.",
            "Each file is a JSON array (RFC 8259) with one row per line; times are in UTC.",
            "Passwords, keys and other secrets are stored as hashes or encrypted, and are not included.",
            "",
            *(f"{section.name + '.json':{width}}{section.description}" for section in sections),
            f"{'picture.webp':{width}}Your profile picture, if you have one.",
            "",
        ]
    )


@transaction.atomic
def delete_export(*, actor: User, export_id: uuid.UUID, now: datetime, versions: frozenset[int] | None = None) -> None:
    """Delete one of the actor's exports. Raises NotFound, VersionConflict."""
    export = selectors.get_export(actor, export_id, now)
    check_version(export, versions)
    export.delete()


def purge_exports(*, now: datetime) -> int:
    """Delete expired exports and requests that were never built; return the number of deleted rows."""
    timed_out = Q(state=Export.State.REQUESTED, created_at__lt=now - BUILD_TIMEOUT)
    return Export.objects.filter(Q(expires_at__lt=now) | timed_out).delete()[0]
