"""The pages as an installable app: manifest, service worker and offline page."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from core.api.endpoints import endpoint

# Each name of a file has its hash; the service worker caches these at once, and others when a page first uses them.
OFFLINE_FILES = (
    *(
        f"css/{name}.css"
        for name in ("tokens", "base", "layout", "components", "forms", "tables", "charts", "pages", "print")
    ),
    "img/icons.svg",
    "img/logo.svg",
    "js/offline.js",
)
ICONS = (
    ("img/app-192.png", "192x192", "any"),
    ("img/app-512.png", "512x512", "any"),
    ("img/app-maskable-512.png", "512x512", "maskable"),
)
SHORTCUTS = (("New task", "task-new", ""), ("My tasks", "task-list", "?assignee=me"), ("Inbox", "inbox", ""))


def public_response(content: str, content_type: str) -> HttpResponse:
    """Return a response that browsers check for a newer one each time."""
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": "no-cache"})


@endpoint(mfa_exempt=True)
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Return the web app manifest (W3C Web Application Manifest)."""
    icons = [
        {"src": static(path), "sizes": sizes, "type": "image/png", "purpose": purpose} for path, sizes, purpose in ICONS
    ]
    data: dict[str, Any] = {
        "id": "/",
        "name": "TaskFlow",
        "short_name": "TaskFlow",
        "description": "Projects and tasks of your team.",
        "start_url": reverse("overview"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f6f7f9",
        "theme_color": "#3d52d5",
        "icons": icons,
        "shortcuts": [
            {"name": name, "url": reverse(url_name) + query, "icons": icons[:1]} for name, url_name, query in SHORTCUTS
        ],
    }
    return JsonResponse(data, content_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


@endpoint(mfa_exempt=True)
@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Return the service worker; the hash of its files is the version of its cache."""
    if not settings.SERVICE_WORKER:
        return public_response(render_to_string("service_worker_removal.js"), "text/javascript")
    # Of our own origin only: the policy of connections allows no CDN.
    files = [url for url in map(static, OFFLINE_FILES) if url.startswith("/")]
    page = render_offline_page()
    version = hashlib.sha256(json.dumps([files, page]).encode()).hexdigest()[:12]
    context = {
        "version": version,
        "offline_url": reverse("offline"),
        "files": json.dumps(files),
        "static_url": settings.STATIC_URL,
    }
    return public_response(render_to_string("service_worker.js", context), "text/javascript")


@endpoint(mfa_exempt=True)
@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Show the page that the service worker keeps for when there is no connection."""
    return public_response(render_offline_page(), "text/html; charset=utf-8")


def render_offline_page() -> str:
    # Without the request, so that nothing of the user is in a page that the browser keeps.
    return render_to_string("errors/offline.html")
