from django.http import HttpResponse


def avatar_response(data: bytes, digest: str, cache_control: str) -> HttpResponse:
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
