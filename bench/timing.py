"""Times of single calls, and what is kept of them."""

import ctypes
import gc
import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

NANOSECONDS_A_MS = 1e6


@dataclass
class Row:
    """One line of build/bench.json.

    `calls` is how many different things were timed; `figures` holds what is not a time, by
    name.
    """

    case: str
    clinics: int
    median_ms: float | None = None
    p95_ms: float | None = None
    memory_mb: float | None = None
    calls: int | None = None
    note: str = ""
    figures: dict[str, float | str] = field(default_factory=dict)

    def as_json(self) -> dict:
        return asdict(self)


def row(case: str, clinics: int, times: Iterable[float], **more) -> Row:
    """A row of times in milliseconds."""
    times = np.array(list(times))
    return Row(
        case,
        clinics,
        round(float(np.median(times)), 4),
        round(float(np.percentile(times, 95)), 4),
        calls=len(times),
        **more,
    )


def milliseconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / NANOSECONDS_A_MS


def in_passes(
    works: dict[str, Callable], requests: list, passes: int, seconds: float, least: int = 5
) -> dict[str, np.ndarray]:
    """Ask every work each request, one work after the other, pass after pass.

    Returns for each work its times in milliseconds, a row a pass. A work that has used its
    `seconds` is in no later pass; cut short in its first it has fewer requests, but `least`.
    """
    times: dict[str, list[list[float]]] = {name: [] for name in works}
    left = dict.fromkeys(works, seconds * 1000)
    for _pass in range(passes):
        for name, work in works.items():
            if left[name] < 0:
                continue
            taken: list[float] = []
            for request in requests:
                taken.append(milliseconds(lambda work=work, asked=request: work(asked)))
                left[name] -= taken[-1]
                if left[name] < 0 and not times[name] and len(taken) >= least:
                    break
            times[name].append(taken)
    return {name: np.array(found) for name, found in times.items()}


def settle() -> None:
    """Leave nothing for the garbage collector to look through, and give free memory back."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


def resident_mb() -> float:
    """Memory of this process that is in RAM now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def memory_of(pid: int) -> dict[str, float]:
    """Megabytes of a process that are its own, and those it shares with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return {
        kind: sum(kilobytes[f"{kind}_{state}"] for state in ("Clean", "Dirty")) / 1e3
        for kind in ("Private", "Shared")
    }
