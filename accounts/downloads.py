"""Files that leave the house: an archive for its owner, a picture for whoever is signed in."""

from __future__ import annotations

from django.http import HttpResponse, StreamingHttpResponse

from accounts import selectors
from accounts.models import Export
from core.errors import Conflict


def archive_of(export: Export) -> StreamingHttpResponse:
    """Answer with the archive, piece by piece, for the owner's disk and no cache."""
    if export.state != Export.State.READY:
        raise Conflict("The archive is not ready yet; an e-mail will say when it is.", code="not_ready")
    return StreamingHttpResponse(
        selectors.archive(export),
        content_type="application/zip",
        headers={
            "Content-Length": str(export.size),
            "Content-Disposition": f'attachment; filename="taskflow-{export.created_at:%Y-%m-%d}.zip"',
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


def picture(data: bytes, digest: str, cache_control: str) -> HttpResponse:
    """Answer with a picture that can be nothing else, whatever a browser makes of it."""
    return HttpResponse(
        data,
        content_type="image/webp",
        headers={
            "Cache-Control": cache_control,
            "Content-Disposition": 'inline; filename="picture.webp"',
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "ETag": f'"{digest}-{len(data)}"',
        },
    )
