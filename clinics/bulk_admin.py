"""Bulk files in the admin: send one in, look at what it would do, import it; take lists along.

Everybody sees their own imports only. What a file may change is asked again for each row of it, see
clinics/bulk_changes.py. What patients write is in none of these files.
"""

import csv

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from treatments.record_pages import RecordPages
from treatments.spreadsheet_text import BYTE_ORDER_MARK, harmless

from .bulk_columns import SHEETS, Access, ChoiceColumn, Known
from .bulk_export import as_csv, as_xlsx
from .bulk_files import LARGEST_FILE, MOST_ROWS
from .bulk_work import (
    KEPT,
    LEASE,
    MOST_KEPT,
    check_again,
    forget,
    keep,
    most_at_once,
    path_of,
    progress_of,
    start_import,
    work_at_once,
)
from .models import BulkImport, BulkLine
from .permissions import is_editor

State, Mode = BulkImport.State, BulkImport.Mode
LINES_A_PAGE = 50
FORMATS = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def sheet_of(model):
    """The sheet whose rows are rows of this model."""
    return next(sheet for sheet in SHEETS.values() if sheet.model is model)


def as_download(pieces, name: str, content_type: str) -> StreamingHttpResponse:
    """A file that is sent while it is made, and kept by nobody on the way."""
    return StreamingHttpResponse(
        pieces,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


class ExportedRows(admin.ModelAdmin):
    """A list that can be taken along as a file: as filtered, or what is ticked.

    It holds what the list holds, so each person gets what they may edit.
    """

    change_list_template = "admin/clinics/bulk_change_list.html"

    def get_urls(self):
        export = self.admin_site.admin_view(require_safe(self.export_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/<str:file_format>/", export, name=name), *super().get_urls()]

    def export_view(self, request, file_format):
        """All rows that the list shows for this address, on all its pages."""
        if file_format not in FORMATS:
            raise Http404
        found = self.get_changelist_instance(request).queryset
        return self.file_of(request, found, file_format)

    def file_of(self, request, rows, file_format) -> StreamingHttpResponse:
        """These rows as a file, by today’s name."""
        sheet = sheet_of(self.model)
        write, content_type = FORMATS[file_format]
        keys = rows.order_by().values("pk")
        return as_download(
            write(sheet, sheet.rows().filter(pk__in=keys), Known(request.user)),
            f"{sheet.name}-{timezone.localdate().isoformat()}.{file_format}",
            content_type,
        )

    def changelist_view(self, request, extra_context=None):
        query = request.GET.copy()
        query.pop("p", None)
        context = {"export_query": query.urlencode()}
        return super().changelist_view(request, context | (extra_context or {}))

    def get_actions(self, request):
        actions = super().get_actions(request)
        for action in (export_as_csv, export_as_xlsx):
            name = action.__name__
            actions[name] = (action, name, action.short_description)
        return actions


@admin.action(description=_("Export as CSV"))
def export_as_csv(model_admin, request, queryset):
    """What is ticked, as CSV."""
    return model_admin.file_of(request, queryset, "csv")


@admin.action(description=_("Export as XLSX (Excel)"))
def export_as_xlsx(model_admin, request, queryset):
    """What is ticked, as XLSX."""
    return model_admin.file_of(request, queryset, "xlsx")


class UploadForm(forms.Form):
    """A file, and what is in it."""

    sheet = forms.ChoiceField(
        label=_("What is in the file?"),
        choices=[(sheet.name, sheet.label) for sheet in SHEETS.values()],
        widget=forms.RadioSelect,
        initial="offers",
    )
    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx"}),
        help_text=_("CSV or XLSX (Excel), at most %(megabytes)d MB and %(rows)s rows.")
        % {"megabytes": LARGEST_FILE // 1024 // 1024, "rows": f"{MOST_ROWS:,}"},
        error_messages={
            "empty": _("This file is empty."),
            "required": _("Choose a file."),
        },
    )

    def clean_file(self):
        """Refuse what is too large before anything of it is kept."""
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError(
                _("The file is larger than %(size)d MB. Split it, or save it as XLSX.")
                % {"size": LARGEST_FILE // 1024 // 1024}
            )
        return upload


class BulkImportAdmin(RecordPages, admin.ModelAdmin):
    """The imports of the person who is signed in."""

    list_display = ["file_name", "sheet", "state", "created_at"]
    list_display_links = ["file_name"]
    ordering = ["-created_at", "-pk"]
    actions = None

    # --- Whose

    def get_queryset(self, request):
        return super().get_queryset(request).filter(user=request.user.pk)

    def has_module_permission(self, request):
        return request.user.is_active and request.user.is_staff

    def has_view_permission(self, request, obj=None):
        is_own = obj is None or obj.user_id == request.user.pk
        return is_own and self.has_module_permission(request)

    def has_add_permission(self, request):
        return self.has_module_permission(request)

    def has_change_permission(self, request, obj=None):
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request, obj=None):
        # On the page itself: Django’s own would list every row of the file.
        return False

    def get_urls(self):
        def own(view):
            return self.admin_site.admin_view(never_cache(view))

        return [
            path("columns/", own(self.columns_view), name="clinics_bulkimport_columns"),
            path(
                "<int:object_id>/progress/",
                own(require_safe(self.progress_view)),
                name="clinics_bulkimport_progress",
            ),
            path(
                "<int:object_id>/report/",
                own(require_safe(self.report_view)),
                name="clinics_bulkimport_report",
            ),
            *super().get_urls(),
        ]

    def own_or_404(self, request, object_id) -> BulkImport:
        """The import, if it is this person’s. One query."""
        job = self.get_queryset(request).filter(pk=object_id).first()
        if job is None:
            raise Http404
        return job

    # --- Sending one in

    def add_view(self, request, form_url="", extra_context=None):
        """Take a file; check it at once if it is short."""
        asked = request.GET.get("sheet")
        initial = {"sheet": asked} if asked in SHEETS else {}
        form = UploadForm(request.POST or None, request.FILES or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            job = self.take(request, form)
            if job:
                return HttpResponseRedirect(self.page_of(job))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Import a file"),
            "opts": self.opts,
            "form": form,
            "is_editor": is_editor(request.user),
            "days_kept": KEPT.days,
        }
        return TemplateResponse(request, "admin/clinics/bulkimport/add_form.html", context)

    def take(self, request, form) -> BulkImport | None:
        """Keep the file; None with an error in the form if it cannot be read."""
        if self.get_queryset(request).count() >= MOST_KEPT:
            form.add_error(
                None, _("You have many imports here. Delete one that you are done with first.")
            )
            return None
        job = keep(form.cleaned_data["file"], user=request.user, sheet=form.cleaned_data["sheet"])
        job = work_at_once(job)
        if job.state == State.REFUSED:
            form.add_error("file", job.problem)
            forget(job)
            return None
        return job

    def page_of(self, job) -> str:
        return reverse("admin:clinics_bulkimport_change", args=[job.pk])

    def columns_view(self, request):
        """What the columns mean."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The columns of the files"),
            "opts": self.opts,
            "sheets": [
                (
                    sheet,
                    [
                        (column, column.codes if isinstance(column, ChoiceColumn) else ())
                        for column in sheet.columns
                    ],
                )
                for sheet in SHEETS.values()
            ],
            "is_editor": is_editor(request.user),
            "access": Access,
        }
        return TemplateResponse(request, "admin/clinics/bulkimport/columns.html", context)

    # --- Looking at one, and importing it

    @method_decorator(never_cache)
    def change_view(self, request, object_id, form_url="", extra_context=None):
        """What the check found or the import did; its buttons."""
        job = self.get_object(request, object_id)
        if job is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if request.method == "POST":
            return self.act(request, job)
        shown = request.GET.get("show")
        # What has errors first, for whoever must repair it.
        lines = job.lines.order_by("-result", "number")
        if shown in BulkLine.Result.values:
            lines = lines.filter(result=shown)
        elif shown == "missed":
            lines = lines.filter(outcome=BulkLine.Outcome.REFUSED)
        else:
            shown = ""
        page = Paginator(lines, LINES_A_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": job.file_name,
            "opts": self.opts,
            "original": job,
            "page": page,
            "pages": page.paginator.get_elided_page_range(page.number),
            "shown": shown,
            "counts": self.counts_of(job),
            "share": progress_of(job) if job.is_at_work else None,
            "nobody_works": job.is_at_work and job.leased_until < timezone.now() - LEASE,
            "is_file_kept": path_of(job).exists(),
            "is_too_long": job.to_write > (most_at_once() or job.to_write),
            "needs_review": not is_editor(request.user),
        }
        return TemplateResponse(request, "admin/clinics/bulkimport/change_form.html", context)

    def counts_of(self, job) -> list[tuple]:
        """Name, label and number of each kind of row. Up to one query."""
        counts = [
            ("new", _("new"), job.new),
            ("changed", _("changed"), job.changed),
            ("unchanged", _("as they were"), job.unchanged),
            ("refused", _("with errors"), job.refused),
        ]
        if job.state == State.DONE:
            missed = job.lines.filter(outcome=BulkLine.Outcome.REFUSED).count()
            counts.append(("missed", _("not imported after all"), missed))
        return counts

    def act(self, request, job) -> HttpResponseRedirect:
        """Do what the button says, if it still can be done."""
        if "_forget" in request.POST:
            if job.is_at_work and job.leased_until > timezone.now():
                self.message_user(
                    request, _("Wait until the work on it has ended."), messages.ERROR
                )
                return HttpResponseRedirect(self.page_of(job))
            forget(job)
            self.message_user(request, _("The file is deleted here."), messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:clinics_bulkimport_changelist"))
        if "_all" in request.POST or "_good" in request.POST:
            started = start_import(job, Mode.ALL if "_all" in request.POST else Mode.GOOD)
        else:
            started = "_again" in request.POST and check_again(job)
        if started:
            job.refresh_from_db()
            work_at_once(job)
        else:
            self.message_user(
                request, _("That cannot be done with it any more. See below."), messages.WARNING
            )
        return HttpResponseRedirect(self.page_of(job))

    def progress_view(self, request, object_id):
        """For the script of the page: the state, and how far it is from 0 to 1."""
        job = self.own_or_404(request, object_id)
        share = progress_of(job)
        return JsonResponse({"state": job.state, "share": share})

    def report_view(self, request, object_id):
        """What was found and done, a line for each cell, as CSV."""
        job = self.own_or_404(request, object_id)
        return as_download(report_of(job), "import-report.csv", FORMATS["csv"][1])


class _Echo:
    """A file for csv that hands back what is written."""

    def write(self, text):
        return text.encode()


def report_of(job: BulkImport):
    """The report of an import in pieces: line, key, result, outcome, column, before, after, why."""
    writer = csv.writer(_Echo())
    header = ["line", "key", "result", "outcome", "column", "before", "after", "message"]
    yield BYTE_ORDER_MARK.encode() + writer.writerow(header)
    for line in job.lines.iterator():
        about = [line.number, " / ".join(line.key), line.result, line.outcome]
        cells = [[*change, ""] for change in line.changes]
        cells += [[column, "", "", message] for column, message in line.problems]
        if line.remark:
            cells.append(["", "", "", line.remark])
        for cell in cells or [["", "", "", ""]]:
            yield writer.writerow([harmless(str(text)) for text in (*about, *cell)])
