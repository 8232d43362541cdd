from django.urls import path

from analytics.api import views

urlpatterns = [
    path("analytics/overview/", views.OverviewView.as_view()),
    path("analytics/daily/", views.DailyView.as_view()),
]
