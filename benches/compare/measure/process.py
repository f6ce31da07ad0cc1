"""Runs a program in each measured way, and reads the kernel's account of it.

Processor time is that of wait4 for the one process. Resident memory is its high-water mark, read while
it still lives, because the value of wait4 includes the size of the parent process.
"""

import dataclasses
import fcntl
import os
import pathlib
import re
import select
import signal
import statistics
import struct
import subprocess
import termios
import time

ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent"}
if "LOGSCRUB_CPU" in os.environ:
    ENVIRONMENT["LOGSCRUB_CPU"] = os.environ["LOGSCRUB_CPU"]
# These end with 1 if nothing matched, which is not a fault.
NONE_IS_ONE = {"rg"}
# logscrub ends with this if a record was cut and its rest is missing. Raw logs have such records,
# generated logs do not.
CUT = 3


class Fault(Exception):
    """A program failed, so there is no figure for it."""


@dataclasses.dataclass
class Run:
    wall: float
    cpu: float
    n_bytes: int = 0
    ended: bool = False  # by us, since it took too long


def median(runs, what):
    return max(statistics.median(getattr(run, what) for run in runs), 1e-6)


def is_fault(command, code, is_raw):
    return code != 0 and not (code == 1 and command[0] in NONE_IS_ONE) and not (code == CUT and is_raw)


def start(command, stdin, stdout):
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
    return os.posix_spawnp(command[0], command, ENVIRONMENT, file_actions=actions)


def output(command, path, is_raw=False):
    """The whole output; for checks, not for figures."""
    with open(path, "rb") as log:
        done = subprocess.run(command, stdin=log, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
    if is_fault(command, done.returncode, is_raw):
        raise Fault(f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()[:200]}")
    return done.stdout


def takes(command):
    """Whether the program runs with these arguments."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT).returncode == 0


def finish(command, pid, begin, n_bytes=0, is_raw=False):
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begin
    code = os.waitstatus_to_exitcode(status)
    if is_fault(command, code, is_raw):
        raise Fault(f"{command[0]}: exit code {code}")
    return Run(wall, usage.ru_utime + usage.ru_stime, n_bytes)


def through(command, path, is_raw=False):
    """A file as standard input, and a pipe as output that is emptied here."""
    stdin = os.open(path, os.O_RDONLY)
    rdr, wtr = os.pipe()
    fcntl.fcntl(rdr, fcntl.F_SETPIPE_SZ, 1 << 20)
    begin = time.perf_counter()
    pid = start(command, stdin, wtr)
    os.close(wtr)
    os.close(stdin)
    n_bytes, buffer = 0, bytearray(1 << 20)
    while count := os.readv(rdr, [buffer]):
        n_bytes += count
    os.close(rdr)
    return finish(command, pid, begin, n_bytes, is_raw)


def between(command, path):
    """`cat F | X | cat >/dev/null` with pipes as a shell makes them. Returns the account of X
    alone."""
    log, sink = os.open(path, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    (rdr_in, wtr_in), (rdr_out, wtr_out) = os.pipe(), os.pipe()
    begin = time.perf_counter()
    before = start(["cat"], log, wtr_in)
    pid = start(command, rdr_in, wtr_out)
    after = start(["cat"], rdr_out, sink)
    for fd in (log, sink, rdr_in, wtr_in, rdr_out, wtr_out):
        os.close(fd)
    run = finish(command, pid, begin)
    for other in (before, after):
        os.waitpid(other, 0)
    return run


def to_nothing(command, path, limit=None):
    """A file as standard input and no output. Stops the program after `limit` seconds of processor
    time."""
    stdin, sink = os.open(path, os.O_RDONLY), os.open(os.devnull, os.O_WRONLY)
    begin = time.perf_counter()
    pid = start(command, stdin, sink)
    os.close(stdin)
    os.close(sink)
    while limit and not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if processor_time(pid) > limit:
            os.kill(pid, signal.SIGKILL)
            _, _, usage = os.wait4(pid, 0)
            return Run(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, ended=True)
        time.sleep(0.001)
    return finish(command, pid, begin)


def processor_time(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(command, path):
    """The high-water mark of resident memory in MiB, after all input and before its end."""
    rdr, wtr = os.pipe()
    sink = os.open(os.devnull, os.O_WRONLY)
    pid = start(command, rdr, sink)
    os.close(sink)
    with open(path, "rb") as log:
        while block := log.read(1 << 16):
            os.writev(wtr, [block])
    deadline = time.monotonic() + 60
    while (pending(rdr) or state(pid) != "S") and time.monotonic() < deadline:
        time.sleep(0.01)
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    for fd in (wtr, rdr):
        os.close(fd)
    os.waitpid(pid, 0)
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024


def pending(fd):
    return struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0"))[0]


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def latency(command, lines):
    """Seconds from each line in to its end out, one line a millisecond; None if lines are held
    back."""
    (rdr_in, wtr_in), (rdr_out, wtr_out) = os.pipe(), os.pipe()
    pid = start(command, rdr_in, wtr_out)
    os.close(rdr_in)
    os.close(wtr_out)
    try:
        # While the first line arrives, the program is still starting.
        if answer(wtr_in, rdr_out, lines[0], 5) is None:
            return None
        due, times = time.perf_counter(), []
        for line in lines[1:]:
            due = max(due + 1e-3, time.perf_counter())
            while (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            took = answer(wtr_in, rdr_out, line, 1)
            if took is None:
                return None
            times.append(took)
        return times
    finally:
        os.close(wtr_in)
        os.close(rdr_out)
        os.waitpid(pid, 0)


def answer(wtr, rdr, line, limit):
    begin = time.perf_counter()
    os.write(wtr, line)
    while select.select([rdr], [], [], limit)[0]:
        if os.read(rdr, 1 << 16).endswith(b"\n"):
            return time.perf_counter() - begin
    return None
