"""Measurements of the directory over generated clinics: `make bench`. See docs/performance.md."""
