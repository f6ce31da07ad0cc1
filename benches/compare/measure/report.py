"""The results, as text, Markdown and JSON."""

import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys

import process
from rounds import quantile

LEVELS = {"avx512": "AVX-512 VBMI", "avx2": "AVX2", "portable": "portable"}


def machine_level():
    """The best CPU level of this machine."""
    info = pathlib.Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*:\s*(.*)", info, re.M)
    flags = set(flags.group(1).split()) if flags else set()
    if flags & {"avx512_vbmi", "avx512vbmi"}:
        return "avx512"
    return "avx2" if "avx2" in flags else "portable"


def level_in_use(logscrub):
    """The level that the program reports, forced or found."""
    said = subprocess.run([logscrub, "--version"], capture_output=True, text=True, env=process.ENVIRONMENT).stdout
    known = re.search(r"cpu:? (\w+)", said)
    return known.group(1) if known and known.group(1) in LEVELS else machine_level()


def target_level(in_use):
    """The level whose targets count: the one in use, or the machine's if the program does not
    report any."""
    return machine_level() if in_use == "portable" and "LOGSCRUB_CPU" not in os.environ else in_use


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*:\s*(.*)", info)
    name = model.group(1) if model else platform.processor()
    return f"{name}, {os.cpu_count()} cores, best level {LEVELS[machine_level()]}, Linux {platform.release()}"


def head(arguments, results):
    load = os.getloadavg()[0]
    version = subprocess.run([arguments.bin, "--version"], capture_output=True, text=True).stdout.strip()
    lines = [
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, load {load:.1f}",
        f"machine   {machine()}",
        f"command   {shlex.join(['benches/compare/run', *arguments.said])}",
        f"program   {version}; level in use: {LEVELS.get(results['level'], results['level'])}",
        f"rules     {results['n_rules']} regexes stand for the embedded rules in programs that take regexes",
    ]
    lines += [f"          {said}" for said in results["versions"].values()]
    lines += [f"left out  {name}: {why}" for name, why in results["left_out"].items()]
    if arguments.quick:
        lines.append("QUICK     built for debugging, one round, a little of everything; the figures mean nothing")
    return "\n".join(lines)


def throughput(kind, n_lines, n_secrets, figures, engines):
    """A Markdown table of one workload, the fastest first."""
    sizes = sorted({figure.size for figure in figures.values()}, reverse=True)
    text = [f"### {kind}", ""]
    text.append(f"{' and '.join(f'{size / 1e6:.0f} MB' for size in sizes)}; {n_lines} lines and {n_secrets} secrets in the largest; medians of "
                f"{len(next(iter(figures.values())).runs)} interleaved rounds.")
    text += ["", "| engine | rules | MB/s of CPU | CPU s/GiB | wall MB/s | beside cat | beside logscrub | spread of CPU s |",
             "|---|---|--:|--:|--:|--:|--:|--:|"]
    cat, ours = figures["cat"].per_gib, figures["logscrub"].per_gib
    for name, figure in sorted(figures.items(), key=lambda item: -item[1].speed):
        engine = engines[name]
        left = f", {figure.left} of its secrets left" if figure.left else ""
        text.append(
            f"| {engine.title}{' (start-up left out)' if engine.apart else ''} | {engine.rules}{left} | {figure.speed:.1f} | "
            f"{figure.per_gib:.2f} | {figure.size / 1e6 / figure.wall:.1f} | {figure.per_gib / cat:.1f} × | "
            f"{figure.per_gib / ours:.2f} × | {figure.spread[0]:.3f} to {figure.spread[1]:.3f} |"
        )
    return "\n".join(text) + "\n"


def pipes(kind, figures):
    text = [f"### cat F | X | cat >/dev/null, {kind}", "", "| X | CPU s | MB/s of CPU | beside cat | wall s |", "|---|--:|--:|--:|--:|"]
    cat = figures["cat"].cpu
    for name, figure in sorted(figures.items(), key=lambda item: item[1].cpu):
        text.append(f"| {name} | {figure.cpu:.3f} | {figure.speed:.0f} | {figure.cpu / cat:.2f} × | {figure.wall:.3f} |")
    return "\n".join(text) + "\n"


def start_and_latency(starts, times, memory, engines):
    text = ["### Start-up, latency, memory", "",
            "Start-up on empty input; latency of a line in to the line out, one line a millisecond; resident memory on the clean log.", "",
            "| engine | start, ms wall | start, ms CPU | p50, ms | p99, ms | resident, MiB |", "|---|--:|--:|--:|--:|--:|"]
    for name, engine in engines.items():
        took = times.get(name)
        p50, p99 = (f"{quantile(took, share) * 1e3:.3f}" for share in (0.5, 0.99)) if took else ("holds lines back", "")
        resident = f"{memory[name]:.1f}" if name in memory else ""
        start = starts[name]
        text.append(f"| {engine.title} | {start.wall * 1e3:.1f} | {start.cpu * 1e3:.1f} | {p50} | {p99} | {resident} |")
    return "\n".join(text) + "\n"


def hostile(ratios, n_bytes):
    text = ["### Hostile inputs", "", f"{n_bytes / 1e6:.0f} MB of each, as one line and as lines of 200 bytes; CPU time beside plain text of the same size "
            "and form, start-up left out.", "", "| input | one line | lines of 200 |", "|---|--:|--:|"]
    names = dict.fromkeys(name for name, _ in ratios)
    for name in names:
        text.append(f"| {name} | {ratios[name, 'one line']} × | {ratios[name, 'lines of 200']} × |")
    return "\n".join(text) + "\n"


def must(rows, level):
    """The targets, the measured values, and by how much they are missed."""
    text = [f"### Targets ({LEVELS.get(level, level)})", "", "| what | measured | target | |", "|---|--:|--:|---|"]
    for row in rows:
        text.append(f"| {row['what']} | {row['measured']} | {row['target']} | {row['verdict']} |")
    text += ["", f"Other levels: not measured on this machine."]
    return "\n".join(text) + "\n"


def write_json(path, results):
    path.write_text(json.dumps(results, indent=1, default=lambda value: vars(value)) + "\n")
