from django.urls import path

from notifications import views

urlpatterns = [
    path("inbox/", views.inbox, name="inbox"),
    path("inbox/read/", views.read_all, name="inbox-read-all"),
    path("inbox/<uuid:notification_id>/open/", views.open_notification, name="inbox-open"),
    path("inbox/<uuid:notification_id>/read/", views.read, name="inbox-read"),
    path("inbox/<uuid:notification_id>/unread/", views.unread, name="inbox-unread"),
    path("settings/notifications/", views.preferences, name="settings-notifications"),
    path("mail/", views.mailbox, name="mailbox"),
    path("mail/<str:name>/", views.message, name="mailbox-message"),
    path("mail/<str:name>/html/", views.message_html, name="mailbox-html"),
]
