from django.urls import path

from analytics.overview import pages as overview_pages
from analytics.reports import pages as reports_pages

urlpatterns = [
    path("", overview_pages.overview, name="overview"),
    path("reports/", reports_pages.report_list, name="reports"),
    path("reports/<str:report_name>/", reports_pages.report, name="report"),
    path("reports/<str:report_name>/export.<str:file_type>", reports_pages.export, name="report-file"),
]
