from django.urls import path

from accounts import views

urlpatterns = [
    path("login/", views.sign_in, name="login"),
    path("logout/", views.sign_out, name="logout"),
    path("register/", views.register, name="register"),
    path("settings/", views.profile, name="settings"),
    path("settings/device/", views.device, name="settings-device"),
    path("settings/sessions/", views.sessions, name="settings-sessions"),
    path("settings/sessions/<uuid:session_id>/revoke/", views.revoke_session, name="session-revoke"),
    path("settings/sessions/revoke/", views.revoke_all_sessions, name="sessions-revoke"),
]
