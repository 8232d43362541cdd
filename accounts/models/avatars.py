"""Pictures of people."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models.users import User


class Avatar(models.Model):
    """One person's picture as we have drawn it anew, in the sizes that are shown. `digest` is their joint name."""

    # Edge in pixels: a list row, a page's head, the settings; each for screens of two dots a pixel.
    SIZES = (48, 96, 256)

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="picture")
    digest = models.CharField(max_length=32)
    small = models.BinaryField()
    medium = models.BinaryField()
    large = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(name="avatar_digest_not_empty", condition=~models.Q(digest=""))]

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest}"
