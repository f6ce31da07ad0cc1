"""The fault of an output, or None. A wrong output is a failure and not a figure."""

from workloads import GONE, LABEL


def exact(workload, out):
    if not workload.expected:
        return lines(workload, out)
    made = LABEL.sub(GONE, out)
    if made == workload.expected:
        return None
    at = next((n for n, (a, b) in enumerate(zip(made.split(b"\n"), workload.expected.split(b"\n"))) if a != b), None)
    return f"the output is not the expected one; the first line that differs is {at}"


def same(workload, out):
    return None if out == workload.path.read_bytes() else "the output is not the input"


def lines(workload, out):
    """Checks the number of lines. For raw logs nothing else is known."""
    n_lines = out.count(b"\n")
    return None if n_lines == workload.n_lines else f"{n_lines} lines instead of {workload.n_lines}"


def secrets(workload, out):
    n_left = left(workload, out)
    return f"{n_left} planted secrets are left" if n_left else lines(workload, out)


def left(workload, out):
    """How many planted secrets are still in their line."""
    secrets = iter(workload.secrets)
    n_left = 0
    for expected, made in zip(workload.expected.split(b"\n"), out.split(b"\n")):
        for _ in range(expected.count(GONE)):
            n_left += next(secrets) in made
    return n_left


BY_NAME = {"exact": exact, "same": same, "secrets": secrets, "lines": lines}
