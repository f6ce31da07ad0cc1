"""The results, as Markdown and as a chart."""

import datetime
import html
import os
import shlex
import subprocess
import textwrap

import ends
import report

COLOURS = {"logscrub": "#2b6cb0", "codecs": "#8a8f98", "sed": "#dd8a2e", "perl": "#b7791f", "rg": "#805ad5"}
NAMES = {"all": "the whole set", "gz": "gzip", "zst": "zstd", "tar.gz": "tar.gz", "zip": "zip", "plain": "plain text"}
WIDTH, LEFT, RIGHT, BAR, GAP = 960, 130, 80, 15, 14


def lines(form, figures):
    yield f"{NAMES[form]}:"
    for name, figure in figures.items():
        low, high = figure.spread
        yield f"  {name:9} {figure.speed:8.1f} MB/s   wall {figure.wall:7.2f} s ({low:.2f} to {high:.2f})   CPU {figure.cpu:7.2f} s"


def conclude(arguments, made, engines, left_out, figures, at_ends):
    titles = {engine.name: engine.title for engine in engines}
    facts = head(arguments, made, left_out)
    told = [share(figures["all"]), table(figures, titles), ends.table(at_ends)]
    picture = "![MB/s of text, by format and program](batch.svg)"
    body = "\n\n".join([picture, *told, METHOD])
    print(f"\n{body}")
    drawn = chart(figures, titles, facts)
    folders = [arguments.out, *([arguments.repository / "docs/benchmarks"] if arguments.write_docs else [])]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "batch.md").write_text("\n".join(["# Batch, measured", "", "```", *facts, "```", "", body, ""]))
        (folder / "batch.svg").write_text(drawn)
    print(f"written to {', '.join(str(folder) for folder in folders)}")


def head(arguments, made, left_out):
    version = subprocess.run([arguments.bin, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    n_text = sum(file.n_text for files in made.values() for file in files)
    said = [
        f"date      {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f}",
        f"machine   {report.machine()}",
        f"command   {shlex.join(['benches/batch/run', *arguments.said])}",
        f"program   {version}, {arguments.threads} threads; medians of {arguments.rounds} rounds",
        f"set       {n_text / 1e6:,.0f} MB of generated log, a secret in 1 % of the lines, in {sum(map(len, made.values()))} files",
        f"others    the first files of a format that have {arguments.peers_size / 1e6:,.0f} MB of text",
        f"disk      caches {'emptied before each run' if ends.empty_caches() else 'as they were'}, for the second table",
        *(f"SKIPPED   {name}: {why}" for name, why in left_out.items()),
    ]
    return said + (["QUICK     a debug build, one round, a small set; the figures mean nothing"] if arguments.quick else [])


def share(figures):
    ours, bound = figures["logscrub"], figures["codecs"]
    return (
        f"The whole set took {ours.wall:.1f} s ({ours.speed:.0f} MB/s of text), {ours.wall / bound.wall:.2f} times the bound: decompression and compression "
        f"alone take {bound.wall:.1f} s. Of the processor time they take {bound.cpu:.1f} of {ours.cpu:.1f} s."
    )


def table(figures, titles):
    peers = [name for name in titles if name not in ("logscrub", "codecs")]
    heads = ["MB/s of text (wall)", f"**{titles['logscrub']}**", titles["codecs"], "times the bound", *(f"`{titles[name]}`".replace("|", "\\|") for name in peers)]
    rows = [f"| {' | '.join(heads)} |", f"|---|{'--:|' * (len(heads) - 1)}"]
    for form, known in figures.items():
        ours, bound = known["logscrub"], known["codecs"]
        cells = [NAMES[form], f"**{ours.speed:,.0f}**", f"{bound.speed:,.0f}", f"{ours.wall / bound.wall:.2f} ×"]
        cells += [f"{known[name].speed:,.0f}" if name in known else "" for name in peers]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


METHOD = """The bound for compressed files is *the codecs alone* (`benches/batch/src/recode.rs`): decompressing and
compressing the same files with the codecs, levels, chunks and threads of `batch`, writing them, and
the same `syncfs` at the end. Plain text is copied. `batch` also hashes what it reads and writes, and
keeps a manifest. The files are in the page cache. We aim at 1.3 times the bound in every row.

sed, perl and ripgrep get the twenty substitutions of `benches/compare`, file by file, with as many
threads in pigz and zstd as `batch` has. None of them can rewrite tar or zip, because sizes and
directories would no longer fit. Every output of logscrub is compared with the expected text. The
outputs of the others are checked for planted secrets that are left and for lines that are lost.

The second table has the two extremes, many small files and one large file. Its bound is what the
disk alone takes: `cp -a` and a sync of what was written. `batch` ends with such a sync too. Memory
is the kernel's high-water mark of resident memory."""


def chart(figures, titles, facts):
    """Bars of wall speed, grouped by format."""
    fastest = max(figure.speed for known in figures.values() for figure in known.values())
    per_mb = (WIDTH - LEFT - RIGHT) / fastest
    body, y = [], 96
    for form, known in figures.items():
        body.append(text(LEFT - 10, y + len(known) * BAR / 2 + 4, NAMES[form], "end", 13))
        for name, figure in known.items():
            length = max(figure.speed * per_mb, 1)
            body.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>')
            body.append(text(LEFT + length + 5, y + BAR - 4, f"{figure.speed:,.0f}", "start", 11))
            y += BAR
        y += GAP
    notes = [line for fact in facts[:7] for line in textwrap.wrap(fact.split(maxsplit=1)[1], 140)]
    height = y + 20 + 16 * len(notes)
    footer = [text(20, y + 16 + 16 * n, note, "start", 11, ' fill="#555"') for n, note in enumerate(notes)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *frame(titles), *body, *footer, "</svg>", ""])


def frame(titles):
    parts = [text(20, 30, "Redacting archives in their own formats", "start", 17, ' font-weight="700"')]
    parts.append(text(20, 50, "MB of text a second of wall time; longer is faster", "start", 12, ' fill="#555"'))
    x = 20
    for name, title in titles.items():
        parts.append(f'<rect x="{x}" y="64" width="12" height="12" fill="{COLOURS[name]}"/>')
        parts.append(text(x + 17, 74, title, "start", 12))
        x += 40 + 7 * len(title)
    return parts


def text(x, y, words, anchor, font, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{font}"{more}>{html.escape(words)}</text>'
