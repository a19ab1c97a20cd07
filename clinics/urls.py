from django.urls import path

from . import cost_views, views

urlpatterns = [
    path("", views.home, name="home"),
    path("clinics/", views.clinic_list, name="clinic-list"),
    path("clinics/<slug:slug>/", views.clinic_detail, name="clinic"),
    path("treatments/<slug:slug>/cost/", cost_views.treatment_cost, name="treatment-cost"),
    # Not below clinics/, where it would hide a clinic of that name.
    path("suggest/", views.suggest, name="suggest"),
    path("how-we-rank/", views.how_we_rank, name="how-we-rank"),
    path("robots.txt", views.robots, name="robots"),
    *(path(f"{name}/", views.text_page, {"name": name}, name=name) for name in views.TEXT_PAGES),
]
