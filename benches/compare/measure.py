#!/usr/bin/env python3
"""Measures logscrub beside other programs, interleaved, and prints medians. See benches/compare/run.

Every program reads the workload from a file in the page cache and writes into a pipe that this program empties. Processor
time is the kernel's account of the process (wait4); resident memory is its high-water mark, read while it still lives, since
what wait4 says includes the size of whoever started it. Programs take turns, so that a disturbance meets all of them.
"""

import argparse
import dataclasses
import datetime
import fcntl
import hashlib
import os
import pathlib
import platform
import re
import shlex
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
PATTERNS = HERE.parent.parent / "patterns"
SED = HERE / "twenty.sed"
LABEL = re.compile(rb"REDACTED-[a-z0-9-]+")
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent"}


@dataclasses.dataclass
class Program:
    name: str
    command: list
    check: object  # (workload, output) -> what is wrong with the output, or None
    runs: list = dataclasses.field(default_factory=list)
    resident: int = 0
    n_bytes: int = 0  # of the output that was checked


@dataclasses.dataclass
class Run:
    wall: float
    cpu: float


@dataclasses.dataclass
class Workload:
    kind: str
    path: str
    size: int
    expected: bytes
    secrets: list


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="logscrub-compare-") as folder:
        workload = make_workload(arguments, pathlib.Path(folder))
        programs = make_programs(arguments)
        print_head(arguments, workload, programs)
        for program in programs:
            check(program, workload)
        for _ in range(arguments.rounds):
            for program in programs:
                program.runs.append(measure(program, workload))
        for program in programs:
            program.resident = resident(program, workload)
        print_table(workload, programs)
        print_start(arguments, pathlib.Path(folder))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="where logscrub, naive and workload were built")
    parser.add_argument("--kind", default="one-percent", help="clean, one-percent, every-line, long-lines or json")
    parser.add_argument("--size", type=int, default=64, help="MiB of log")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=41, help="rounds of the start-up comparison")
    parser.add_argument("--quick", action="store_true", help="1 MiB, one round: for tests")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.size, arguments.rounds, arguments.starts = 1, 1, 3
    return arguments


def make_workload(arguments, folder):
    size = arguments.size << 20
    subprocess.run([arguments.bin / "workload", arguments.kind, str(size), folder], check=True)
    secrets = (folder / "secrets").read_bytes().split(b"\n")
    return Workload(
        kind=arguments.kind,
        path=str(folder / "input"),
        size=(folder / "input").stat().st_size,
        expected=(folder / "expected").read_bytes(),
        secrets=[secret for secret in secrets if secret],
    )


def make_programs(arguments):
    programs = [
        Program("logscrub", [str(arguments.bin / "logscrub"), "--config", "none"], is_expected),
        Program("cat", ["cat"], is_same_size),
        Program("naive", [str(arguments.bin / "naive"), str(PATTERNS)], holds_no_secret),
        Program("sed, 20 substitutions", ["sed", "-E", "-f", str(SED)], holds_no_secret),
    ]
    if shutil.which("rg"):
        patterns = [flag for pattern in sed_patterns() for flag in ("-e", pattern)]
        command = ["rg", "--no-config", "--passthru", "--text", "--no-unicode", "-N", "-r", "REDACTED", *patterns, "-"]
        programs.append(Program("rg, the same 20", command, holds_no_secret))
    return programs


def sed_patterns():
    """The left sides of the substitutions, which are written with the same delimiter throughout the line."""
    return [line.split(line[1])[1] for line in SED.read_text().splitlines() if line.startswith("s")]


def is_expected(workload, out):
    if LABEL.sub(b"GONE", out) != workload.expected:
        return "the output is not the expected one"
    return None


def is_same_size(workload, out):
    return None if len(out) == workload.size else "bytes were lost"


def holds_no_secret(workload, out):
    left = sum(secret in out for secret in workload.secrets[:2000])
    if left:
        return f"{left} planted secrets are left"
    if out.count(b"\n") != workload.expected.count(b"\n"):
        return "lines were lost"
    return None


def check(program, workload):
    """Runs once, and ends everything when what came out is wrong. Its size must hold in the rounds that follow."""
    with open(workload.path, "rb") as log:
        done = subprocess.run(program.command, stdin=log, stdout=subprocess.PIPE, env=ENVIRONMENT)
    fault = f"exit code {done.returncode}" if done.returncode else program.check(workload, done.stdout)
    if fault:
        sys.exit(f"{program.name}: {fault}")
    program.n_bytes = len(done.stdout)


def start(command, stdin, stdout):
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawnp(command[0], command, ENVIRONMENT, file_actions=actions)


