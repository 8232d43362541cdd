"""The WSGI environ (PEP 3333) of an ASGI scope and a complete body.

Invariant: Django reads the same path and the same headers that the gateway has checked. A header with an underscore in
its name is dropped, because WSGI could not tell it from the one with a hyphen.
"""

from __future__ import annotations

import io
import sys
from typing import IO
from wsgiref.types import WSGIEnvironment

from core.cache import GLOBAL_GENERATION_KEY
from gateway.request_body import Scope

# The length is that of the body we have, however it was sent.
DROPPED_HEADERS = {b"content-length", b"transfer-encoding"}
Body = bytes | IO[bytes]
DEFAULT_PORTS = {"http": "80", "https": "443"}


def build_environ(scope: Scope, body: Body) -> WSGIEnvironment:
    scheme = scope.get("scheme", "http")
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    length = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    root, path = scope.get("root_path", ""), scope["path"]
    host, port = scope.get("server") or ("localhost", None)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        # root_path is part of the path in ASGI, and not in WSGI.
        "SCRIPT_NAME": _to_wsgi_string(root),
        "PATH_INFO": _to_wsgi_string(path.removeprefix(root)),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port) if port else DEFAULT_PORTS[scheme],
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "CONTENT_LENGTH": str(length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": stream,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if GLOBAL_GENERATION_KEY in scope:
        environ[GLOBAL_GENERATION_KEY] = scope[GLOBAL_GENERATION_KEY]
    if client := scope.get("client"):
        environ["REMOTE_ADDR"], environ["REMOTE_PORT"] = client[0], str(client[1])
    for name, value in scope["headers"]:
        if b"_" in name or name in DROPPED_HEADERS:
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        # CGI, and so WSGI, has no HTTP_ prefix for it (RFC 3875, section 4.1.3).
        if key != "CONTENT_TYPE":
            key = f"HTTP_{key}"
        text = value.decode("latin-1")
        if key in environ:
            # A repeated header is joined to the first, as RFC 9110 (section 5.3) and RFC 6265 (cookies) have it.
            separator = "; " if name == b"cookie" else ","
            text = f"{environ[key]}{separator}{text}"
        environ[key] = text
    return environ


def _to_wsgi_string(text: str) -> str:
    """Return text as WSGI has it: one byte in each character."""
    return text.encode().decode("latin-1")
