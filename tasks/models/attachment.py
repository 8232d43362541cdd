from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from core.db import uuid7
from tasks.models.task import Task


class StoredFile(models.Model):
    """A file in the storage, and what its content is.

    Attachments refer to it, also those that wait in the trash, so it outlives them. `unreferenced_since` is when the
    collector first found that none does.
    """

    class State(models.TextChoices):
        QUARANTINED = "quarantined", gettext_lazy("Being checked")
        STORED = "stored", gettext_lazy("Stored")
        # The content has been deleted; the row says why nothing can be downloaded.
        INFECTED = "infected", gettext_lazy("Malware found")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Generated, so nothing that a user wrote becomes part of a path.
    name = models.CharField(max_length=100, unique=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=100)
    state = models.CharField(max_length=11, choices=State, default=State.STORED)
    # Bytes of the thumbnail, whose name is `thumbnail_name`; 0 for none.
    thumbnail_size = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    unreferenced_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="a_stored_file_state_is_known", condition=Q(state__in=["quarantined", "stored", "infected"])
            ),
            models.CheckConstraint(name="a_stored_file_has_a_digest", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(state="quarantined"), name="stored_file_quarantine"),
            models.Index(
                fields=["unreferenced_since"], condition=Q(unreferenced_since__isnull=False), name="stored_file_orphans"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def thumbnail_name(self) -> str:
        return f"{self.name}.webp"

    @property
    def has_thumbnail(self) -> bool:
        return self.thumbnail_size > 0 and self.state == self.State.STORED

    @property
    def is_image(self) -> bool:
        return self.media_type.startswith("image/")

    @property
    def is_pdf(self) -> bool:
        return self.media_type == "application/pdf"

    @property
    def is_text(self) -> bool:
        return self.media_type.startswith("text/") or self.media_type == "application/json"

    @property
    def is_available(self) -> bool:
        return self.state == self.State.STORED


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def with_relations(self) -> Self:
        return self.select_related("file", "uploader")


class Attachment(models.Model):
    """A file of a task under the name that its user gave it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="attachments")
    # PROTECT: an erased user keeps a row without a name.
    uploader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="attachments")
    # PROTECT: the file outlives the row, which the trash may bring back.
    file = models.ForeignKey(StoredFile, on_delete=models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="attachment_list")]
        constraints = [models.CheckConstraint(name="an_attachment_has_a_name", condition=~Q(name=""))]

    def __str__(self) -> str:
        return self.name
