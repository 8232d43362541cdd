from django.urls import path

from analytics.overview import api as overview_api

urlpatterns = [
    path("analytics/overview/", overview_api.OverviewView.as_view()),
    path("analytics/daily/", overview_api.DailyView.as_view()),
]
