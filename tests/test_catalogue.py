"""The catalogue's files, and loading them: refusals, editors' changes, and nothing lost."""

import json
import re
import shutil
from collections import Counter
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from treatments.catalogue import (
    canonical,
    content_of,
    contents_of_database,
    files_of_database,
    load_catalogue,
    read_catalogue,
)
from treatments.catalogue_export import Exported, export_catalogue
from treatments.content_files import DIRECTORY, SCHEMA, ContentError, read_files
from treatments.models import (
    Alias,
    BodyArea,
    Claim,
    LoadedContent,
    SideEffect,
    Source,
    Statement,
    SubstanceStatus,
    Treatment,
)

pytestmark = pytest.mark.django_db

# How many claims were taken from each of the five founding documents.
FOUNDING = {
    "S000": ("medical-tourism-database", 39),
    "S001": ("chernoff-cosmetic-surgery", 34),
    "S002": ("mesosculpting-guide", 72),
    "S003": ("cellulite-guide", 54),
    "S004": ("what-is-mesotherapy", 50),
}

SOURCES = """\
sources:
- slug: a-clinic
  title: We sell it
  kind: clinic
  reading: directly
  confidence: low
- slug: a-review
  title: A review
  publisher: Doe J
  kind: systematic_review
  year: 2014
  reading: directly
  confidence: high
"""
VOCABULARY = """\
body_areas:
- {slug: thighs, name: Thighs}
- {slug: arms, name: Arms}
concerns:
- {slug: dimpled-skin, name: Dimpled skin}
substances:
- slug: a-drug
  name: A drug
  statuses:
  - {country: FR, status: banned, text: For fat., sources: [a-review]}
"""
GENERAL = """\
statements:
  summary:
  - {text: Many small injections., sources: [a-review]}
claims:
- id: G-1
  source: a-clinic
  locator: 'line 9: painless'
  topic: pain
  words: It does not hurt.
  verdict: contested
"""
CELLULITE = """\
slug: cellulite
kind: procedure
name: Mesotherapy for cellulite
short_name: Cellulite
needles: yes
position: 10
evidence_level: very_low
review: {last: 2026-01-31, next: 2027-01-31, by: The editors}
aliases:
- {name: Meso, sources: [a-clinic]}
body_areas:
- {area: thighs, sources: [a-clinic]}
concerns:
- {concern: dimpled-skin}
substances:
- {substance: a-drug, text: Not approved., sources: [a-review]}
statements:
  summary:
  - {text: Injections into dimpled skin., sources: [a-review]}
  questions:
  - {text: 'Who injects?', ours: true}
side_effects:
- {name: Bruise, serious: false, how_common: common, percent: 45.5, severity: mild,
   sources: [a-review]}
contraindications:
- {name: Pregnancy, strength: absolute, sources: [a-review]}
regulators:
- {country: FR, authority: HAS, text: No proof., sources: [a-review]}
claims:
- id: C-1
  source: a-clinic
  locator: 'line 1: sessions'
  topic: sessions
  words: Three or four sessions.
  low: 3
  high: 4
  unit: session
  verdict: contested
- id: C-2
  source: a-clinic
  locator: 'line 2: price'
  topic: cost
  words: It costs 80.50 euros.
  low: 80.5
  high: 80.5
  unit: money
  currency: EUR
  per: session
  verdict: ok
- id: C-3
  source: a-clinic
  locator: 'line 3: approved'
  topic: regulation
  words: It is approved.
  question: is-approved
  answer: yes
  verdict: false
  known: It is not.
  checked_against: [a-review]
  general: true
"""
FILES = {
    "sources.yaml": SOURCES,
    "vocabulary.yaml": VOCABULARY,
    "general.yaml": GENERAL,
    "cellulite.yaml": CELLULITE,
}


