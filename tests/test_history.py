"""The history of the catalogue: who changed what, when and why, and the way back."""

import datetime
import re
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from tests.factories import (
    ClaimFactory,
    MembershipFactory,
    SideEffectFactory,
    SourceFactory,
    StaffFactory,
    StatementFactory,
    TreatmentFactory,
    today,
)
from tests.forms_of_pages import Form
from tests.test_catalogue import FILES, edit
from treatments import models as catalogue
from treatments.catalogue import load_catalogue
from treatments.history import has_versions, one_change
from treatments.models import (
    Alias,
    Claim,
    Film,
    LoadedContent,
    ReadersQuestion,
    SideEffect,
    Source,
    Statement,
    Treatment,
)

pytestmark = pytest.mark.django_db
# A record of loading is no knowledge.
WITHOUT_VERSIONS = {LoadedContent}
# Versions of files would keep what somebody took away, and a reader's own words are not ours.
NOT_KEPT = {
    Film: {"file", "media_type", "captions"},
    ReadersQuestion: {"text_as_asked", "name_shown", "asked_at", "sending", "reason_declined"},
}


@pytest.fixture
def editor(db, client):
    """An editor by group alone, signed in."""
    user = StaffFactory(username="ada")
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    client.force_login(user)
    return user


@pytest.fixture
def directory(tmp_path):
    """A catalogue of one treatment, loaded."""
    folder = tmp_path / "content"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    load_catalogue(folder)
    return folder


def path_of(row, page="change") -> str:
    return f"/admin/treatments/{row._meta.model_name}/{row.pk}/{page}/"


def form_of(client, row) -> dict:
    """What a browser would send back of the row's page."""
    return Form(client.get(path_of(row)).content.decode()).values


def send(client, row, **values):
    """Send the row's page back with these values changed."""
    return client.post(path_of(row), form_of(client, row) | values)


def errors(response) -> str:
    assert response.status_code == 200
    lists = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return " ".join(lists)


def told(row) -> list[tuple]:
    """Kind, reason and user name of each version, the newest first."""
    return [
        (v.history_type, v.history_change_reason, v.history_user and v.history_user.username)
        for v in row.history.select_related("history_user")
    ]


def test_every_model_that_the_public_sees_has_versions():
    ours = {getattr(catalogue, name) for name in catalogue.__all__}
    assert {model for model in ours if not has_versions(model)} == WITHOUT_VERSIONS
    for model in ours - WITHOUT_VERSIONS:
        columns = {field.name for field in model.history.model.tracked_fields}
        folded = {field.name for field in model._meta.fields if field.name.endswith("_folded")}
        left_out = folded | NOT_KEPT.get(model, set())
        assert columns == {field.name for field in model._meta.fields} - left_out
        linked = {field.name for field in model.history.model._history_m2m_fields}
        plain = {
            f.name for f in model._meta.many_to_many if f.remote_field.through._meta.auto_created
        }
        assert linked == plain


# --- Changes in the admin


def test_one_press_of_the_button_is_one_version_with_who_and_why(client, editor):
    old, new = SourceFactory(), SourceFactory()
    effect = SideEffectFactory(sources=[old])
    before = effect.history.count()
    response = send(
        client, effect, duration="A week", sources=[new.pk], change_reason="Label of May"
    )
    assert response.status_code == 302
    assert effect.history.count() == before + 1
    assert told(effect)[0] == ("~", "Label of May", "ada")
    version = effect.history.first()
    assert version.duration == "A week"
    assert [link.source_id for link in version.sources.all()] == [new.pk]


def test_a_change_that_visitors_see_needs_a_reason(client, editor):
    statement = StatementFactory(sources=[SourceFactory()])
    response = send(client, statement, text="Something else.")
    assert "Say why you change it" in errors(response)
    statement.refresh_from_db()
    assert statement.text != "Something else."
    hidden = StatementFactory(treatment=TreatmentFactory(is_published=False))
    assert send(client, hidden, text="Something else.").status_code == 302


