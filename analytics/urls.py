from django.urls import path

from analytics.overview import pages as overview_pages

urlpatterns = [path("", overview_pages.overview, name="overview")]
