"""The site, and two views that do next to nothing."""

from django.http import HttpResponse
from django.urls import include, path

from clinics.models import Currency


def empty(request):
    """What the framework and our middleware cost. No query."""
    return HttpResponse("Nothing.")


def one_query(request):
    """What the framework, our middleware and one read of the database cost."""
    return HttpResponse(Currency.objects.get(pk="EUR").rate_source)


urlpatterns = [
    path("bench/empty", empty, name="empty"),
    path("bench/one-query", one_query, name="one-query"),
    path("", include("config.urls")),
]