def test_publishing_needs_a_reason_too(client, editor):
    treatment = TreatmentFactory(is_published=False)
    assert "Say why" in errors(send(client, treatment, is_published="on"))
    assert send(client, treatment, is_published="on", change_reason="Done").status_code == 302


def test_rows_on_the_page_of_a_treatment_need_the_reason_of_the_page(client, editor):
    treatment = TreatmentFactory()
    form = form_of(client, treatment)
    form |= {"aliases-TOTAL_FORMS": 1, "aliases-0-name": "Fat jab", "aliases-0-treatment": ""}
    assert "Say why in the field" in errors(client.post(path_of(treatment), form))
    form |= {"change_reason": "Seen on posters"}
    assert client.post(path_of(treatment), form).status_code == 302
    assert told(Alias.objects.get()) == [("+", "Seen on posters", "ada")]
    assert not treatment.history.filter(history_change_reason="Seen on posters").exists()


def test_saving_without_a_change_leaves_no_version(client, editor):
    claim = ClaimFactory(treatments=[TreatmentFactory()])
    before = claim.history.count()
    assert send(client, claim).status_code == 302
    assert claim.history.count() == before


def test_a_deletion_needs_a_reason_and_can_be_undone(client, editor):
    source = SourceFactory()
    statement = StatementFactory(text="Kept.", sources=[source])
    path, key = path_of(statement, "delete"), statement.pk
    assert client.post(path, {"post": "yes"}).status_code == 302
    assert Statement.objects.filter(pk=key).exists()
    client.post(path, {"post": "yes", "change_reason": "Said twice"})
    assert not Statement.objects.filter(pk=key).exists()
    history = client.get(path_of(statement, "history").replace("None", str(key)))
    assert b"Said twice" in history.content
    number = Statement.history.filter(id=key, history_type="~").first() or (
        Statement.history.filter(id=key, history_type="+").first()
    )
    page = f"/admin/treatments/statement/{key}/history/statement/{number.history_id}/"
    assert client.post(page, {"change_reason": "Needed after all"}).status_code == 302
    assert list(Statement.objects.get(pk=key).sources.all()) == [source]


def test_what_cited_a_deleted_source_has_a_version_of_it(client, editor):
    source = SourceFactory()
    statement = StatementFactory(sources=[source])
    path = path_of(source, "delete")
    client.post(path, {"post": "yes", "change_reason": "Retracted"})
    assert told(statement)[0] == ("~", "Retracted", "ada")
    page = client.get(path_of(statement, "history")).content.decode()
    assert f"<del>{source.slug} (deleted)</del>" in page


def test_many_cannot_be_deleted_at_once_without_a_reason(client, editor):
    row = StatementFactory()
    form = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    client.post("/admin/treatments/statement/", form)
    assert Statement.objects.filter(pk=row.pk).exists()


# --- Reading and going back


def test_the_history_shows_each_field_before_and_after(client, editor):
    claim = ClaimFactory(low=3, high=4, treatments=[TreatmentFactory(slug="cellulite")])
    send(client, claim, high="6", change_reason="Read the table again")
    page = client.get(path_of(claim, "history")).content.decode()
    for part in ("<del>4.00</del>", "<ins>6.00</ins>", "Read the table again", "ada"):
        assert part in page
    assert "<del>3.00</del>" not in page


def test_the_history_of_a_treatment_has_that_of_its_parts(client, editor):
    effect = SideEffectFactory(name="Bruise", sources=[SourceFactory()])
    send(client, effect, name="Bruises", change_reason="More than one")
    page = client.get(path_of(effect.treatment, "history")).content.decode()
    assert "Side effect: Bruises" in page
    assert "More than one" in page


