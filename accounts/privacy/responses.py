"""HTTP responses with export archives."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.translation import gettext

from accounts.models import Export
from accounts.privacy import selectors
from core.errors import Conflict


def export_response(export: Export) -> StreamingHttpResponse:
    """Stream the archive as a download that no cache keeps. Raises Conflict while it is being prepared."""
    if export.state != Export.State.READY:
        raise Conflict(gettext("The export is not ready yet. You will get an email when it is."), code="not_ready")
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
