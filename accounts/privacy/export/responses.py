"""Files that leave the house: an archive for its owner, a picture for whoever is signed in."""

from __future__ import annotations

from django.http import StreamingHttpResponse

from accounts.models import Export
from accounts.privacy.export import selectors
from core.errors import Conflict


def export_response(export: Export) -> StreamingHttpResponse:
    """Answer with the archive, piece by piece, for the owner's disk and no cache."""
    if export.state != Export.State.READY:
        raise Conflict("The archive is not ready yet; an e-mail will say when it is.", code="not_ready")
    return StreamingHttpResponse(
        selectors.iter_archive(export),
        content_type="application/zip",
        headers={
            "Content-Length": str(export.size),
            "Content-Disposition": f'attachment; filename="taskflow-{export.created_at:%Y-%m-%d}.zip"',
            "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
