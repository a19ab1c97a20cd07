"""One part of the measurements in a process of its own: `python -m bench.step MODULE SIZE TODAY`.

The module's `measure(size, today)` gives the rows, which are printed as JSON on the last line.
No other part is imported: it might bring the index along.
"""

import json
import sys
from datetime import date
from importlib import import_module

import django

if __name__ == "__main__":
    django.setup()
    name, size, today = sys.argv[1:]
    measure = import_module(f"bench.{name}").measure
    print(json.dumps([row.as_json() for row in measure(int(size), date.fromisoformat(today))]))
