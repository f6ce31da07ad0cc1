"""Measures logscrub and other programs against targets. Started by benches/compare/run.

Every program reads the same bytes, every output is checked before a figure is taken, and programs take
turns. ../cases.toml has the engines, workloads and expected results; ../README.md says how fair it is.
"""

import argparse
import os
import pathlib
import shutil
import sys
import tempfile
import textwrap
import tomllib

import chart
import engines as engines_module
import musts
import process
import report
import rounds
import workloads

HERE = pathlib.Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
PARTS = ["start", "throughput", "pipes", "threads", "memory", "latency", "hostile"]


def main():
    arguments = parse()
    cases = tomllib.loads((HERE / "cases.toml").read_text())
    with tempfile.TemporaryDirectory(prefix="logscrub-compare-", dir=arguments.scratch) as folder:
        folder = pathlib.Path(folder)
        if arguments.answers:
            return print_answers(arguments, cases, folder)
        measure(arguments, cases, folder)


def parse():
    parser = argparse.ArgumentParser(prog="benches/compare/run", description=__doc__.splitlines()[0])
    parser.add_argument("--built", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help="measure this logscrub instead of the one built here")
    parser.add_argument("--engines", default="", help="names, separated by commas; `all` also builds the heavy peers")
    parser.add_argument("--kind", default="", help="workloads, separated by commas: clean, one-percent, every-line, long-lines, json, cri, coloured, raw-logs")
    parser.add_argument("--parts", default="", help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--size", type=int, help="MiB for the fast engines, instead of the size in cases.toml")
    parser.add_argument("--slow-size", type=int, help="MiB for the slow engines")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--logs", type=pathlib.Path, default=os.environ.get("LOGSCRUB_COMPARE_LOGS", REPOSITORY.parent / "shared/corpora/benign"),
                        help="folder of raw logs (*.log, *.log.gz)")
    parser.add_argument("--out", type=pathlib.Path, default=REPOSITORY / "target/compare", help="folder for tables and charts")
    parser.add_argument("--write-docs", action="store_true", help="write them to docs/benchmarks too")
    parser.add_argument("--scratch", type=pathlib.Path, help="folder for the logs, instead of the system's")
    parser.add_argument("--quick", action="store_true", help="debug build, 1 MiB, one round: for tests")
    parser.add_argument("--answers", action="store_true", help="print new answers for cases.toml")
    arguments = parser.parse_args()
    # The first three are given by the run script.
    arguments.said = sys.argv[7:]
    for name, known in (("kind", None), ("parts", PARTS)):
        chosen = [word for word in getattr(arguments, name).split(",") if word]
        unknown = set(chosen) - set(known or chosen)
        if unknown:
            parser.error(f"unknown {name}: {', '.join(sorted(unknown))}")
        setattr(arguments, name, chosen)
    if arguments.quick:
        arguments.rounds, arguments.size, arguments.slow_size = 1, 1, 1
    return arguments


def measure(arguments, cases, folder):
    more = workloads.write_more_rules(folder / "more.toml")
    places = engines_module.Places(arguments, folder, more)
    n_rules = places.write_rules()
    wanted = None if arguments.engines in ("", "all") else arguments.engines.split(",")
    engines, left_out = engines_module.choose(cases, places, wanted)
    # Programs with this flag are compared with one thread.
    if process.takes([*engines["logscrub"].command, "--threads", "1"]):
        for name in ("logscrub", "logscrub-280"):
            if name in engines:
                engines[name].command += ["--threads", "1"]
    level = report.level_in_use(arguments.bin)
    results = {
        "level": level, "n_rules": n_rules, "left_out": left_out, "versions": engines_module.versions(engines), "starts": {}, "throughput": {},
        "pipes": {}, "threads": None, "clean_resident": None, "fired_resident": None, "latencies": {}, "hostile": {},
    }
    print(report.head(arguments, results), flush=True)
    sections = list(sections_of(arguments, cases, engines, folder, results))
    conclude(arguments, cases, results, sections, engines)


def sections_of(arguments, cases, engines, folder, results):
    """Measures part by part, and prints each as soon as it is known."""
    parts = arguments.parts or PARTS
    empty = folder / "empty"
    empty.touch()
    results["starts"] = rounds.start_ups(engines, empty, 1 if arguments.quick else 41)
    kinds = [workload for workload in cases["workload"] if not arguments.kind or workload["kind"] in arguments.kind]
    for data in kinds:
        section = workload_sections(arguments, cases, data, engines, folder, results, parts)
        if section:
            yield shown(section)
    clean = make(arguments, cases, "clean", 1 if arguments.quick else 8, folder)
    memory = {}
    if arguments.quick:
        engines = {name: engines[name] for name in ("logscrub", "cat")}
    if "memory" in parts:
        memory = resident_sizes(arguments, engines, clean, folder, results)
    if "latency" in parts:
        results["latencies"] = rounds.latencies(engines, clean, 50 if arguments.quick else 1000)
    if "start" in parts or memory or results["latencies"]:
        yield shown(report.start_and_latency(results["starts"], results["latencies"], memory, engines))
    if "hostile" in parts:
        n_bytes = 64 << 10 if arguments.quick else 16 << 20
        inputs = workloads.make_hostile(arguments.built, n_bytes, folder)
        n_rounds = 1 if arguments.quick else 3
        start = 0.0 if arguments.quick else results["starts"]["logscrub"].cpu
        results["hostile"] = rounds.hostile(engines["logscrub"].command, inputs, start, n_rounds)
        yield shown(report.hostile(results["hostile"], n_bytes))


