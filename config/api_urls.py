"""URLs of the API, version 1."""

from django.urls import include, path

# Django tries the routes one by one: those asked for most come first.
urlpatterns = [
    path("", include("tasks.api_urls")),
    path("", include("accounts.api_urls")),
    path("", include("notifications.api_urls")),
    path("", include("analytics.api_urls")),
]
