from django.urls import path

from analytics.audit import api as audit_api
from analytics.operations import api as operations_api
from analytics.overview import api as overview_api
from analytics.reports import api as reports_api

urlpatterns = [
    path("audit/", audit_api.AuditView.as_view()),
    path("operations/", operations_api.OperationsView.as_view()),
    path("operations/<slug:panel_key>/<slug:action_key>/", operations_api.PanelActionView.as_view()),
    path("analytics/overview/", overview_api.OverviewView.as_view()),
    path("analytics/daily/", overview_api.DailyView.as_view()),
    path("analytics/reports/", reports_api.ReportLibraryView.as_view()),
    path("analytics/reports/<str:report_name>/", reports_api.ReportView.as_view()),
    path("analytics/reports/<str:report_name>/file/", reports_api.ReportFileView.as_view()),
]