def shown(section):
    print(f"\n{section}", flush=True)
    return section


def workload_sections(arguments, cases, data, engines, folder, results, parts):
    kind, sections = data["kind"], []
    if not set(parts) & {"throughput", "pipes", "threads"}:
        return ""
    made = {}
    for speed, key in (("fast", "mib"), ("slow", "slow_mib")):
        size = (arguments.size if speed == "fast" else arguments.slow_size) or data[key]
        if size not in made:
            made[size] = make(arguments, cases, kind, size, folder)
        made[speed] = made[size]
    if made["fast"] is None:
        return f"### {kind}\n\nLeft out: no folder of raw logs (--logs)."
    if "throughput" in parts:
        pairs = [(engines[name], made[speed]) for speed in ("fast", "slow") for name in data[speed] if name in engines]
        if arguments.quick and kind not in ("clean", "every-line"):
            pairs = [pair for pair in pairs if pair[0].name in ("logscrub", "cat", "blocks")]
        # On a small input, subtracting the start-up leaves nothing but noise.
        empty = None if arguments.quick else folder / "empty"
        figures = results["throughput"][kind] = rounds.throughput(pairs, arguments.rounds, empty)
        sections.append(report.throughput(kind, made["fast"].n_lines, len(made["fast"].secrets), figures, engines))
    if "pipes" in parts and any(must["what"] == "pipe" and must["workload"] == kind for must in cases["must"]):
        chosen = [engines[name] for name in ("logscrub", "cat")]
        results["pipes"][kind] = rounds.pipes(chosen, made["fast"], max(arguments.rounds, 1))
        sections.append(report.pipes(kind, results["pipes"][kind]))
    if "threads" in parts and kind == "clean":
        sections.append(threads_section(arguments, results, made["fast"]))
    for workload in {id(workload): workload for workload in made.values()}.values():
        shutil.rmtree(workload.path.parent)
    return "\n".join(sections)


def threads_section(arguments, results, workload):
    figures = results["threads"] = rounds.threads([str(arguments.bin), "--config", "none"], workload, arguments.rounds)
    if figures is None:
        return "### Threads\n\nLeft out: this logscrub has no --threads.\n"
    rows = [f"| {n} | {figure.wall:.3f} | {figure.cpu:.3f} |" for n, figure in figures.items()]
    return "\n".join(["### Threads, clean, from a file", "", "| threads | wall s | CPU s |", "|--:|--:|--:|", *rows, ""])


def make(arguments, cases, kind, mib, folder):
    """A workload with the committed answer, if there is one."""
    if kind == "raw-logs":
        logs = pathlib.Path(arguments.logs)
        return workloads.make_raw(logs, mib << 20, folder) if logs.is_dir() else None
    made = workloads.make(arguments.built, kind, mib << 20, folder)
    answer = next((answer for answer in cases.get("answer", []) if (answer["kind"], answer["mib"]) == (kind, mib)), None)
    if answer and (answer["findings"], answer["sha256"]) != (len(made.secrets), made.sha256):
        sys.exit(f"{kind}, {mib} MiB: the workload is not the one whose answer stands in cases.toml")
    return made


def resident_sizes(arguments, engines, clean, folder, results):
    memory = {name: process.resident(engine.command, clean.path) for name, engine in engines.items()}
    hits = folder / "hits"
    n_rules = workloads.write_hits(REPOSITORY / "patterns", hits)
    found = set(workloads.LABEL.findall(process.output(engines["logscrub"].command, hits)))
    results["clean_resident"] = memory["logscrub"]
    results["fired_resident"] = process.resident(engines["logscrub"].command, hits)
    shown(f"{len(found)} kinds of placeholder came of the examples of {n_rules} rules; resident then {results['fired_resident']:.1f} MiB")
    return memory


def conclude(arguments, cases, results, sections, engines):
    level = report.target_level(results["level"])
    rows = musts.rows(cases["must"], results, level, judged=not arguments.quick)
    table = shown(report.must(rows, level))
    level_name = report.LEVELS.get(results["level"], results["level"])
    folders = [arguments.out, *([REPOSITORY / "docs/benchmarks"] if arguments.write_docs else [])]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(["# Measured", "", "```", report.head(arguments, results), "```", "", table, *sections])
        (folder / "results.md").write_text(text)
        if "clean" in results["throughput"]:
            head = report.head(arguments, results).splitlines()
            notes = [line for part in head[:3] for line in textwrap.wrap(part.split(maxsplit=1)[1], 140)]
            title = f"Redacting a log on one core, CPU level {level_name}"
            (folder / "throughput.svg").write_text(chart.throughput(results["throughput"], engines, title, notes))
    print(f"written to {', '.join(str(folder) for folder in folders)}")
    too_slow = [f"{' '.join(key)}: {ratio} ×" for key, ratio in results["hostile"].items() if ratio.times > 5]
    if too_slow and not arguments.quick:
        sys.exit("more than five times the time of plain text:\n  " + "\n  ".join(too_slow))


def print_answers(arguments, cases, folder):
    """The end of cases.toml: the expected result for each workload and size."""
    for data in cases["workload"]:
        for mib in dict.fromkeys((1, data["slow_mib"], data["mib"])):
            if data["kind"] == "raw-logs":
                continue
            made = workloads.make(arguments.built, data["kind"], mib << 20, folder)
            print(f'[[answer]]\nkind = "{data["kind"]}"\nmib = {mib}\nfindings = {len(made.secrets)}\nsha256 = "{made.sha256}"\n', flush=True)
            shutil.rmtree(made.path.parent)


if __name__ == "__main__":
    main()
