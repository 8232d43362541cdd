"""URLs of the pages of accounts."""

from django.urls import include, path

from accounts.api_keys import pages as api_keys_pages
from accounts.auth import pages as auth_pages
from accounts.auth.login_methods import pages as login_methods_pages
from accounts.auth.oidc import pages as oidc_pages
from accounts.auth.security_log import pages as security_log_pages
from accounts.auth.sessions import pages as sessions_pages
from accounts.privacy import pages as privacy_pages
from accounts.users import pages as users_pages
from accounts.users.invitations import pages as invitations_pages

urlpatterns = [
    path("login/", auth_pages.login, name="login"),
    path("logout/", auth_pages.logout, name="logout"),
    path("register/", auth_pages.register, name="register"),
    path("settings/", users_pages.profile, name="settings"),
    path("settings/appearance/", users_pages.set_appearance, name="settings-appearance"),
    path("settings/avatar/", users_pages.set_avatar, name="settings-avatar"),
    path("settings/avatar/remove/", users_pages.remove_avatar, name="settings-avatar-remove"),
    path("settings/privacy/", privacy_pages.privacy, name="settings-privacy"),
    path("settings/privacy/export/", privacy_pages.request_export, name="export-request"),
    path("settings/privacy/<uuid:export_id>/", privacy_pages.download_export, name="export-download"),
    path("settings/privacy/<uuid:export_id>/delete/", privacy_pages.delete_export, name="export-delete"),
    path("settings/delete-account/", privacy_pages.delete_account, name="delete-account"),
    path("cancel-deletion/", privacy_pages.cancel_deletion, name="cancel-deletion"),
    path("revert-login-method/", login_methods_pages.revert_login_method, name="revert-login-method"),
    path("invitation/", invitations_pages.accept_invitation, name="invitation"),
    path("avatars/<uuid:user_id>/<slug:digest>/<int:size>.webp", users_pages.avatar, name="avatar"),
    path("people/", users_pages.user_list, name="people"),
    path("people/invitations/", invitations_pages.invitations, name="invitations"),
    path(
        "people/invitations/<uuid:invitation_id>/revoke/", invitations_pages.revoke_invitation, name="invitation-revoke"
    ),
    path("people/<uuid:user_id>/", users_pages.user_detail, name="user-detail"),
    path("settings/sessions/", sessions_pages.sessions, name="settings-sessions"),
    path("settings/sessions/<uuid:session_id>/revoke/", sessions_pages.revoke_session, name="session-revoke"),
    path("settings/sessions/revoke/", sessions_pages.revoke_all_sessions, name="sessions-revoke"),
    path("settings/sessions/revoke-others/", sessions_pages.revoke_other_sessions, name="sessions-revoke-others"),
    path("settings/security/log/", security_log_pages.security_log, name="settings-security-log"),
    path("settings/security/identities/", oidc_pages.identities, name="socialaccount_connections"),
    path("settings/security/identities/<int:identity_id>/unlink/", oidc_pages.unlink_identity, name="identity-unlink"),
    path("settings/api-keys/", api_keys_pages.api_keys, name="settings-api-keys"),
    path("settings/api-keys/<uuid:key_id>/rotate/", api_keys_pages.rotate_key, name="api-key-rotate"),
    path("settings/api-keys/<uuid:key_id>/revoke/", api_keys_pages.revoke_key, name="api-key-revoke"),
    path("settings/service-accounts/", api_keys_pages.service_account_list, name="service-accounts"),
    path("settings/service-accounts/<uuid:account_id>/", api_keys_pages.service_account, name="service-account"),
    path(
        "settings/service-accounts/<uuid:account_id>/activation/",
        api_keys_pages.set_service_account_active,
        name="service-account-activation",
    ),
    path("login/with/<str:provider_id>/", oidc_pages.start, name="openid_connect_login"),
    path("login/with/<str:provider_id>/callback/", oidc_pages.callback, name="openid_connect_callback"),
    path("", include("accounts.auth.urls")),
]
