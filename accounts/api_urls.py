"""URLs of the API of accounts, below /api/v1/."""

from django.urls import path

from accounts.api_keys import api as api_keys_api
from accounts.auth import api as auth_api
from accounts.auth import reauthentication_api
from accounts.auth.email_addresses import api as email_addresses_api
from accounts.auth.mfa import api as mfa_api
from accounts.auth.oidc import api as oidc_api
from accounts.auth.passwords import api as passwords_api
from accounts.auth.security_log import api as security_log_api
from accounts.auth.sessions import api as sessions_api
from accounts.privacy import api as privacy_api
from accounts.teams import api as teams_api
from accounts.users import api as users_api
from accounts.users.invitations import api as invitations_api

urlpatterns = [
    path("auth/register/", auth_api.RegisterView.as_view()),
    path("auth/login/", auth_api.LoginView.as_view()),
    path("auth/mfa/", auth_api.MfaView.as_view()),
    path("auth/refresh/", auth_api.RefreshView.as_view()),
    path("auth/logout/", auth_api.LogoutView.as_view()),
    path("auth/logout-others/", auth_api.LogoutOthersView.as_view()),
    path("auth/logout-all/", auth_api.LogoutAllView.as_view()),
    path("auth/reauthenticate/", reauthentication_api.ReauthenticateView.as_view()),
    path("auth/register-with-invitation/", invitations_api.RegisterWithInvitationView.as_view()),
    path("auth/cancel-deletion/", privacy_api.CancelDeletionView.as_view()),
    path("auth/verify-email/", email_addresses_api.VerifyEmailView.as_view()),
    path("auth/password-reset/", passwords_api.PasswordResetView.as_view()),
    path("auth/password-reset/confirm/", passwords_api.PasswordResetConfirmationView.as_view()),
    path("me/", users_api.MeView.as_view()),
    path("me/email/", email_addresses_api.EmailView.as_view()),
    path("me/email/verification/", email_addresses_api.EmailVerificationView.as_view()),
    path("me/identities/", oidc_api.IdentitiesView.as_view()),
    path("me/identities/<int:identity_id>/", oidc_api.IdentityView.as_view()),
    path("me/mfa/", mfa_api.MfaView.as_view()),
    path("me/mfa/passkeys/<int:passkey_id>/", mfa_api.PasskeyView.as_view()),
    path("me/mfa/recovery-codes/", mfa_api.RecoveryCodesView.as_view()),
    path("me/mfa/totp/", mfa_api.TotpView.as_view()),
    path("me/mfa/totp/confirm/", mfa_api.TotpConfirmationView.as_view()),
    path("me/password/", passwords_api.PasswordView.as_view()),
    path("me/avatar/", users_api.MyAvatarView.as_view()),
    path("me/deletion/", privacy_api.DeletionView.as_view()),
    path("me/exports/", privacy_api.ExportsView.as_view()),
    path("me/exports/<uuid:export_id>/", privacy_api.ExportView.as_view()),
    path("me/exports/<uuid:export_id>/archive/", privacy_api.ExportArchiveView.as_view()),
    path("directory/", users_api.DirectoryView.as_view()),
    path("directory/<uuid:user_id>/", users_api.DirectoryUserView.as_view()),
    path("invitations/", invitations_api.InvitationsView.as_view()),
    path("invitations/accept/", invitations_api.AcceptInvitationView.as_view()),
    path("invitations/<uuid:invitation_id>/", invitations_api.InvitationView.as_view()),
    path("security-log/", security_log_api.SecurityLogView.as_view()),
    path("sessions/", sessions_api.SessionsView.as_view()),
    path("sessions/<uuid:session_id>/", sessions_api.SessionView.as_view()),
    path("users/", users_api.UsersView.as_view()),
    path("users/<uuid:user_id>/", users_api.UserView.as_view()),
    path("users/<uuid:user_id>/avatar/", users_api.AvatarView.as_view()),
    path("api-keys/", api_keys_api.ApiKeysView.as_view()),
    path("api-keys/<uuid:key_id>/", api_keys_api.ApiKeyView.as_view()),
    path("api-keys/<uuid:key_id>/rotate/", api_keys_api.RotateApiKeyView.as_view()),
    path("service-accounts/", api_keys_api.ServiceAccountsView.as_view()),
    path("service-accounts/<uuid:account_id>/", api_keys_api.ServiceAccountView.as_view()),
    path("service-accounts/<uuid:account_id>/keys/", api_keys_api.ServiceAccountKeysView.as_view()),
    path("teams/", teams_api.TeamsView.as_view()),
    path("teams/<uuid:team_id>/", teams_api.TeamView.as_view()),
    path("teams/<uuid:team_id>/members/", teams_api.TeamMembersView.as_view()),
    path("teams/<uuid:team_id>/members/<uuid:user_id>/", teams_api.TeamMemberView.as_view()),
]
