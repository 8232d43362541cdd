from django.urls import path

from notifications.api import views

urlpatterns = [
    path("notifications/", views.NotificationsView.as_view()),
    path("notifications/read-all/", views.ReadAllView.as_view()),
    path("notifications/preferences/", views.PreferencesView.as_view()),
    path("notifications/<uuid:notification_id>/read/", views.ReadView.as_view()),
    path("notifications/<uuid:notification_id>/unread/", views.UnreadView.as_view()),
]
