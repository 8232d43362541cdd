from django.urls import path

from accounts.oidc import views

urlpatterns = [
    path("login/with/<str:provider_id>/", views.start, name="openid_connect_login"),
    path("login/with/<str:provider_id>/callback/", views.callback, name="openid_connect_callback"),
]
