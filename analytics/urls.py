from django.urls import path

from analytics.audit import pages as audit_pages
from analytics.operations import pages as operations_pages
from analytics.overview import pages as overview_pages
from analytics.reports import pages as reports_pages

urlpatterns = [
    path("", overview_pages.overview, name="overview"),
    path("audit/", audit_pages.audit, name="audit"),
    path("audit/events.csv", audit_pages.audit_csv, name="audit-csv"),
    path("operations/", operations_pages.operations, name="operations"),
    path("operations/runbooks/<slug:runbook_name>/", operations_pages.runbook, name="operations-runbook"),
    path("operations/<slug:panel_key>/<slug:action_key>/", operations_pages.run_action, name="operations-action"),
    path("reports/", reports_pages.report_list, name="reports"),
    path("reports/<str:report_name>/", reports_pages.report, name="report"),
    path("reports/<str:report_name>/export.<str:file_type>", reports_pages.export, name="report-file"),
]