@pytest.fixture
def directory(tmp_path):
    """A catalogue of one treatment, to be edited."""
    folder = tmp_path / "content"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def edit(folder, name, old, new):
    """Replace `old`, which must be there, in one file."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(text, part):
    """Number of the first line of `text` with `part` in it."""
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


# The real catalogue ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    """The data of all files, by name."""
    return read_files()


def all_claims(files):
    return [claim for data in files.values() for claim in data.get("claims", [])]


def test_all_claims_of_the_founding_documents_are_kept(shipped):
    claims = {claim["id"]: claim for claim in all_claims(shipped)}
    for prefix, (source, number) in FOUNDING.items():
        expected = {f"{prefix}-{n:02}" for n in range(1, number + 1)}
        found = {reference for reference in claims if reference.startswith(f"{prefix}-")}
        assert found == expected
        assert {claims[reference]["source"] for reference in found} == {source}
        for reference in found:
            assert re.match(r"line \d+: \S", claims[reference]["locator"])


def test_shipped_catalogue_is_whole(shipped):
    assert len(shipped["sources.yaml"]["sources"]) == 147
    treatments = [data for data in shipped.values() if "slug" in data]
    assert len(treatments) == 14
    for data in treatments:
        assert data["body_areas"]
        assert data["concerns"]
        assert data["statements"]["warning"]
        assert data["statements"]["summary"]
        assert data["statements"]["evidence"]
        assert data["statements"]["questions"]


def test_founding_documents_without_a_name_are_cited_without_one(shipped):
    sources = {source["slug"]: source for source in shipped["sources.yaml"]["sources"]}
    founding = {slug for slug, data in sources.items() if data["reading"] == "founding_document"}
    assert founding == {source for source, _ in FOUNDING.values()}
    for slug in ("mesosculpting-guide", "cellulite-guide", "what-is-mesotherapy"):
        assert "publisher" not in sources[slug]


def test_known_disagreement_on_sessions_is_kept(shipped):
    claims = {claim["id"]: claim for claim in shipped["cellulite.yaml"]["claims"]}
    ranges = {
        reference: (claims[reference]["low"], claims[reference]["high"], claims[reference]["unit"])
        for reference in ("S000-20", "S002-51", "S003-41", "S004-33")
    }
    assert ranges == {
        "S000-20": (10, 15, "session"),
        "S002-51": (8, 10, "session"),
        "S003-41": (4, 6, "week"),
        "S004-33": (3, 4, "session"),
    }


def test_coded_questions_have_answers_that_differ(shipped):
    answers = {}
    for claim in all_claims(shipped):
        if "question" in claim:
            answers.setdefault(claim["question"], set()).add(claim["answer"])
    assert answers["destroys-fat-cells"] == {"yes", "no", "depends"}
    assert answers["works-for-cellulite"] == {"yes", "weak", "unproven"}
    assert all(len(given) > 1 for given in answers.values())


def test_shipped_text_has_no_working_notes():
    for path in DIRECTORY.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bseeds?\b|own knowledge|TODO", text, re.IGNORECASE), path.name


def test_whole_catalogue_goes_to_the_database_and_back(shipped, tmp_path):
    outcome = load_catalogue()
    assert not outcome.conflicts
    assert contents_of_database() == read_catalogue()
    assert files_of_database() == {name: canonical(data) for name, data in shipped.items()}
    unreachable = Claim.objects.filter(treatments=None, is_general=False)
    assert not unreachable.exists()
    copy = tmp_path / "copy"
    shutil.copytree(DIRECTORY, copy)
    assert export_catalogue(copy) == Exported()
    assert [f.read_bytes() for f in sorted(copy.iterdir())] == [
        f.read_bytes() for f in sorted(DIRECTORY.iterdir())
    ]
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    export_catalogue(fresh)
    assert read_catalogue(fresh) == read_catalogue()


def test_second_load_of_the_real_catalogue_costs_one_query(django_assert_num_queries):
    load_catalogue()
    stamp = list(LoadedContent.objects.values_list("pk", "key", "stored_digest"))
    with django_assert_num_queries(1):
        outcome = load_catalogue()
    assert not outcome.created
    assert not outcome.updated
    assert outcome.count("claims") == Claim.objects.count()
    assert list(LoadedContent.objects.values_list("pk", "key", "stored_digest")) == stamp


# The schema and the models ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "key", "choices"),
    [
        ("claim", "topic", Claim.Topic),
        ("claim", "unit", Claim.Unit),
        ("claim", "per", Claim.Per),
        ("claim", "verdict", Claim.Verdict),
        ("source", "kind", Source.Kind),
        ("source", "reading", Source.Reading),
        ("source", "confidence", Source.Confidence),
        ("treatment_file", "kind", Treatment.Kind),
        ("treatment_file", "needles", Treatment.Needles),
        ("treatment_file", "evidence_level", Treatment.EvidenceLevel),
    ],
)
def test_schema_allows_what_the_models_allow(definition, key, choices):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["$defs"][definition]["properties"][key]["enum"] == choices.values


def test_schema_allows_the_lists_that_the_models_allow():
    definitions = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    assert list(definitions["statements"]["properties"]) == Statement.Section.values
    effect = definitions["treatment_file"]["properties"]["side_effects"]["items"]["properties"]
    assert effect["how_common"]["enum"] == SideEffect.HowCommon.values
    assert effect["severity"]["enum"] == SideEffect.Severity.values
    status = definitions["substance"]["properties"]["statuses"]["items"]["properties"]
    assert status["status"]["enum"] == SubstanceStatus.Status.values


@pytest.mark.parametrize(
    ("definition", "model"), [("claim", Claim), ("source", Source), ("treatment_file", Treatment)]
)
def test_schema_knows_the_lengths_of_columns(definition, model):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    for key, rule in schema["$defs"][definition]["properties"].items():
        if "maxLength" in rule and key != "id":
            assert rule["maxLength"] == model._meta.get_field(key).max_length


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("cellulite.yaml", "unit: session", "unit: minute", "claims[0].unit: 'minute' is no unit"),
        ("cellulite.yaml", "unit: session", "unit: sesion", "claims[0].unit: 'sesion' is not one"),
        ("cellulite.yaml", "low: 3", "low: 30", "claims[0].low: the range is reversed"),
        ("cellulite.yaml", "low: 80.5", "low: 80.505", "claims[1].low: has more than two decimals"),
        ("cellulite.yaml", "currency: EUR", "qualifier: EUR", "claims[1].unit: an amount of money"),
        ("cellulite.yaml", "unit: session", "currency: EUR", "claims[0].currency: only an amount"),
        (
            "cellulite.yaml",
            "known: It",
            "qualifier: It",
            "claims[2].verdict: 'false' needs `known`",
        ),
        ("cellulite.yaml", "id: C-2", "id: C-1", "claims[1].id: is taken by claim C-1"),
        ("cellulite.yaml", "line 2: price", "line 1: sessions", "claims[1].locator: is taken by"),
        ("cellulite.yaml", "general: true", "also: [x]", "claims[2].also: no treatment is called"),
        ("cellulite.yaml", "area: thighs", "area: thigh", "body_areas[0].area: no area is called"),
        ("cellulite.yaml", "[a-clinic]", "[clinic]", "aliases[0].sources: no source is called"),
        (
            "cellulite.yaml",
            "substance: a-drug",
            "substance: b",
            "substances[0].substance: no subst",
        ),
        ("cellulite.yaml", ", ours: true", "", "statements.questions[0]: needs sources, or"),
        ("cellulite.yaml", "next: 2027", "next: 2025", "review.next: must come after"),
        ("cellulite.yaml", "last: 2026-01-31", "last: 2026-02-31", "review.last: is not a date"),
        ("cellulite.yaml", "percent: 45.5", "percent: 45.55", "side_effects[0].percent: has more"),
        (
            "cellulite.yaml",
            "slug: cellulite",
            "slug: dimples",
            "slug: must be the name of the file",
        ),
        ("cellulite.yaml", "needles: yes", "needle: yes", "Additional properties"),
        (
            "cellulite.yaml",
            "position: 10",
            "position: 10\nposition: 20",
            "position: is written twice",
        ),
        ("cellulite.yaml", "kind: procedure", "kind: [procedure", "is not YAML"),
        ("general.yaml", "verdict: contested", "verdict: ok\n  general: true", "claims[0].general"),
        ("sources.yaml", "slug: a-review", "slug: a-clinic", "sources[1].slug: 'a-clinic' is in"),
        ("sources.yaml", "year: 2014", "year: about 2014", "sources[1].year: 'about 2014' is not"),
        ("vocabulary.yaml", "[a-review]", "[none]", "substances[0].statuses[0].sources: no source"),
    ],
)
def test_faulty_file_is_refused_with_file_and_line(directory, name, old, new, problem):
    edit(directory, name, old, new)
    with pytest.raises(ContentError) as caught:
        load_catalogue(directory)
    places = [str(found) for found in caught.value.problems]
    assert any(place.startswith(f"{name}:") and problem in place for place in places), places
    assert not Source.objects.exists()


def test_problem_names_the_line_of_the_value(directory):
    edit(directory, "cellulite.yaml", "unit: session", "unit: minute")
    edit(directory, "sources.yaml", "kind: clinic", "kind: shop")
    with pytest.raises(ContentError) as schema_faults:
        read_catalogue(directory)
    assert schema_faults.value.problems[0].line == line_of(SOURCES, "kind: clinic")
    edit(directory, "sources.yaml", "kind: shop", "kind: clinic")
    with pytest.raises(ContentError) as other_faults:
        read_catalogue(directory)
    assert other_faults.value.problems[0].line == line_of(CELLULITE, "unit: session")


def test_all_faults_are_reported_at_once(directory):
    edit(directory, "cellulite.yaml", "low: 3", "low: 30")
    edit(directory, "cellulite.yaml", "area: thighs", "area: thigh")
    edit(directory, "vocabulary.yaml", "[a-review]", "[none]")
    with pytest.raises(ContentError) as caught:
        read_catalogue(directory)
    assert len(caught.value.problems) == 3


def test_missing_file_is_reported(directory):
    (directory / "vocabulary.yaml").unlink()
    with pytest.raises(ContentError, match=r"vocabulary\.yaml:1: is missing"):
        read_catalogue(directory)


def test_claim_on_two_treatments_stands_in_the_first(directory):
    other = CELLULITE.partition("claims:")[0].replace(": cellulite", ": fat")
    other = other.replace("short_name: Cellulite", "short_name: Fat").replace("on: 10", "on: 5")
    (directory / "fat.yaml").write_text(other, encoding="utf-8")
    edit(directory, "cellulite.yaml", "general: true", "also: [fat]")
    with pytest.raises(ContentError, match=r"belongs into fat\.yaml"):
        read_catalogue(directory)


# Loading ---------------------------------------------------------------------------------------


def test_load_stores_every_part(directory):
    outcome = load_catalogue(directory)
    assert len(outcome.created) == 2 + 4 + 1 + 1 + 4
    treatment = Treatment.objects.get()
    assert treatment.needles == Treatment.Needles.YES
    assert treatment.short_name_folded.strip() == "cellulite"
    assert treatment.reviewed_by == "The editors"
    price = Claim.objects.get(reference="C-2")
    assert (price.low, price.currency, price.per) == (price.high, "EUR", "session")
    approved = Claim.objects.get(reference="C-3")
    assert approved.is_general
    assert approved.verdict == Claim.Verdict.FALSE
    assert approved.answer == "yes"
    assert list(approved.treatments.all()) == [treatment]
    assert [source.slug for source in approved.checked_against.all()] == ["a-review"]
    assert contents_of_database() == read_catalogue(directory)


def test_load_without_changes_does_nothing(directory, django_assert_num_queries):
    load_catalogue(directory)
    with django_assert_num_queries(1):
        outcome = load_catalogue(directory)
    assert Counter(map(len, (outcome.created, outcome.updated, outcome.conflicts))) == {0: 3}


def test_changed_file_updates_rows_and_keeps_their_keys(directory):
    load_catalogue(directory)
    before = {
        model: dict(model.objects.values_list(name, "pk"))
        for model, name in ((Treatment, "slug"), (Source, "slug"), (Claim, "reference"))
    }
    edit(directory, "cellulite.yaml", "Mesotherapy for cellulite", "Cellulite injections")
    edit(directory, "cellulite.yaml", "name: Meso,", "name: Dimple cure,")
    edit(directory, "cellulite.yaml", "low: 3", "low: 2")
    edit(directory, "sources.yaml", "title: We sell it", "title: Buy it")
    outcome = load_catalogue(directory)
    assert set(outcome.updated) == {"sources/a-clinic", "treatments/cellulite", "claims/C-1"}
    assert Treatment.objects.get().name == "Cellulite injections"
    assert Alias.objects.get().name == "Dimple cure"
    after = {
        model: dict(model.objects.values_list(name, "pk"))
        for model, name in ((Treatment, "slug"), (Source, "slug"), (Claim, "reference"))
    }
    assert after == before
    assert contents_of_database() == read_catalogue(directory)


def test_claims_may_swap_their_locators(directory):
    load_catalogue(directory)
    edit(directory, "cellulite.yaml", "line 1: sessions", "line 0")
    edit(directory, "cellulite.yaml", "line 2: price", "line 1: sessions")
    edit(directory, "cellulite.yaml", "line 0", "line 2: price")
    assert len(load_catalogue(directory).updated) == 2
    assert Claim.objects.get(reference="C-1").locator == "line 2: price"


def test_unpublished_treatment_stays_unpublished(directory):
    load_catalogue(directory)
    Treatment.objects.update(is_published=False)
    edit(directory, "cellulite.yaml", "Mesotherapy for cellulite", "Cellulite injections")
    assert not load_catalogue(directory).conflicts
    assert not Treatment.objects.get().is_published


def test_editors_change_survives_and_is_reported_until_resolved(directory):
    load_catalogue(directory)
    Statement.objects.filter(section="summary", treatment__slug="cellulite").update(text="Mine.")
    assert not load_catalogue(directory).conflicts  # no file changed, so nothing clashes
    edit(directory, "cellulite.yaml", "Injections into dimpled skin.", "Many injections.")
    for _ in range(2):
        (conflict,) = load_catalogue(directory).conflicts
        assert conflict.key == "treatments/cellulite"
        assert "statements.summary" in conflict.reason
        assert Statement.objects.get(treatment__slug="cellulite", section="summary").text == "Mine."
    edit(directory, "cellulite.yaml", "Many injections.", "Mine.")
    assert not load_catalogue(directory).conflicts
    edit(directory, "cellulite.yaml", "Mine.", "Ours.")
    assert load_catalogue(directory).updated == ["treatments/cellulite"]


def test_other_entries_load_beside_a_conflict(directory):
    load_catalogue(directory)
    Claim.objects.filter(reference="C-1").update(words="The editor's words.")
    edit(directory, "cellulite.yaml", "Three or four sessions.", "3 to 4 sessions.")
    edit(directory, "cellulite.yaml", "It is approved.", "Approved, they say.")
    outcome = load_catalogue(directory)
    assert outcome.updated == ["claims/C-3"]
    assert [conflict.key for conflict in outcome.conflicts] == ["claims/C-1"]
    assert Claim.objects.get(reference="C-1").words == "The editor's words."


def test_row_deleted_by_an_editor_does_not_come_back(directory):
    load_catalogue(directory)
    Claim.objects.get(reference="C-1").delete()
    edit(directory, "cellulite.yaml", "Three or four sessions.", "3 to 4 sessions.")
    (conflict,) = load_catalogue(directory).conflicts
    assert conflict.key == "claims/C-1"
    assert "deleted" in conflict.reason
    assert not Claim.objects.filter(reference="C-1").exists()


def test_row_made_by_an_editor_is_not_overwritten(directory):
    BodyArea.objects.create(slug="thighs", name="Upper legs")
    (conflict,) = load_catalogue(directory).conflicts
    assert conflict.key == "areas/thighs"
    assert BodyArea.objects.get(slug="thighs").name == "Upper legs"
    assert Treatment.objects.get().body_areas.get().name == "Upper legs"


def test_claim_of_an_editor_keeps_its_place(directory):
    source = Source.objects.create(
        slug="a-clinic", title="We sell it", kind="clinic", reading="directly", confidence="low"
    )
    Claim.objects.create(
        reference="E-1", source=source, locator="line 1: sessions", topic="pain", words="Ouch."
    )
    (conflict,) = load_catalogue(directory).conflicts
    assert conflict.key == "claims/C-1"
    assert "E-1" in conflict.reason


def test_place_of_a_kept_claim_is_not_given_away(directory):
    load_catalogue(directory)
    Claim.objects.filter(reference="C-1").update(words="The editor's words.")
    edit(directory, "cellulite.yaml", "line 1: sessions", "line 0")
    edit(directory, "cellulite.yaml", "line 2: price", "line 1: sessions")
    edit(directory, "cellulite.yaml", "line 3: approved", "line 2: price")
    outcome = load_catalogue(directory)
    assert not outcome.updated
    assert {conflict.key for conflict in outcome.conflicts} == {f"claims/C-{n}" for n in (1, 2, 3)}
    assert Claim.objects.get(reference="C-2").locator == "line 2: price"


def test_entry_that_refers_to_a_deleted_one_is_not_loaded(directory):
    load_catalogue(directory)
    BodyArea.objects.get(slug="arms").delete()
    edit(directory, "cellulite.yaml", "area: thighs", "area: arms")
    (conflict,) = load_catalogue(directory).conflicts
    assert conflict.key == "treatments/cellulite"
    assert "arms" in conflict.reason
    assert content_of("treatments/cellulite")["body_areas"][0]["area"] == "thighs"


def test_what_the_files_no_longer_have_is_reported_and_stays(directory):
    load_catalogue(directory)
    edit(directory, "vocabulary.yaml", "- {slug: arms, name: Arms}\n", "")
    assert load_catalogue(directory).gone == ["areas/arms"]
    assert BodyArea.objects.filter(slug="arms").exists()


def test_load_that_fails_leaves_nothing_behind(directory, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(Claim.treatments.through.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError):
        load_catalogue(directory)
    assert not Source.objects.exists()
    assert not LoadedContent.objects.exists()


def test_content_of_an_entry(directory):
    load_catalogue(directory)
    assert content_of("areas/thighs") == {"slug": "thighs", "name": "Thighs", "position": 0}
    assert content_of("claims/C-1")["low"] == 3
    assert content_of("claims/C-2")["low"] == 80.5
    assert content_of("general")["statements"]["summary"][0]["sources"] == ["a-review"]
    assert content_of("claims/none") is None


# The command -----------------------------------------------------------------------------------


def run(**options):
    out, err = StringIO(), StringIO()
    call_command("load_catalogue", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_command_reports_progress_and_counts(directory):
    out, err = run(directory=directory)
    assert "sources: 2 created\n" in out
    assert "1 treatments, 2 sources, 4 claims: 12 created, 0 updated" in out
    assert not err
    out, _ = run(directory=directory)
    assert "0 created, 0 updated, 12 unchanged, 0 conflicts" in out


def test_command_warns_of_conflicts_and_keeps_quiet_if_asked(directory):
    load_catalogue(directory)
    Treatment.objects.update(name="Mine")
    edit(directory, "cellulite.yaml", "Mesotherapy for cellulite", "Yours")
    edit(directory, "vocabulary.yaml", "- {slug: arms, name: Arms}\n", "")
    out, err = run(directory=directory, verbosity=0)
    assert not out
    assert "treatments/cellulite: changed in the database, which is kept" in err
    assert "No longer in the files, left in the database: areas/arms" in err


def test_command_only_checks_if_asked(directory):
    out, _ = run(directory=directory, check=True)
    assert "12 entries" in out
    assert not Source.objects.exists()


def test_command_refuses_faulty_files(directory):
    edit(directory, "cellulite.yaml", "unit: session", "unit: minute")
    line = line_of(CELLULITE, "unit: session")
    with pytest.raises(CommandError, match=rf"1 problem .*\ncellulite\.yaml:{line}: claims\[0\]"):
        run(directory=directory)
    with pytest.raises(CommandError, match="is not a directory"):
        run(directory=directory / "nowhere")