def test_a_version_is_restored_with_its_sources(client, editor):
    first, second = SourceFactory(), SourceFactory()
    claim = ClaimFactory(words="First.", treatments=[TreatmentFactory()], checked_against=[first])
    good = claim.history.first()
    send(client, claim, words="Wrong.", checked_against=[second.pk], change_reason="Tried")
    page = path_of(claim, f"history/claim/{good.history_id}")
    shown = client.get(page).content.decode()
    assert "<del>Wrong.</del>" in shown
    assert "<ins>First.</ins>" in shown
    assert "Say why you go back" in errors(client.post(page, {}))
    assert client.post(page, {"change_reason": "It was right"}).status_code == 302
    claim.refresh_from_db()
    assert claim.words == "First."
    assert list(claim.checked_against.all()) == [first]
    assert told(claim)[0] == ("~", "It was right", "ada")


def test_a_version_that_cannot_be_any_more_is_refused_with_the_reason(client, editor):
    claim = ClaimFactory(locator="p. 1", treatments=[TreatmentFactory()])
    first = claim.history.first()
    send(client, claim, locator="p. 2", change_reason="Moved")
    ClaimFactory(source=claim.source, locator="p. 1")
    page = path_of(claim, f"history/claim/{first.history_id}")
    assert errors(client.post(page, {"change_reason": "Back"}))
    claim.refresh_from_db()
    assert claim.locator == "p. 2"


@pytest.mark.parametrize("number", ["0", "x", "99999999999999999999", "-1"])
def test_a_version_that_is_not_there_is_not_found(client, editor, number):
    claim = ClaimFactory()
    assert client.get(path_of(claim, f"history/claim/{number}")).status_code == 404
    assert client.get(path_of(claim, "history/nothing/1")).status_code == 404


def test_a_version_is_only_found_under_its_own_row(client, editor):
    claim, other = ClaimFactory(), ClaimFactory()
    number = other.history.first().history_id
    assert client.get(path_of(claim, f"history/claim/{number}")).status_code == 404


def test_clinic_staff_see_no_history(client):
    client.force_login(MembershipFactory().user)
    claim = ClaimFactory()
    number = claim.history.first().history_id
    for page in ("history", f"history/claim/{number}"):
        assert client.get(path_of(claim, page)).status_code == 403
        assert client.post(path_of(claim, page), {"change_reason": "x"}).status_code == 403


def test_the_history_costs_the_same_for_one_version_and_for_three(
    client, editor, django_assert_max_num_queries
):
    claim = ClaimFactory(treatments=[TreatmentFactory()], checked_against=[SourceFactory()])
    for number in (1, 3):
        while claim.history.count() < number:
            claim.words += " More."
            claim.save()
        with django_assert_max_num_queries(20):
            client.get(path_of(claim, "history"))


# --- Changes by files


def test_a_load_names_the_file_as_its_reason_and_no_person(directory):
    assert told(Source.objects.get(slug="a-review")) == [("+", "Loaded from sources.yaml", None)]
    assert told(Claim.objects.get(reference="C-1")) == [("+", "Loaded from cellulite.yaml", None)]
    assert told(Claim.objects.get(reference="G-1")) == [("+", "Loaded from general.yaml", None)]
    version = SideEffect.objects.get().history.get()
    assert [link.source.slug for link in version.sources.select_related("source")] == ["a-review"]


def count_versions() -> int:
    models = [m for m in apps.get_app_config("treatments").get_models() if has_versions(m)]
    return sum(model.history.count() for model in models)


def test_a_load_without_changes_leaves_no_version(directory):
    before = count_versions()
    load_catalogue(directory)
    LoadedContent.objects.filter(key="catalogue").delete()
    load_catalogue(directory)
    assert count_versions() == before


def test_a_load_keeps_the_rows_of_which_nothing_changed(directory):
    keys = {
        model: list(model.objects.values_list("pk", flat=True)) for model in (SideEffect, Alias)
    }
    before = count_versions()
    edit(directory, "cellulite.yaml", "Injections into dimpled skin.", "Many injections.")
    load_catalogue(directory)
    assert {m: list(m.objects.values_list("pk", flat=True)) for m in keys} == keys
    statement = Statement.objects.get(text="Many injections.")
    assert told(statement)[0] == ("~", "Loaded from cellulite.yaml", None)
    assert statement.history.count() == 2
    assert count_versions() == before + 1


