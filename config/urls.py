"""The site map."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.contrib.sitemaps import views as sitemap_views
from django.urls import include, path
from django.views.decorators.http import require_safe

from clinics.sitemaps import ClinicSitemap, PageSitemap, TreatmentCostSitemap
from treatments.sitemaps import IsItForMeSitemap, SourceSitemap, TreatmentSitemap

SITEMAPS = {
    "pages": PageSitemap,
    "treatments": TreatmentSitemap,
    "costs": TreatmentCostSitemap,
    "reasons": IsItForMeSitemap,
    "sources": SourceSitemap,
    "clinics": ClinicSitemap,
}

urlpatterns = [
    path("", include("accounts.urls")),
    path("admin/", include("clinics.desk_urls")),
    path("admin/", include("clinics.home_urls")),
    path("admin/", admin.site.urls),
    path("", include("clinics.urls")),
    path("", include("treatments.urls")),
    path("sitemap.xml", require_safe(sitemap_views.index), {"sitemaps": SITEMAPS}, name="sitemap"),
    path(
        "sitemap-<section>.xml",
        require_safe(sitemap_views.sitemap),
        {"sitemaps": SITEMAPS},
        name="django.contrib.sitemaps.views.sitemap",
    ),
    # In production the web server in front hands out uploads; see docs/deploy.md.
    *(static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT) if settings.DEBUG else []),
]
