"""The catalogue back into its files: nothing changes that nobody changed, and nothing is lost."""

import datetime
import random
import shutil
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.test_catalogue import FILES, edit
from treatments.catalogue import contents_of_database, load_catalogue, read_catalogue
from treatments.catalogue_export import ExportError, export_catalogue
from treatments.models import (
    Alias,
    BodyArea,
    Claim,
    Concern,
    Contraindication,
    LoadedContent,
    RegulatorPosition,
    SideEffect,
    Source,
    Statement,
    Substance,
    SubstanceStatus,
    Treatment,
    TreatmentArea,
)

pytestmark = pytest.mark.django_db
COMMENT = "# Read again every spring.\n"


@pytest.fixture
def directory(tmp_path):
    """A catalogue of one treatment with remarks in it, loaded."""
    folder = tmp_path / "content"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    edit(folder, "cellulite.yaml", "  summary:\n", "  # First what it is.\n  summary:\n")
    edit(folder, "cellulite.yaml", "- id: C-2", f"{COMMENT}- id: C-2")
    edit(folder, "sources.yaml", "sources:\n", f"{COMMENT}sources:\n")
    load_catalogue(folder)
    return folder


def texts(folder) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}


def lines_changed(before: str, after: str) -> tuple[set[str], set[str]]:
    """Lines that went and lines that came."""
    old, new = set(before.splitlines()), set(after.splitlines())
    return old - new, new - old


def export(folder, **options):
    """Export into the directory that is loaded from."""
    return export_catalogue(folder, settle=True, **options)


def assert_settled(folder):
    """Files and database say the same, and neither a load nor an export has anything to do."""
    assert read_catalogue(folder) == contents_of_database()
    before = texts(folder)
    outcome = load_catalogue(folder)
    assert (outcome.created, outcome.updated, outcome.conflicts) == ([], [], [])
    assert export(folder).files == []
    assert texts(folder) == before


# --- What nobody changed


def test_a_change_touches_its_own_lines_only(directory):
    before = texts(directory)
    Claim.objects.filter(reference="C-1").update(high=5)
    assert export(directory).changed == ["claims/C-1"]
    after = texts(directory)
    assert {name for name in after if after[name] != before[name]} == {"cellulite.yaml"}
    gone, come = lines_changed(before["cellulite.yaml"], after["cellulite.yaml"])
    assert (gone, come) == ({"  high: 4"}, {"  high: 5"})
    assert COMMENT in after["cellulite.yaml"]
    assert_settled(directory)


def test_a_changed_statement_leaves_the_remark_above_its_section(directory):
    Statement.objects.filter(section="summary", treatment__isnull=False).update(text="Mine.")
    export(directory)
    text = texts(directory)["cellulite.yaml"]
    assert "  # First what it is.\n  summary:\n  - text: Mine.\n" in text
    assert "- {text: 'Who injects?', ours: true}" in text
    assert_settled(directory)


# --- What editors made


def test_new_things_are_written_where_they_belong(directory):
    treatment = Treatment.objects.get()
    source = Source.objects.create(
        slug="a-law", title="A law", kind="regulator", reading="directly", confidence="high"
    )
    Statement.objects.create(treatment=treatment, section="warning", text="Take care.").sources.add(
        source
    )
    claim = Claim.objects.create(
        reference="C-15", source=source, locator="p. 1", topic="regulation", words="Not approved."
    )
    claim.treatments.add(treatment)
    export(directory)
    text = texts(directory)
    assert (
        "statements:\n  warning:\n  - text: Take care.\n    sources: [a-law]\n"
        in (text["cellulite.yaml"])
    )
    assert text["cellulite.yaml"].index("C-1\n") < text["cellulite.yaml"].index("C-15")
    assert text["cellulite.yaml"].index("C-15") < text["cellulite.yaml"].index("C-2\n")
    assert text["sources.yaml"].index("slug: a-law") < text["sources.yaml"].index("slug: a-review")
    assert_settled(directory)


def test_a_new_treatment_gets_a_file_of_its_own_and_stays_hidden(directory):
    hair = Treatment.objects.create(
        slug="hair",
        name="Hair injections",
        short_name="Hair",
        evidence_level="low",
        position=20,
        is_published=False,
    )
    TreatmentArea.objects.create(treatment=hair, body_area=BodyArea.objects.get(slug="arms"))
    hair.concerns.add(Concern.objects.get())
    Statement.objects.create(treatment=hair, section="summary", text="It is new.", is_ours=True)
    assert export(directory).added == ["treatments/hair"]
    assert "hidden: true\n" in texts(directory)["hair.yaml"]
    assert_settled(directory)


