"""Who may import whom, read from the source. CONTRIBUTING.md says the same in words."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("accounts", "clinics", "config", "treatments")
FILES = [
    path
    for package in OURS
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts
]
LEAVES = ("views", "admin", "management")
FORBIDDEN_NAMES = {
    *("common", "constants", "core", "data", "helper", "helpers", "manager", "managers"),
    *("misc", "mixins", "service", "services", "tools", "util", "utils"),
}
# A module and what it must not import, by beginning of name. Everything not listed here
# may import whatever makes no circle.
FORBIDDEN_IMPORTS = {
    "accounts": ["clinics", "treatments"],
    "treatments": ["clinics", "accounts"],
    "treatments.models": ["treatments.evidence", "treatments.filters", "treatments.catalogue"],
    "treatments.evidence": ["treatments.filters", "django.http", "django.shortcuts"],
    "clinics": ["accounts", "treatments.catalogue", "treatments.filters"],
    "clinics.models": ["clinics.search", "clinics.filters", "clinics.cards", "clinics.vocabulary"],
    "clinics.search": ["clinics.filters", "clinics.cards", "django.http", "django.shortcuts"],
    "clinics.live_index": ["clinics.search", "clinics.narrowing", "django.http"],
    # Facts come in and answers go out: neither asks the database.
    "clinics.facet_index": ["clinics.narrowing", "clinics.live_index", "django"],
    "clinics.narrowing": ["clinics.live_index", "django"],
    "clinics.offer_columns": ["clinics.facet_index", "django"],
    "clinics.filters": ["clinics.cards", "django.http", "django.shortcuts"],
    "clinics.course_cost": ["clinics.models", "treatments.models", "django.db", "django.http"],
    "clinics.photos": ["clinics.models", "treatments.models", "django.db", "django.http"],
    # Runs as a program of its own, with no setting and no secret in reach.
    "clinics.photo_decoder": ["django", "clinics", "treatments"],
    "clinics.photo_sizes": ["django", "clinics", "treatments"],
}
# A leaf, which may ask how many clinics offer a treatment and at what price.
EXCEPTIONS = {"treatments.views": ["clinics"]}


def module_name(path: Path) -> str:
    """Return the dotted name under which the file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> list[tuple[str, str, ast.stmt]]:
    """Return (module, name or "", statement) for everything the file imports, in full names."""
    package = module_name(path).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(alias.name, "", node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [(module, alias.name, node) for alias in node.names]
    return found


def is_inside(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_imports_point_downwards(path):
    name = module_name(path)
    forbidden = {
        target
        for source, targets in FORBIDDEN_IMPORTS.items()
        if is_inside(name, source)
        for target in targets
        if target not in EXCEPTIONS.get(name, [])
    }
    assert [
        f"line {statement.lineno} imports {module}.{imported}"
        for module, imported, statement in imports(path)
        if any(is_inside(f"{module}.{imported}", target) for target in forbidden)
    ] == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_nothing_imports_a_leaf_but_urls(path):
    name = module_name(path)
    if name.endswith(".urls") or set(name.split(".")) & set(LEAVES):
        return
    leaves = {f"{package}.{leaf}" for package in OURS for leaf in LEAVES}
    assert [
        f"line {statement.lineno} imports {module}.{imported}"
        for module, imported, statement in imports(path)
        if any(is_inside(f"{module}.{imported}", leaf) for leaf in leaves)
    ] == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_private_name_crosses_a_module(path):
    ours = [entry for entry in imports(path) if entry[0].split(".")[0] in OURS]
    assert [
        f"line {statement.lineno} imports {module}.{imported}"
        for module, imported, statement in ours
        if any(part.startswith("_") for part in f"{module}.{imported}".split("."))
    ] == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_import_inside_a_function(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    assert [
        f"line {statement.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, functions)
        for statement in ast.walk(function)
        if isinstance(statement, (ast.Import, ast.ImportFrom))
    ] == []


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_modules_are_named_for_what_they_are_about(path):
    assert set(module_name(path).split(".")) & FORBIDDEN_NAMES == set()
