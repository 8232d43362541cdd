from django.urls import path

from accounts.auth.oidc import pages

urlpatterns = [
    path("login/with/<str:provider_id>/", pages.start, name="openid_connect_login"),
    path("login/with/<str:provider_id>/callback/", pages.callback, name="openid_connect_callback"),
]
