"""Runs the programs over the files of one format, with the kernel's account of all their processes.
Runs the programs over the files of one format, with the kernel's account of all their processes."""

import dataclasses
import os
import resource
import shutil
import statistics
import subprocess
import time

import archives
import checks
import process


class Fault(Exception):
    """A program failed, so there is no figure for it."""


@dataclasses.dataclass
class Run:
    wall: float
    cpu: float
    # The high-water mark in bytes, if it was asked for.
    memory: int = 0


@dataclasses.dataclass
class Figure:
    """The runs of one program over `n_text` bytes of text."""

    n_text: int
    runs: list = dataclasses.field(default_factory=list)

    @property
    def wall(self):
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self):
        return statistics.median(run.cpu for run in self.runs)

    @property
    def memory(self):
        return max(run.memory for run in self.runs)

    @property
    def spread(self):
        return min(run.wall for run in self.runs), max(run.wall for run in self.runs)

    @property
    def speed(self):
        """Megabytes of text a second of wall time."""
        return self.n_text / 1e6 / self.wall


class Tree:
    """A program that takes a whole tree: logscrub, and the codecs alone."""

    def __init__(self, name, title, command):
        self.name, self.title, self.command = name, title, command
        self.forms = [*archives.SHARES]
        self.needs = []

    def run(self, folder, files, out):
        with open(os.devnull, "wb") as null:
            done = subprocess.run([*self.command(folder, out)], stdout=null, stderr=subprocess.PIPE, env=process.ENVIRONMENT)
        if done.returncode:
            raise Fault(f"exit code {done.returncode}: {done.stderr.decode(errors='replace')[:300]}")


class Pipe:
    """Programs in a pipe, file by file; each writes the format that it read."""

    def __init__(self, name, title, forms, stages):
        self.name, self.title, self.forms, self.stages = name, title, forms, stages
        self.needs = sorted({command[0] for form in forms for command in stages(form, "")})

    def run(self, folder, files, out):
        for file in files:
            target = out / file.path.name
            with open(target, "wb") as wtr:
                pipe(self.stages(file.path.parent.name, str(file.path)), wtr)


def pipe(stages, wtr):
    programs, rdr = [], subprocess.DEVNULL
    for at, command in enumerate(stages):
        out = wtr if at + 1 == len(stages) else subprocess.PIPE
        programs.append(subprocess.Popen(command, stdin=rdr, stdout=out, env=process.ENVIRONMENT))
        if rdr != subprocess.DEVNULL:
            rdr.close()
        rdr = programs[-1].stdout
    for command, program in zip(stages, programs):
        code = program.wait()
        if code and not (code == 1 and command[0] in process.NONE_IS_ONE):
            raise Fault(f"{command[0]}: exit code {code}")


def engines(arguments, twenty):
    """All of them; `twenty` are the patterns of ripgrep."""
    n, scripts = arguments.threads, arguments.scripts
    pigz, unpigz = ["pigz", "-n", "-6", f"-p{n}"], ["pigz", "-dc"]
    zstd, unzstd = ["zstd", "-q", "-3", f"-T{n}"], ["zstd", "-qdc"]
    sed, perl = ["sed", "-E", "-f", f"{scripts}/twenty.sed"], ["perl", f"{scripts}/twenty.pl", f"{scripts}/twenty.sed"]
    search = ["rg", "--no-config", "-z", "--passthru", "--text", "--no-unicode", "-N", "-I", "-r", "REDACTED", *twenty]
    again = {"gz": [pigz], "zst": [zstd], "plain": []}
    batch = [str(arguments.bin), "batch", "--config", "none", "-q", "-j", str(n)]
    return [
        Tree("logscrub", "logscrub batch", lambda folder, out: [*batch, folder, "-o", out]),
        Tree("codecs", "the codecs alone", lambda folder, out: [arguments.built / "recode", str(n), folder, out]),
        Pipe("sed", "pigz -dc | sed | pigz", ["gz"], lambda form, path: [[*unpigz, path], sed, pigz]),
        Pipe("perl", "zstd -dc | perl | zstd", ["zst"], lambda form, path: [[*unzstd, path], perl, zstd]),
        Pipe("rg", "ripgrep -z --passthru -r | pigz, zstd", ["gz", "zst", "plain"], lambda form, path: [[*search, path], *again[form]]),
    ]


def chosen(all_engines):
    """The programs that are installed, and why others are left out."""
    missing = {engine.name: [need for need in engine.needs if shutil.which(need) is None] for engine in all_engines}
    left_out = {name: f"{', '.join(needs)} not installed" for name, needs in missing.items() if needs}
    return [engine for engine in all_engines if engine.name not in left_out], left_out


def measured(engine, folder, files, out):
    out.mkdir()
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    engine.run(folder, files, out)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


class Checker:
    """Checks every file of the first run of a program, and compares the files of later runs with
    it."""

    def __init__(self):
        self.known = {}

    def check(self, engine, form, file, path):
        if engine.name == "codecs":
            return
        key, found = (engine.name, file.path), archives.digest(path)
        if key not in self.known:
            fault = archives.fault(form, file, path) if engine.name == "logscrub" else self.peer_fault(form, file, path)
            if fault:
                raise Fault(f"{engine.name}: {path.name}: {fault}")
            self.known[key] = found
        elif self.known[key] != found:
            raise Fault(f"{engine.name}: {path.name}: another run made another file of it")

    @staticmethod
    def peer_fault(form, file, path):
        """Other programs must leave no planted secret and lose no line."""
        return checks.secrets(file, archives.text_of(form, path))