def test_a_hidden_treatment_of_the_files_starts_unpublished(directory):
    edit(directory, "cellulite.yaml", "needles: yes", "needles: yes\nhidden: true")
    load_catalogue(directory)
    assert Treatment.objects.get().is_published  # what shows already is for the admin to hide
    for model in (Claim, Treatment, LoadedContent):
        model.objects.all().delete()
    load_catalogue(directory)
    assert not Treatment.objects.get().is_published
    assert_settled(directory)


def test_words_of_the_vocabulary_keep_the_order_that_editors_gave_them(directory):
    BodyArea.objects.filter(slug="arms").update(position=3)
    BodyArea.objects.filter(slug="thighs").update(position=70)
    export(directory)
    assert read_catalogue(directory)["areas/arms"]["position"] == 0
    assert list(BodyArea.objects.values_list("slug", "position")) == [("arms", 0), ("thighs", 1)]
    assert_settled(directory)


# --- What both sides did


def test_the_editors_version_is_written_over_a_file_that_changed_too(directory):
    Claim.objects.filter(reference="C-1").update(words="The editor's words.")
    edit(directory, "cellulite.yaml", "Three or four sessions.", "3 to 4 sessions.")
    assert len(load_catalogue(directory).conflicts) == 1
    outcome = export(directory)
    assert outcome.overruled == outcome.changed == ["claims/C-1"]
    assert "The editor's words." in texts(directory)["cellulite.yaml"]
    assert_settled(directory)


def test_what_is_newer_in_the_file_is_left_there(directory):
    edit(directory, "cellulite.yaml", "Three or four sessions.", "3 to 4 sessions.")
    Claim.objects.filter(reference="C-2").update(words="The editor's words.")
    outcome = export(directory)
    assert (outcome.newer, outcome.changed) == (["claims/C-1"], ["claims/C-2"])
    assert load_catalogue(directory).updated == ["claims/C-1"]
    assert Claim.objects.get(reference="C-1").words == "3 to 4 sessions."
    assert_settled(directory)


def test_what_editors_take_back_after_an_export_is_not_overwritten(directory):
    Claim.objects.filter(reference="C-1").update(words="Mine.")
    export(directory)
    Claim.objects.filter(reference="C-1").update(words="Three or four sessions.")
    load_catalogue(directory)
    assert Claim.objects.get(reference="C-1").words == "Three or four sessions."
    assert export(directory).changed == ["claims/C-1"]
    assert_settled(directory)


def test_a_deleted_claim_leaves_its_file_only_when_asked(directory):
    Claim.objects.get(reference="C-2").delete()
    before = texts(directory)
    outcome = export(directory)
    assert (outcome.deleted, texts(directory)) == (["claims/C-2"], before)
    assert export(directory, delete=True).removed == ["claims/C-2"]
    assert "C-2" not in texts(directory)["cellulite.yaml"]
    assert_settled(directory)


def test_a_deleted_treatment_takes_its_file_along_when_asked(directory):
    Claim.objects.exclude(reference="G-1").delete()
    Treatment.objects.all().delete()
    export(directory, delete=True)
    assert not (directory / "cellulite.yaml").exists()
    assert_settled(directory)


def test_what_was_taken_out_of_the_files_is_not_put_back(directory):
    edit(directory, "vocabulary.yaml", "- {slug: arms, name: Arms}\n", "")
    before = texts(directory)
    assert export(directory).only_stored == ["areas/arms"]
    assert texts(directory) == before


