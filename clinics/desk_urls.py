"""The moderation desk and the staff guide, inside the admin's address."""

from django.urls import path

from . import desk_views, guide_views

urlpatterns = [
    path("guide/", guide_views.guide_page, name="guide"),
    path("desk/", desk_views.desk_page, name="desk"),
    path("desk/next/", desk_views.desk_next, name="desk-next"),
    path("desk/leave/", desk_views.desk_leave, name="desk-leave"),
    path("desk/<slug:kind>/<int:key>/", desk_views.desk_entry, name="desk-entry"),
]
