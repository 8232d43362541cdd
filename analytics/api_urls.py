from django.urls import path

from analytics.overview import api as overview_api
from analytics.reports import api as reports_api

urlpatterns = [
    path("analytics/overview/", overview_api.OverviewView.as_view()),
    path("analytics/daily/", overview_api.DailyView.as_view()),
    path("analytics/reports/", reports_api.ReportLibraryView.as_view()),
    path("analytics/reports/<str:report_name>/", reports_api.ReportView.as_view()),
    path("analytics/reports/<str:report_name>/file/", reports_api.ReportFileView.as_view()),
]
