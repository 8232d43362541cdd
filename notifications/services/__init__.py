"""The verbs of what people hear, one file per noun."""

from notifications.services.account_emails import purge_account_emails, queue_account_email
from notifications.services.emails import deliver_email, send_again, take_waiting_emails
from notifications.services.inbox import mark_all_read, mark_read, mark_unread, purge
from notifications.services.preferences import set_preferences
from notifications.services.telling import tell

__all__ = [
    "deliver_email",
    "mark_all_read",
    "mark_read",
    "mark_unread",
    "purge",
    "purge_account_emails",
    "queue_account_email",
    "send_again",
    "set_preferences",
    "take_waiting_emails",
    "tell",
]
