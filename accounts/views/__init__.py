"""The pages of one's own account, one file per noun."""

from accounts.views.addresses import change_email, resend_verification, verify_email
from accounts.views.identities import identities, unlink
from accounts.views.invitations import invitation, invitations, revoke_invitation
from accounts.views.keys import keys, revoke_key, rotate_key
from accounts.views.own_data import delete_export, download_export, leave, own_data, request_export, stay
from accounts.views.passwords import AskForReset, ChangePassword, SetPassword, reset_password
from accounts.views.people import people, person_page
from accounts.views.profile import avatar, profile, remove_avatar, set_avatar
from accounts.views.security import (
    ActivateApp,
    AddPasskey,
    PasskeySignIn,
    RemoveApp,
    RemovePasskey,
    RenamePasskey,
    security,
)
from accounts.views.security_log import security_log
from accounts.views.service_accounts import service_account, service_accounts, switch_service_account
from accounts.views.sessions import revoke_all_sessions, revoke_other_sessions, revoke_session, sessions
from accounts.views.signing_in import register, sign_in, sign_out
from accounts.views.undoing import undo

__all__ = [
    "ActivateApp",
    "AddPasskey",
    "AskForReset",
    "ChangePassword",
    "PasskeySignIn",
    "RemoveApp",
    "RemovePasskey",
    "RenamePasskey",
    "SetPassword",
    "avatar",
    "change_email",
    "delete_export",
    "download_export",
    "identities",
    "invitation",
    "invitations",
    "keys",
    "leave",
    "own_data",
    "people",
    "person_page",
    "profile",
    "register",
    "remove_avatar",
    "request_export",
    "resend_verification",
    "reset_password",
    "revoke_all_sessions",
    "revoke_invitation",
    "revoke_key",
    "revoke_other_sessions",
    "revoke_session",
    "rotate_key",
    "security",
    "security_log",
    "service_account",
    "service_accounts",
    "sessions",
    "set_avatar",
    "sign_in",
    "sign_out",
    "stay",
    "switch_service_account",
    "undo",
    "unlink",
    "verify_email",
]
