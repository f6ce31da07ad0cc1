"""A bar chart of the engines' speed as SVG, on a logarithmic scale. Rectangles need no library."""

import html
import math

SERIES = {"clean": "#2b6cb0", "one-percent": "#dd8a2e", "every-line": "#8a8f98"}
NAMES = {"clean": "no secret", "one-percent": "a secret in 1 % of lines", "every-line": "a secret in every line"}
WIDTH, LEFT, RIGHT, BAR, GAP = 960, 290, 90, 13, 12


def throughput(figures, engines, title, notes):
    """`figures` are those of several workloads; engines are sorted by the first of them."""
    kinds = [kind for kind in SERIES if kind in figures]
    order = sorted(figures[kinds[0]], key=lambda name: -figures[kinds[0]][name].speed)
    low, high = scale([figure.speed for kind in kinds for figure in figures[kind].values()])
    body, y = [], 92
    tops = y
    for name in order:
        group = [kind for kind in kinds if name in figures[kind]]
        middle = y + len(group) * BAR / 2
        weight = ' font-weight="700"' if name == "logscrub" else ""
        body.append(text(LEFT - 10, middle + 4, engines[name].title, "end", 13, weight))
        for kind in group:
            speed = figures[kind][name].speed
            length = (math.log10(speed) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
            body.append(f'<rect x="{LEFT}" y="{y}" width="{max(length, 1):.1f}" height="{BAR - 2}" fill="{SERIES[kind]}"/>')
            body.append(text(LEFT + max(length, 1) + 5, y + BAR - 4, f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}", "start", 11))
            y += BAR
        y += GAP
    return document(y, [*frame(low, high, tops, y, kinds, title), *body, *footer(y, notes)], len(notes))


def scale(speeds):
    return math.floor(math.log10(min(speeds))), math.log10(max(speeds) * 1.05)


def frame(low, high, top, bottom, kinds, title):
    parts = [text(20, 30, title, "start", 17, ' font-weight="700"'), text(20, 50, "MB/s of CPU time, logarithmic scale; longer is faster", "start", 12, ' fill="#555"')]
    x = 20
    for kind in kinds:
        parts.append(f'<rect x="{x}" y="62" width="12" height="12" fill="{SERIES[kind]}"/>')
        parts.append(text(x + 17, 72, NAMES[kind], "start", 12))
        x += 215
    for power in range(math.ceil(low), math.floor(high) + 1):
        x = LEFT + (power - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        parts.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{bottom}" stroke="#d5d9de"/>')
        parts.append(text(x, bottom + 14, f"{10**power:,}", "middle", 11, ' fill="#555"'))
    return parts


def footer(bottom, notes):
    return [text(20, bottom + 40 + 16 * n, note, "start", 11, ' fill="#555"') for n, note in enumerate(notes)]


def text(x, y, words, anchor, size, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{more}>{html.escape(words)}</text>'


def document(bottom, parts, n_notes):
    height = bottom + 45 + 16 * n_notes
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="DejaVu Sans, Verdana, Helvetica, Arial, sans-serif" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>', *parts, "</svg>", ""])
