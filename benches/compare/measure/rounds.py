"""The measurements. Programs take turns, so that a disturbance affects all of them."""

import dataclasses
import random
import statistics
import sys

import checks
import process
from process import Fault, median


@dataclasses.dataclass
class Figure:
    """The figures of one engine on one workload."""

    size: int
    runs: list
    n_bytes: int = 0
    left: int = 0  # planted secrets that an engine with rules of its own did not know
    starts: list = dataclasses.field(default_factory=list)  # runs on empty input, when figures leave the start-up out

    @property
    def cpu(self):
        pairs = zip(self.runs, self.starts or [None] * len(self.runs))
        return max(statistics.median(run.cpu - (start.cpu if start else 0.0) for run, start in pairs), 1e-6)

    @property
    def wall(self):
        return median(self.runs, "wall")

    @property
    def speed(self):
        """Megabytes a second of processor time."""
        return self.size / 1e6 / self.cpu

    @property
    def per_gib(self):
        return self.cpu / self.size * (1 << 30)

    @property
    def spread(self):
        times = [run.cpu for run in self.runs]
        return min(times), max(times)


def check(engine, workload):
    """Runs once and checks the output; a wrong output ends everything."""
    try:
        out = process.output(engine.command, workload.path, workload.is_raw)
    except Fault as fault:
        sys.exit(f"{engine.name} on {workload.kind}: {fault}")
    by_name = checks.BY_NAME[engine.answer] if not workload.is_raw or engine.answer == "same" else checks.lines
    fault = by_name(workload, out)
    if fault:
        sys.exit(f"{engine.name} on {workload.kind}: {fault}")
    n_left = checks.left(workload, out) if engine.answer == "lines" and not workload.is_raw else 0
    return len(out), n_left


def throughput(pairs, n_rounds, empty):
    """Figures by engine name. `pairs` are engines with their workload."""
    figures = {}
    for engine, workload in pairs:
        n_bytes, n_left = check(engine, workload)
        figures[engine.name] = Figure(workload.size, [], n_bytes, n_left)
    for _ in range(n_rounds):
        for engine, workload in shuffled(pairs):
            figure = figures[engine.name]
            if engine.apart and empty:
                figure.starts.append(process.through(engine.command, empty))
            run = process.through(engine.command, workload.path, workload.is_raw)
            if run.n_bytes != figure.n_bytes:
                sys.exit(f"{engine.name} on {workload.kind}: {run.n_bytes} bytes instead of {figure.n_bytes}")
            figure.runs.append(run)
    return figures


def shuffled(items):
    """A random order, so that no program always runs after the same one."""
    return random.sample(items, len(items))


def pipes(engines, workload, n_rounds):
    """The processor time of each between two cats."""
    figures = {engine.name: Figure(workload.size, []) for engine in engines}
    for _ in range(n_rounds):
        for engine in shuffled(engines):
            figures[engine.name].runs.append(process.between(engine.command, workload.path))
    return figures


def threads(logscrub, workload, n_rounds):
    """One thread and two threads on a file; None if the program has no such flag."""
    commands = {n: [*logscrub, "--threads", str(n)] for n in (1, 2)}
    if not process.takes(commands[2]):
        return None
    if process.output(commands[1], workload.path) != process.output(commands[2], workload.path):
        sys.exit("logscrub: two threads write something else than one")
    figures = {n: Figure(workload.size, []) for n in commands}
    for _ in range(n_rounds):
        for n, command in commands.items():
            figures[n].runs.append(process.to_nothing(command, workload.path))
    return figures


def start_ups(engines, empty, n_rounds):
    """The cost before the first byte: empty input."""
    runs = {name: [] for name in engines}
    for _ in range(n_rounds):
        for name, engine in engines.items():
            # Programs that take a second to start are started less often.
            if len(runs[name]) < 5 or runs[name][0].wall < 0.1:
                runs[name].append(process.to_nothing(engine.command, empty))
    return {name: process.Run(median(times, "wall"), median(times, "cpu")) for name, times in runs.items()}


def latencies(engines, workload, n_lines):
    """Seconds from line in to line out, sorted; None for a program that holds lines back."""
    with open(workload.path, "rb") as log:
        lines = [line for line, _ in zip(log, range(n_lines + 1))]
    times = {}
    for name, engine in engines.items():
        took = process.latency(engine.line, lines)
        times[name] = sorted(took) if took else None
    return times


def quantile(times, share):
    return times[min(len(times) - 1, int(share * len(times)))]


@dataclasses.dataclass
class Ratio:
    """Times the processor time of plain text."""

    times: float
    ended: bool  # it would have taken longer

    def __str__(self):
        return f"{'> ' if self.ended else ''}{self.times:.1f}"


def hostile(logscrub, inputs, start, n_rounds):
    """Time of each input as a multiple of plain text of the same size and form, by name and form;
    the worst first."""
    ratios = {}
    for at, form in enumerate(("one line", "lines of 200")):
        for name, paths in inputs.items():
            if name != "plain":
                ratios[name, form] = hostile_ratio(logscrub, inputs["plain"][at], paths[at], start, n_rounds)
    return dict(sorted(ratios.items(), key=lambda item: -item[1].times))


def hostile_ratio(logscrub, plain_path, path, start, n_rounds):
    """A run that is far too slow is not repeated, and one that is even slower is stopped."""
    plains, runs = [], []
    for _ in range(n_rounds):
        plains.append(process.to_nothing(logscrub, plain_path))
        plain = max(median(plains, "cpu") - start, 1e-4)
        runs.append(process.to_nothing(logscrub, path, max(2.0, 40 * plain)))
        ratio = Ratio(max(median(runs, "cpu") - start, 0.0) / plain, runs[-1].ended)
        if ratio.times > 15:
            break
    return ratio
