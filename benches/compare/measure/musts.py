"""The acceptance rows: each takes a value from the results and compares it with the target of the
level."""

from rounds import quantile


def rows(musts, results, level, judged):
    made = []
    for must in musts:
        value, text, unit, at_least = VALUES[must["what"]](must, results)
        target = must.get(level)
        made.append({
            "what": text,
            "measured": "not measured" if value is None else shown(value, unit),
            "target": "none" if target is None else f"{'≥' if at_least else '≤'} {shown(target, unit)}",
            "verdict": verdict(value, target, at_least) if judged else "not judged",
        })
    return made


def shown(value, unit):
    return f"{value:.{2 if value < 10 else 1}f} {unit}"


def verdict(value, target, at_least):
    if value is None or target is None:
        return ""
    if value >= target if at_least else value <= target:
        return "met"
    return f"missed: {value / target:.0%} of the target" if at_least else f"missed: {value / target:.2f} times the limit"


def speed(must, results):
    engine, against = must.get("engine", "logscrub"), must["against"]
    figures = results["throughput"].get(must["workload"], {})
    value = figures[engine].speed / figures[against].speed if engine in figures and against in figures else None
    return value, f"{must['workload']}: speed of {engine} beside {against}", "×", True


def pipe(must, results):
    figures = results["pipes"].get(must["workload"])
    value = figures["logscrub"].cpu / figures["cat"].cpu if figures else None
    return value, f"cat F \\| X \\| cat, {must['workload']}: CPU of logscrub beside cat", "×", False


def threads(_must, results):
    figures = results["threads"]
    return figures and figures[1].wall / figures[2].wall, "--threads 2 beside --threads 1, wall time, clean", "×", True


def resident(key, text):
    return lambda _must, results: (results[key], text, "MiB", False)


def start(_must, results):
    starts = results["starts"]
    # Processor time: there is nothing to wait for, and other guests disturb it less.
    value = (starts["logscrub"].cpu - starts["cat"].cpu) * 1e3 if starts else None
    return value, "start-up on empty input, more than cat, CPU", "ms", False


def latency(_must, results):
    took = results["latencies"].get("logscrub")
    return quantile(took, 0.99) * 1e3 if took else None, "latency of a lone line, p99", "ms", False


def hostile(_must, results):
    ratios = results["hostile"]
    worst = next(iter(ratios), None)
    return ratios[worst].times if worst else None, f"hostile input, the worst{f' ({worst[0]}, {worst[1]})' if worst else ''}", "×", False


VALUES = {
    "speed": speed,
    "pipe": pipe,
    "threads": threads,
    "clean-resident": resident("clean_resident", "resident memory, clean log, one thread"),
    "fired-resident": resident("fired_resident", "resident memory after every rule has fired"),
    "start": start,
    "latency": latency,
    "hostile": hostile,
}
