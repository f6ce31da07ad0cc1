"""The compared programs: from their data in cases.toml to commands, or the reason why one cannot
run."""

import dataclasses
import pathlib
import shutil
import subprocess
import sys


@dataclasses.dataclass
class Engine:
    name: str
    title: str
    rules: str
    command: list
    line: list  # the command that passes each line on at once
    answer: str
    apart: bool  # figures leave the start-up out


class Places:
    """The values of the words in braces."""

    def __init__(self, arguments, folder, more):
        here = pathlib.Path(__file__).resolve().parent.parent
        self.scripts = here / "peers" / "scripts"
        self.patterns = here.parent.parent / "patterns"
        self.logscrub, self.built, self.peers = arguments.bin, arguments.built, arguments.peers
        self.rules = folder / "rules"
        self.more = more

    def words(self, command):
        words = []
        for word in command:
            if word == "{twenty}":
                words += [part for pattern in self.twenty() for part in ("-e", pattern)]
            else:
                words.append(word.format(**{name: str(place) for name, place in vars(self).items()}))
        return words

    def twenty(self):
        """The left sides of the substitutions, each written with one delimiter throughout."""
        text = (self.scripts / "twenty.sed").read_text()
        return [line.split(line[1])[1] for line in text.splitlines() if line.startswith("s")]

    def write_rules(self):
        """Rules for programs in other languages: one file with whole patterns, one with shortened
        ones."""
        said = subprocess.run([self.built / "rules", self.patterns], capture_output=True, text=True, check=True).stdout
        self.rules.with_name("rules.short").write_text(said)
        parts = [line.split("\t") for line in said.splitlines()]
        self.rules.write_text("".join("\t".join([name, exact, exact, near]) + "\n" for name, _, exact, near in parts))
        return len(parts)


def choose(cases, places, wanted):
    """Engines that can run, by name, and why others cannot. `wanted` is None for all that are
    installed."""
    engines, left_out = {}, {}
    for data in cases["engine"]:
        name = data["name"]
        if wanted is not None and name not in wanted and name not in ("logscrub", "cat"):
            continue
        command = places.words(data["command"])
        if shutil.which(command[0]) is None:
            left_out[name] = "not built: --engines all, or libvectorscan-dev is missing" if "build" in data else "not installed"
            continue
        line = places.words(data.get("line", data["command"]))
        engines[name] = Engine(
            name, data["title"], data["rules"], command, line, data["answer"], data.get("apart", False)
        )
    if "logscrub" not in engines:
        sys.exit(f"benches/compare: {places.logscrub}: no such program; build it, or name another with --bin FILE")
    return engines, left_out


def versions(engines):
    """The versions of the system's programs."""
    asks = {"sed": ["sed", "--version"], "rg": ["rg", "--version"], "perl": ["perl", "-v"], "mawk": ["mawk", "-W", "version"], "cat": ["cat", "--version"]}
    said = {}
    for name in engines:
        if name in asks:
            text = subprocess.run(asks[name], capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
            said[name] = next((line.strip() for line in text.splitlines() if line.strip()), name)
    return said
