"""What build/bench.json says, as Markdown, with the targets.

`python -m bench.report` prints it; `python -m bench.report docs/performance.md` puts it under
the last heading of that file, in place of what stands there.
"""

import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

RESULT = Path(__file__).parent.parent / "build" / "bench.json"
LIBRARIES = ("Django", "django-filter", "numpy", "pyroaring", "tantivy")
MILLION = 1_000_000

# Each case with the words that the tables have for it.
TIMED = {
    "limit": "the limit: AND and popcount over dense bitsets",
    "index": "**the index**",
    "tantivy": "tantivy",
    "plain-django-filter": "plain django-filter, one GROUP BY a facet",
    "index-words": "the index, 1-2 words",
    "index-near": "the index, around a point",
    "index-hardest": "the index, requests made to be slow",
    "index-prices": "the histogram of prices beside it",
    "page": "**whole page**, warm",
    "page-again": "whole page, asked for before",
    "page-cold": "whole page, nothing kept",
    "admin-clinic": "admin: clinics, filters, searches, last page",
    "admin-offer": "admin: offers",
    "admin-practitioner": "admin: practitioners",
    "admin-check": "admin: checks",
    "admin-place": "admin: places",
    "admin-desk": "admin: first page and moderation desk",
    "one-query-view": "a view of one query",
    "empty-view": "an empty view",
    "build": "build from the database",
    "restart": "first right answer of a new process",
    "refresh-one-clinic": "one changed clinic, until an answer knows it",
    "freshness-check": "whether anything has changed",
}
COUNTED = {
    "load": ("seconds", "seconds to generate and load"),
    "page-served": ("requests_a_second", "pages a second, gunicorn, 2 workers"),
    "page-again-served": ("requests_a_second", "pages asked for before, a second"),
    "empty-view-served": ("requests_a_second", "empty views a second"),
    "mismatches": ("mismatches", "wrong answers"),
    "mismatches-with-writers": ("mismatches", "wrong answers, clinics being changed"),
    "restart": ("mismatches", "wrong answers after a restart"),
}


def grouped(size: int) -> str:
    """The digits of a large number in groups of three."""
    return f"{size:,}".replace(",", " ")


@dataclass(frozen=True)
class Figure:
    """One number of the result: of a case, a size, and a column or a named figure."""

    case: str
    clinics: int
    column: str = "p95_ms"

    def of(self, rows: list[dict]) -> float | None:
        for row in rows:
            if (row["case"], row["clinics"]) == (self.case, self.clinics):
                return row.get(self.column, row["figures"].get(self.column))
        return None


@dataclass(frozen=True)
class Target:
    """A number, or how many times another one it is, that must stay at or under a bound.

    With `at_least` it must stay at or above it.
    """

    words: str
    figure: Figure
    bound: float
    beside: Figure | None = None
    at_least: bool = False

    def value(self, rows: list[dict]) -> float | None:
        """None where it was not measured."""
        value = self.figure.of(rows)
        if self.beside is None or value is None:
            return value
        beside = self.beside.of(rows)
        return value / beside if beside else None

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


def against(case: str, beside: str, clinics: int, column: str = "p95_ms") -> dict[str, Figure]:
    """The same column of two cases at one size."""
    return {"figure": Figure(case, clinics, column), "beside": Figure(beside, clinics, column)}


TARGETS = (
    Target("facet work / limit, 1 000 000, p95", bound=2, **against("index", "limit", MILLION)),
    Target(
        "tantivy / facet work, 1 000 000, p95",
        bound=60,
        at_least=True,
        **against("tantivy", "index", MILLION),
    ),
    Target(
        "tantivy / facet work, 100 000, median",
        bound=20,
        at_least=True,
        **against("tantivy", "index", 100_000, "median_ms"),
    ),
    Target(
        "plain django-filter / facet work, 100 000, median",
        bound=1000,
        at_least=True,
        **against("plain-django-filter", "index", 100_000, "median_ms"),
    ),
    Target(
        "facet work, 1 000 000 / 10 000 clinics, median",
        Figure("index", MILLION, "median_ms"),
        bound=6,
        beside=Figure("index", 10_000, "median_ms"),
    ),
    Target(
        "warm page / view of one query, 100 000, p95",
        bound=4,
        **against("page", "one-query-view", 100_000),
    ),
    Target(
        "warm page / view of one query, 1 000 000, p95",
        bound=10,
        **against("page", "one-query-view", MILLION),
    ),
    Target("cold page / warm page, 100 000, p95", bound=4, **against("page-cold", "page", 100_000)),
    Target(
        "pages a second / empty views a second, 100 000",
        bound=0.35,
        at_least=True,
        **against("page-served", "empty-view-served", 100_000, "requests_a_second"),
    ),
    Target("MB of index, built, 1 000 000", Figure("index", MILLION, "memory_mb"), bound=60),
    Target("MB of index, from its file, 1 000 000", Figure("restart", MILLION, "memory_mb"), 60),
    Target("ms to build, 1 000 000", Figure("build", MILLION), bound=40_000),
    Target("ms to the first answer of a new process, 1 000 000", Figure("restart", MILLION), 1000),
    Target("ms for one changed clinic, 1 000 000, p95", Figure("refresh-one-clinic", MILLION), 5),
    Target("ms to check freshness, 1 000 000, p95", Figure("freshness-check", MILLION), 0.5),
    *(
        Target(f"{COUNTED[case][1]}, {grouped(size)}", Figure(case, size, "mismatches"), 0)
        for size in (10_000, 100_000, MILLION)
        for case in ("mismatches", "mismatches-with-writers", "restart")
    ),
)


