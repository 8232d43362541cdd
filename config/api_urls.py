"""URLs of the API, version 1."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.api_urls")),
    path("", include("tasks.api_urls")),
    path("", include("notifications.api_urls")),
    path("", include("analytics.api_urls")),
]
