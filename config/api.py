"""The API, version 1."""

from django.urls import include, path

urlpatterns = [
    path("", include("accounts.api.urls")),
    path("", include("tasks.api.urls")),
    path("", include("notifications.api.urls")),
    path("", include("analytics.api.urls")),
]