def machine(postgresql: str) -> str:
    """What the figures are taken on, in one line."""
    names = re.findall(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    parts = [
        f"{os.cpu_count()} x {names[0] if names else platform.machine()}",
        f"{memory:.0f} GB",
        f"Python {platform.python_version()}",
        f"PostgreSQL {postgresql}",
        *(f"{library} {version(library)}" for library in LIBRARIES),
    ]
    return ", ".join(parts)


def number(value: float | None) -> str:
    """About three figures, the thousands apart."""
    if value is None:
        return "-"
    if isinstance(value, int):
        return grouped(value)
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}".replace(",", " ")


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table whose columns stand under each other also when it is not rendered."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]

    def line(cells):
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = f"|{'|'.join('-' * (width + 2) for width in widths)}|"
    return "\n".join([line(head), rule, *map(line, lines)])


def times(rows: list[dict], sizes: list[int]) -> str:
    """Median and 95th percentile of every timed case, and its memory."""
    lines = []
    for case, words in TIMED.items():
        cells, notes = [words], []
        for size in sizes:
            found = [Figure(case, size, column).of(rows) for column in ("median_ms", "p95_ms")]
            memory = Figure(case, size, "memory_mb").of(rows)
            calls = Figure(case, size, "calls").of(rows)
            cell = " / ".join(map(number, found)) if calls != 1 else number(found[0])
            cells.append(cell + (f" ({number(memory)} MB)" if memory else ""))
            notes += [row["note"] for row in rows if (row["case"], row["clinics"]) == (case, size)]
        if notes:
            lines.append([*cells, notes[-1]])
    return table(["ms, median / p95", *map(grouped, sizes), "note, at the largest size"], lines)


def counts(rows: list[dict], sizes: list[int]) -> str:
    """Everything that is not a time."""
    lines = []
    for case, (name, words) in COUNTED.items():
        cells = [Figure(case, size, name).of(rows) for size in sizes]
        if any(cell is not None for cell in cells):
            lines.append([words, *map(number, cells)])
    for column, words in (("memory_mb", "MB, a worker's own"), ("shared_mb", "MB, shared")):
        lines.append([words, *(number(Figure("page-served", s, column).of(rows)) for s in sizes)])
    return table(["", *map(grouped, sizes)], lines)


def ratios(rows: list[dict], sizes: list[int]) -> str:
    """How far the others are from the index, and the page from the empty views."""
    lines = []
    for words, upper, lower in (
        ("plain django-filter / index", "plain-django-filter", "index"),
        ("tantivy / index", "tantivy", "index"),
        ("index / limit", "index", "limit"),
        ("warm page / view of one query", "page", "one-query-view"),
        ("page asked for before / view of one query", "page-again", "one-query-view"),
        ("warm page / empty view", "page", "empty-view"),
        ("cold page / warm page", "page-cold", "page"),
    ):
        cells = []
        for size in sizes:
            both = [
                Target("", bound=0, **against(upper, lower, size, column)).value(rows)
                for column in ("median_ms", "p95_ms")
            ]
            cells.append(" / ".join(map(number, both)))
        lines.append([words, *cells])
    return table(["times, of medians / of p95", *map(grouped, sizes)], lines)


def verdicts(rows: list[dict]) -> str:
    """Every target that could be measured, and whether it was met."""
    lines = []
    for target in TARGETS:
        value = target.value(rows)
        bound = f"{'>=' if target.at_least else '<='} {target.bound:g}"
        verdict = "not measured" if value is None else "met" if target.is_met(value) else "MISSED"
        lines.append([target.words, bound, number(value), verdict])
    return table(["target", "bound", "measured", ""], lines)


def text(rows: list[dict]) -> str:
    """The whole report."""
    sizes = sorted({row["clinics"] for row in rows})
    where = f"{rows[0]['day']}: {rows[0]['machine']}."
    parts = [times(rows, sizes), ratios(rows, sizes), counts(rows, sizes), verdicts(rows)]
    return "\n\n".join([where, *parts])


def put_into(document: Path, report: str) -> None:
    """Replace what follows the document's last heading."""
    before, heading, rest = document.read_text().rpartition("\n## ")
    title = rest.partition("\n")[0]
    document.write_text(f"{before}{heading}{title}\n\n{report}\n")


if __name__ == "__main__":
    report = text(json.loads(RESULT.read_text()))
    if sys.argv[1:]:
        put_into(Path(sys.argv[1]), report)
    else:
        print(report)