def test_a_statement_put_first_leaves_the_others_what_they_were(directory):
    kept = Statement.objects.get(text="Injections into dimpled skin.")
    edit(
        directory,
        "cellulite.yaml",
        "  - {text: Injections",
        "  - {text: 'At first, this.', ours: true}\n  - {text: Injections",
    )
    load_catalogue(directory)
    texts = Treatment.objects.get().statements_in("summary")
    assert [s.text for s in texts] == ["At first, this.", "Injections into dimpled skin."]
    assert texts[1].pk == kept.pk


# --- What belongs together


def test_a_change_that_fails_leaves_no_version():
    treatment = TreatmentFactory()
    before = count_versions()
    treatment.name = "Other"

    def change_half():
        with one_change(reason="Half"):
            treatment.save()
            raise RuntimeError("out of luck")

    with pytest.raises(RuntimeError):
        change_half()
    assert count_versions() == before
    treatment.refresh_from_db()
    assert treatment.name != "Other"


def test_what_is_made_and_deleted_in_one_change_leaves_no_version():
    treatment = TreatmentFactory()
    before = count_versions()
    with one_change(reason="Nothing"):
        Alias.objects.create(treatment=treatment, name="x").delete()
    assert count_versions() == before


def test_a_link_made_from_the_other_side_is_a_version_of_the_row_that_holds_it():
    treatment, claim = TreatmentFactory(), ClaimFactory()
    before = claim.history.count()
    versions_of_treatment = treatment.history.count()

    treatment.claims.add(claim)
    assert claim.history.count() == before + 1
    assert [link.treatment_id for link in linked_treatments(claim)] == [treatment.pk]
    treatment.claims.clear()
    assert claim.history.count() == before + 2
    assert linked_treatments(claim) == []
    assert treatment.history.count() == versions_of_treatment


def linked_treatments(claim) -> list:
    return list(claim.history.latest().treatments.all())


def test_rows_that_were_stored_before_have_a_first_version():
    source = SourceFactory()
    effect = SideEffectFactory(sources=[source])
    for row in (source, effect, effect.treatment):
        row.history.all().delete()
    migration = import_module("treatments.migrations.0004_first_versions")
    migration.write_first_versions(apps, None)
    assert told(effect) == [("+", migration.REASON, None)]
    assert [link.source_id for link in effect.history.get().sources.all()] == [source.pk]
    assert told(effect.treatment) == [("+", migration.REASON, None)]


# --- Reviews


def test_an_overdue_review_is_said_on_the_list_of_treatments(client):
    for days, name in ((-1, "late"), (0, "due"), (9, "fresh")):
        TreatmentFactory(slug=name, next_review_due=today() + datetime.timedelta(days=days))
    html = client.get("/treatments/").content.decode()
    cards = re.findall(r'<article[^>]*data-treatment="(\w+)".*?</article>', html, re.DOTALL)
    late = [
        c[1] for c in re.finditer(r'data-treatment="(\w+)"(?:(?!</article>).)*overdue', html, re.S)
    ]
    assert (sorted(cards), late) == (["due", "fresh", "late"], ["late"])


def test_editors_find_what_is_overdue_with_the_longest_overdue_first(client, editor):
    for days, name in ((-3, "Later"), (-9, "Earlier"), (5, "Fresh")):
        TreatmentFactory(
            name=name,
            last_reviewed=today() - datetime.timedelta(days=100),
            next_review_due=today() + datetime.timedelta(days=days),
        )
    TreatmentFactory(name="Never")
    response = client.get("/admin/treatments/treatment/?review=overdue")
    assert [t.name for t in response.context["cl"].result_list] == ["Earlier", "Later"]
    html = response.content.decode()
    assert "overdue (2)" in html
    assert "never reviewed (1)" in html
    response = client.get("/admin/treatments/treatment/?review=never")
    assert [t.name for t in response.context["cl"].result_list] == ["Never"]