def test_a_copy_elsewhere_leaves_the_record_of_loading_alone(directory, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(directory, copy)
    Claim.objects.filter(reference="C-1").update(words="Mine.")
    export_catalogue(copy)
    edit(directory, "cellulite.yaml", "Three or four sessions.", "3 to 4 sessions.")
    assert [conflict.key for conflict in load_catalogue(directory).conflicts] == ["claims/C-1"]


# --- What no file may say


def test_what_a_load_would_refuse_is_refused_before_anything_is_written(directory):
    Statement.objects.create(treatment=Treatment.objects.get(), section="cost", text="Nobody says.")
    Claim.objects.filter(reference="C-1").update(words="Mine.")
    before = texts(directory)
    with pytest.raises(ExportError, match=r"cellulite\.yaml.*needs sources"):
        export(directory)
    assert texts(directory) == before


def test_a_claim_about_nothing_is_refused(directory):
    claim = Claim.objects.get(reference="C-2")
    claim.treatments.clear()
    with pytest.raises(ExportError, match="claims/C-2: a file cannot say this"):
        export(directory)


# --- Any edits at all

WORDS = ["It hurts.", "- no", "yes", "1.50", "a: b", "# not a remark", "“Ça” – 100 %", "x" * 130]


def edit_at_random(draw: random.Random):
    """One edit that the admin would accept."""
    treatment = draw.choice(Treatment.objects.order_by("slug"))
    sources = list(Source.objects.order_by("slug"))
    words = f"{draw.choice(WORDS)} {draw.randrange(10_000)}"
    row = draw.choice(
        [
            *Statement.objects.order_by("pk"),
            *SideEffect.objects.order_by("pk"),
            *Contraindication.objects.order_by("pk"),
            *RegulatorPosition.objects.order_by("pk"),
            *SubstanceStatus.objects.order_by("pk"),
            *Claim.objects.order_by("pk"),
        ]
    )
    column = {SideEffect: "detail", Contraindication: "name", RegulatorPosition: "position_text"}

    def change_words():
        name = column.get(type(row), "words" if type(row) is Claim else "text")
        setattr(row, name, words)
        row.save()

    def change_sources():
        relation = row.checked_against if type(row) is Claim else row.sources
        relation.set(draw.sample(sources, draw.randint(1, len(sources))))

    def add_statement():
        made = Statement.objects.create(
            treatment=draw.choice([treatment, None]),
            section=draw.choice(Statement.Section.values),
            text=words,
            position=draw.randrange(3),
        )
        made.sources.add(draw.choice(sources))

    def add_claim():
        made = Claim.objects.create(
            reference=f"R-{draw.randrange(10**9)}",
            source=draw.choice(sources),
            locator=f"line {draw.randrange(10**9)}",
            topic="sessions",
            words=words,
            low=Decimal(draw.randrange(1000)) / 100,
            unit="session",
            is_general=True,
        )
        made.treatments.set(draw.choice([[], [treatment]]))

    def add_names():
        number = draw.randrange(10**9)
        Alias.objects.create(treatment=treatment, name=f"Name {number}")
        Substance.objects.create(slug=f"s-{number}", name=words[:90], position=draw.randrange(4))
        Source.objects.create(
            slug=f"q-{number}",
            title=words,
            kind="press",
            year=2020,
            reading="directly",
            confidence="low",
            other_urls="https://example.org/a\nhttps://example.org/b",
        )

    def move():
        Statement.objects.filter(pk=draw.choice(Statement.objects.order_by("pk")).pk).update(
            position=draw.randrange(4)
        )
        treatment.position = draw.randrange(100)
        treatment.next_review_due = datetime.date(2027, 1, 1 + draw.randrange(28))
        treatment.last_reviewed = datetime.date(2026, 1, 1)
        treatment.reviewed_by = words
        treatment.is_published = draw.choice([True, False])
        treatment.save()

    def remove():
        if type(row) in (Statement, SideEffect, Contraindication, Claim):
            row.delete()

    draw.choice([change_words, change_sources, add_statement, add_claim, add_names, move, remove])()


@pytest.mark.parametrize("seed", range(5))
def test_any_edits_come_back_as_they_were(directory, seed):
    draw = random.Random(seed)
    for _ in range(2):
        for _ in range(draw.randint(1, 12)):
            edit_at_random(draw)
        stored = contents_of_database()
        export(directory, delete=True)
        written = contents_of_database()
        places = {key for key in stored if key.startswith("substances/")}
        assert {k: v for k, v in written.items() if k not in places} == {
            k: v for k, v in stored.items() if k not in places
        }
        assert_settled(directory)


# --- The command


def run(**options):
    out, err = StringIO(), StringIO()
    call_command("export_catalogue", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_command_names_what_it_wrote_and_what_it_left(directory):
    Claim.objects.filter(reference="C-1").update(words="Mine.")
    Claim.objects.get(reference="C-2").delete()
    out, err = run(directory=directory)
    assert out == "written: cellulite.yaml\n1 changed, 0 added, 0 removed.\n"
    assert "still in the file; see --delete: claims/C-2" in err
    out, err = run(directory=directory, delete=True, verbosity=0)
    assert (out, err) == ("", "")


def test_the_command_refuses_what_cannot_be_written(directory):
    Statement.objects.create(treatment=Treatment.objects.get(), section="cost", text="Nobody says.")
    with pytest.raises(CommandError, match="Nothing was written"):
        run(directory=directory)
    with pytest.raises(CommandError, match="is not a directory"):
        run(directory=directory / "nowhere")