def measure(program, workload):
    stdin = os.open(workload.path, os.O_RDONLY)
    rdr, wtr = os.pipe()
    fcntl.fcntl(rdr, fcntl.F_SETPIPE_SZ, 1 << 20)
    begin = time.perf_counter()
    pid = start(program.command, stdin, wtr)
    os.close(wtr)
    n_bytes = 0
    buffer = bytearray(1 << 20)
    while count := os.readv(rdr, [buffer]):
        n_bytes += count
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    os.close(stdin)
    os.close(rdr)
    if status or n_bytes != program.n_bytes:
        sys.exit(f"{program.name}: status {status}, {n_bytes} bytes instead of {program.n_bytes}")
    return Run(wall, usage.ru_utime + usage.ru_stime)


def resident(program, workload):
    """The high-water mark of resident memory, in KiB: all input is given, and the program waits for more."""
    rdr_in, wtr_in = os.pipe()
    for fd in (rdr_in, wtr_in):
        os.set_inheritable(fd, False)
    sink = os.open("/dev/null", os.O_WRONLY)
    pid = start(program.command, rdr_in, sink)
    os.close(sink)
    with open(workload.path, "rb") as log:
        while block := log.read(1 << 16):
            os.writev(wtr_in, [block])
    while pending(rdr_in) or state(pid) != "S":
        time.sleep(0.01)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    for fd in (wtr_in, rdr_in):
        os.close(fd)
    os.waitpid(pid, 0)
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1))


def pending(fd):
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))[0]


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def print_head(arguments, workload, programs):
    print(f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC")
    print(f"machine   {machine()}")
    print(f"command   {shlex.join(['benches/compare/run', *sys.argv[3:]])}")
    print(f"workload  {workload.kind}: {workload.size} bytes, {workload.expected.count(10)} lines, "
          f"{len(workload.secrets)} secrets, sha256 {hashlib.sha256(workload.expected).hexdigest()[:16]} when clean")
    naive = next(program for program in programs if program.name == "naive")
    count = subprocess.run([*naive.command, "--count"], capture_output=True, text=True, check=True)
    print(f"rules     naive runs {count.stdout.strip()} regexes of the same rule files over each line")
    for command in ([str(arguments.bin / "logscrub"), "--version"], ["sed", "--version"], ["rg", "--version"]):
        if shutil.which(command[0]):
            said = subprocess.run(command, capture_output=True, text=True)
            print(f"          {said.stdout.splitlines()[0] if said.stdout else command[0]}")
    if arguments.quick:
        print("          QUICK: built for debugging, one round; the figures mean nothing")


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", info)
    flags = set(re.search(r"^flags\s*:\s*(.*)", info, re.M).group(1).split()) if "flags" in info else set()
    levels = {"avx512_vbmi": "AVX-512 VBMI", "avx512vbmi": "AVX-512 VBMI", "avx512bw": "AVX-512", "avx2": "AVX2", "sse4_2": "SSE4.2"}
    level = next((name for flag, name in levels.items() if flag in flags), "no vector level known")
    return f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} cores, {level}, Linux {platform.release()}"


def print_table(workload, programs):
    print(f"\n{'program':24} {'cpu s':>8} {'wall s':>8} {'MB/s cpu':>9} {'MB/s wall':>9} {'times cpu':>10} {'RSS MiB':>8}")
    base = median(programs[0], "cpu")
    for program in programs:
        cpu, wall = median(program, "cpu"), median(program, "wall")
        megabytes = workload.size / 1e6
        print(f"{program.name:24} {cpu:8.3f} {wall:8.3f} {megabytes / cpu:9.1f} {megabytes / wall:9.1f} "
              f"{cpu / base:10.2f} {program.resident / 1024:8.1f}")
    print(f"medians of {len(programs[0].runs)} interleaved rounds; times cpu: beside logscrub; "
          f"spread of logscrub {min(run.cpu for run in programs[0].runs):.3f}-{max(run.cpu for run in programs[0].runs):.3f} s; every output checked")


def median(program, what):
    return max(statistics.median(getattr(run, what) for run in program.runs), 1e-6)


def print_start(arguments, folder):
    """What a program costs before its first byte: empty input."""
    empty = folder / "empty"
    empty.touch()
    commands = {"logscrub": [str(arguments.bin / "logscrub"), "--config", "none"], "cat": ["cat"]}
    if shutil.which("rg"):
        commands["rg --version"] = ["rg", "--version"]
    walls = {name: [] for name in commands}
    for _ in range(arguments.starts):
        for name, command in commands.items():
            walls[name].append(time_start(command, empty))
    print("\nstart-up on empty input")
    for name, times in walls.items():
        milliseconds = statistics.median(times) * 1e3
        print(f"{name:24} {milliseconds:8.2f} ms   {milliseconds - statistics.median(walls['cat']) * 1e3:+8.2f} ms beside cat")


def time_start(command, empty):
    stdin, sink = os.open(empty, os.O_RDONLY), os.open("/dev/null", os.O_WRONLY)
    begin = time.perf_counter()
    _, status = os.waitpid(start(command, stdin, sink), 0)
    wall = time.perf_counter() - begin
    os.close(stdin)
    os.close(sink)
    if status:
        sys.exit(f"{command[0]}: status {status} on empty input")
    return wall


if __name__ == "__main__":
    main()
