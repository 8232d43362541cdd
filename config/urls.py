"""Root URL configuration: health, metrics, the API, the admin and the pages."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from drf_spectacular.views import SpectacularAPIView

from config import pages, web_app
from core import health
from core.api.endpoints import BodyLimit, endpoint
from core.form_idempotency import make_idempotent

handler400 = "config.pages.bad_request"
handler403 = "config.pages.forbidden"
handler404 = "config.pages.not_found"
handler500 = "config.pages.server_error"


@endpoint(mfa_exempt=True, is_monitoring=True)
@require_safe
@cache_control(no_store=True)
def metrics(request: HttpRequest) -> HttpResponse:
    return ExportToDjangoView(request)


schema = SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[])
api_docs = pages.ApiDocsView.as_view(url_name="schema")

urlpatterns = [
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("health", health.health),
    path("api/v1/health", health.health),
    path("metrics", metrics),
    path(
        "api/v1/schema/",
        endpoint(rate_limit=True, long_running=True, max_body_size=BodyLimit.JSON)(schema),
        name="schema",
    ),
    path(
        "api/v1/docs/",
        endpoint(rate_limit=True, long_running=True, max_body_size=BodyLimit.JSON)(api_docs),
        name="api-docs",
    ),
    path("api/v1/", include("config.api_urls")),
]
page_patterns: list[URLPattern | URLResolver] = [
    path("manifest.webmanifest", web_app.manifest, name="web-app-manifest"),
    path("sw.js", web_app.service_worker, name="service-worker"),
    path("offline/", web_app.offline, name="offline"),
    path("admin/", admin.site.urls),
    path("", include("accounts.urls")),
    path("", include("tasks.urls")),
    path("", include("notifications.urls")),
    path("", include("analytics.urls")),
]
make_idempotent(page_patterns)
urlpatterns += page_patterns
