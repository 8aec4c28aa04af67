"""Pages of the plugin: a game puts `path("fleet/", include("evennia_towerwatch.web.urls"))` in."""

from django.urls import path

from .views import fleet_data, fleet_page

app_name = "towerwatch"
urlpatterns = [
    path("", fleet_page, name="fleet"),
    path("data.json", fleet_data, name="fleet-data"),
]
