from django.urls import path

from notifications.email import pages as email_pages
from notifications.inbox import pages as inbox_pages
from notifications.preferences import pages as preferences_pages

urlpatterns = [
    path("inbox/", inbox_pages.inbox, name="inbox"),
    path("inbox/read/", inbox_pages.mark_all_read, name="inbox-read-all"),
    path("inbox/<uuid:notification_id>/open/", inbox_pages.open_notification, name="inbox-open"),
    path("inbox/<uuid:notification_id>/read/", inbox_pages.mark_read, name="inbox-read"),
    path("inbox/<uuid:notification_id>/unread/", inbox_pages.mark_unread, name="inbox-unread"),
    path("settings/notifications/", preferences_pages.edit_preferences, name="settings-notifications"),
    path("mail/", email_pages.message_list, name="mailbox"),
    path("mail/<str:name>/", email_pages.message_detail, name="mailbox-message"),
    path("mail/<str:name>/html/", email_pages.message_html, name="mailbox-html"),
]
