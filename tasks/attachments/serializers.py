from typing import Any

from rest_framework import serializers

from accounts.users.serializers import UserOut
from tasks.models import Attachment, StoredFile


class AttachmentUpload(serializers.Serializer[Any]):
    """An uploaded file."""

    file = serializers.FileField(help_text="At most 100 MB, of a type that may be attached; its content is checked.")


class AttachmentOut(serializers.ModelSerializer[Attachment]):
    uploader = UserOut()
    size = serializers.IntegerField(source="file.size", help_text="Bytes.")
    media_type = serializers.CharField(source="file.media_type", help_text="The type that a download is sent as.")
    sha256 = serializers.CharField(source="file.sha256")
    state = serializers.ChoiceField(
        source="file.state",
        choices=StoredFile.State.choices,
        help_text="`quarantined` until the scan for malware has ended. Only `stored` files can be downloaded.",
    )
    has_thumbnail = serializers.BooleanField(source="file.has_thumbnail")

    class Meta:
        model = Attachment
        fields = [
            "id",
            "name",
            "size",
            "media_type",
            "sha256",
            "state",
            "has_thumbnail",
            "uploader",
            "version",
            "created_at",
        ]
