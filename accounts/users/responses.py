"""HTTP responses with user files."""

from django.http import HttpResponse


def avatar_response(data: bytes, digest: str, cache_control: str) -> HttpResponse:
    """Return a picture with headers that keep a browser from treating it as anything else."""
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
