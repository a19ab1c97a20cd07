from django.urls import path

from . import views

urlpatterns = [
    path("treatments/", views.treatment_list, name="treatment-list"),
    path("treatments/<slug:slug>/", views.treatment_detail, name="treatment"),
    path("mesotherapy/", views.mesotherapy, name="mesotherapy"),
    path("sources/", views.source_list, name="source-list"),
    path("sources/<slug:slug>/", views.source_detail, name="source"),
]
