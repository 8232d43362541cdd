"""HTTP responses with the content of attachments.

A file comes from a user, so no browser may run it as a part of this site: it is a download, of a type that is not
guessed, and whoever opens it all the same gets a sandbox without scripts, an origin and anything to load.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header

from core.http.byte_ranges import RangeNotSatisfiable, requested_range
from tasks.attachments import selectors
from tasks.models import Attachment

SAFE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # Asked again each time, because access may end; an unchanged file is then not sent again.
    "Cache-Control": "private, no-cache",
}


def content_response(request: HttpRequest, attachment: Attachment) -> HttpResponseBase:
    """Stream the file, or the range that the request asks for. Raises Conflict, NotFound."""
    file = attachment.file
    selectors.require_downloadable(file)
    etag = f'"{file.sha256[:32]}"'
    # Before the range (RFC 9110, section 13.2.2).
    if (conditional := get_conditional_response(request, etag=etag)) is not None:
        return conditional
    headers = {
        **SAFE_HEADERS,
        "Content-Disposition": content_disposition_header(True, attachment.name) or "attachment",
        "ETag": etag,
        "Accept-Ranges": "bytes",
    }
    try:
        part = requested_range(request, total=file.size, etag=etag)
    except RangeNotSatisfiable:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{file.size}"})
    if part:
        headers |= {"Content-Range": part.content_range(file.size), "Content-Length": str(part.size)}
        content = selectors.open_content(file, part.start, part.size)
    else:
        headers["Content-Length"] = str(file.size)
        content = selectors.open_content(file)
    # A charset for text, or a browser would guess one.
    media_type = f"{file.media_type}; charset=utf-8" if file.media_type.startswith("text/") else file.media_type
    return StreamingHttpResponse(content, status=206 if part else 200, content_type=media_type, headers=headers)


def thumbnail_response(attachment: Attachment) -> StreamingHttpResponse:
    """Stream the thumbnail, which is drawn by this server and so may be shown. Raises NotFound."""
    file = attachment.file
    headers = {
        **SAFE_HEADERS,
        "Content-Disposition": 'inline; filename="thumbnail.webp"',
        "Content-Length": str(file.thumbnail_size),
        "ETag": f'"{file.sha256[:32]}-{file.thumbnail_size}"',
    }
    return StreamingHttpResponse(selectors.open_thumbnail(file), content_type="image/webp", headers=headers)
