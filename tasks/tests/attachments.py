"""Attachments with files in the storage, and files to upload."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import User
from tasks.attachments.storage import generate_name, get_storage
from tasks.models import Attachment, StoredFile, Task

# The smallest PNG: one transparent pixel.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001000527d3a30000"
    "000049454e44ae426082"
)

PDF_TEXT = b"BT /F1 48 Tf 72 700 Td (Invoice) Tj ET"


def make_pdf(
    content: bytes = PDF_TEXT, *, pages: int = 1, box: str = "0 0 612 792", filters: str = "", trailer: str = ""
) -> bytes:
    """Return a PDF whose pages share one content."""
    kids = " ".join(f"{number} 0 R" for number in range(5, 5 + pages))
    page = f"<</Type/Page/Parent 2 0 R/MediaBox[{box}]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
        f"<</Type/Pages/Count {pages}/Kids[{kids}]>>".encode(),
        f"<</Length {len(content)}{filters}>>stream\n".encode() + content + b"\nendstream",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        *[page] * pages,
    ]
    data, offsets = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += f"{number} 0 obj".encode() + body + b" endobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R{trailer}>>"
    return data + f"{end}\nstartxref\n{len(data)}\n%%EOF".encode()


def upload(content: bytes = b"Hello", name: str = "notes.txt") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def store_file(content: bytes = b"Hello", *, thumbnail: bytes = b"", **fields: Any) -> StoredFile:
    """Put a file into the storage, with its row."""
    name = get_storage().save(generate_name(timezone.now()), ContentFile(content))
    file = StoredFile(
        name=name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        thumbnail_size=len(thumbnail),
        **{"media_type": "text/plain", **fields},
    )
    if thumbnail:
        get_storage().save(file.thumbnail_name, ContentFile(thumbnail))
    file.save(force_insert=True)
    return file


def make_attachment(
    task: Task,
    uploader: User | None = None,
    content: bytes = b"Hello",
    *,
    name: str = "notes.txt",
    thumbnail: bytes = b"",
    **fields: Any,
) -> Attachment:
    """Attach a file to a task without the service: no event is published."""
    file = store_file(content, thumbnail=thumbnail, **fields)
    return Attachment.objects.create(task=task, uploader=uploader or task.creator, file=file, name=name)
