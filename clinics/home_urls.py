"""The home of a clinic, its preview, and files for editors: pages inside the admin's address."""

from django.urls import path

from . import home_views

urlpatterns = [
    path("clinics/clinic/<int:key>/home/", home_views.home, name="clinic-home"),
    path("clinics/clinic/<int:key>/confirm/", home_views.confirm, name="clinic-confirm"),
    path("clinics/clinic/<int:key>/preview/", home_views.preview, name="clinic-preview"),
    path("clinics/checkevidence/<int:key>/file/", home_views.evidence, name="evidence-file"),
]
