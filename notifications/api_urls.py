from django.urls import path

from notifications.inbox import api as inbox_api
from notifications.preferences import api as preferences_api

urlpatterns = [
    path("notifications/", inbox_api.NotificationListView.as_view()),
    path("notifications/read-all/", inbox_api.NotificationReadAllView.as_view()),
    path("notifications/preferences/", preferences_api.PreferencesView.as_view()),
    path("notifications/<uuid:notification_id>/read/", inbox_api.NotificationReadView.as_view()),
    path("notifications/<uuid:notification_id>/unread/", inbox_api.NotificationUnreadView.as_view()),
]
