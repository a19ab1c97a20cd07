"""The staff guide inside the admin, for whoever may sign in."""

from django.contrib import admin
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from .staff_guide import staff_guide


@require_safe
@admin.site.admin_view
def guide_page(request):
    """The whole guide on one page, with its contents."""
    guide = staff_guide()
    context = {**admin.site.each_context(request), "title": guide.title, "guide": guide}
    return TemplateResponse(request, "admin/guide.html", context)
