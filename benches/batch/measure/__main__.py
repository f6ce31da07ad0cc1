"""Measures `logscrub batch`, other programs, and its codecs alone. Started by benches/batch/run."""

import argparse
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent.parent
# Workloads, checks and the head of the report are shared with the comparison of the filter.
COMPARE = REPOSITORY / "benches/compare"
sys.path.append(str(COMPARE / "measure"))

import archives
import ends
import engines as compared
import process
import runs
import tables

ALL = "all"


def main():
    arguments = parse()
    with tempfile.TemporaryDirectory(prefix="logscrub-batch-", dir=arguments.scratch) as folder:
        folder = pathlib.Path(folder)
        print(f"making a set of {arguments.size / (1 << 20):,.0f} MiB of text", flush=True)
        made, pool = archives.make(arguments.built, arguments.size, folder)
        twenty = compared.Places(arguments, folder, None).words(["{twenty}"])
        engines, left_out = runs.chosen(runs.engines(arguments, twenty))
        for name, why in left_out.items():
            print(f"SKIPPED: {name}: {why}", flush=True)
        try:
            figures = measure(arguments, made, engines, folder)
            shutil.rmtree(folder / "set")
            at_ends = ends.measure(arguments, pool, folder)
        except runs.Fault as fault:
            sys.exit(str(fault))
    tables.conclude(arguments, made, engines, left_out, figures, at_ends)


def parse():
    parser = argparse.ArgumentParser(prog="benches/batch/run", description=__doc__)
    parser.add_argument("--built", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--size", type=size, default=4 << 30, help="size of the set as text, such as 512MiB (default: 4GiB)")
    parser.add_argument("--rounds", type=int, help="rounds of every program (default: 3, or 1 for a set of more than 1GiB)")
    parser.add_argument("--peers-size", type=size, default=256 << 20, help="the other programs, which are slow, get only the first files of a format that have this much text (default: 256MiB)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads of every program that has threads (default: one for each core)")
    parser.add_argument("--scratch", type=pathlib.Path, help="folder for the set, instead of the system's; it needs three times the size of the text")
    parser.add_argument("--out", type=pathlib.Path, default=REPOSITORY / "target/batch", help="where table and chart go")
    parser.add_argument("--write-docs", action="store_true", help="write them to docs/benchmarks too")
    parser.add_argument("--quick", action="store_true", help="debug build, 8 MiB, one round: for tests")
    arguments = parser.parse_args()
    # The first two are given by the run script.
    arguments.said = sys.argv[5:]
    arguments.peers, arguments.scripts, arguments.repository = None, COMPARE / "peers/scripts", REPOSITORY
    if arguments.quick:
        arguments.size, arguments.rounds = 8 << 20, 1
    arguments.rounds = arguments.rounds or (1 if arguments.size > 1 << 30 else 3)
    return arguments


def size(text):
    known = re.fullmatch(r"(\d+)(MiB|GiB)", text)
    if not known:
        raise argparse.ArgumentTypeError("not a size such as 512MiB")
    return int(known[1]) << {"MiB": 20, "GiB": 30}[known[2]]


def measure(arguments, made, engines, folder):
    """Figures by format and by name; the format `all` is the whole set in one run."""
    checker = runs.Checker()
    figures = {}
    every = {ALL: [file for files in made.values() for file in files], **made}
    for form, files in every.items():
        able = [engine for engine in engines if (form in engine.forms or isinstance(engine, runs.Tree))]
        given = {engine: files if isinstance(engine, runs.Tree) else archives.first(files, arguments.peers_size) for engine in able}
        figures[form] = {engine.name: runs.Figure(sum(file.n_text for file in given[engine])) for engine in able}
        for _ in range(arguments.rounds):
            for engine in random.Random(0x5EED).sample(able, len(able)):
                figures[form][engine.name].runs.append(one(engine, form, given[engine], folder, checker))
        for line in tables.lines(form, figures[form]):
            print(line, flush=True)
    return figures


def one(engine, form, files, folder, checker):
    """One run. Its output is checked and removed."""
    out = folder / "out"
    source = folder / "set" if form == ALL else folder / "set" / form
    run = runs.measured(engine, source, files, out)
    for file in files:
        checker.check(engine, file.path.parent.name, file, out / file.path.relative_to(source))
    shutil.rmtree(out)
    return run


if __name__ == "__main__":
    main()
