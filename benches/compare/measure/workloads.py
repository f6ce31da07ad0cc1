"""Logs made from a seed with their expected results, and other inputs for the programs."""

import dataclasses
import gzip
import hashlib
import pathlib
import random
import re
import string
import subprocess
import tomllib

LABEL = re.compile(rb"REDACTED-[a-z0-9-]+")
GONE = b"GONE"


@dataclasses.dataclass
class Workload:
    kind: str
    path: pathlib.Path
    size: int
    expected: bytes  # empty for raw logs, where nobody knows
    secrets: list

    @property
    def is_raw(self):
        return not self.expected

    @property
    def n_lines(self):
        return (self.path.read_bytes() if self.is_raw else self.expected).count(b"\n")

    @property
    def sha256(self):
        return hashlib.sha256(self.expected).hexdigest()


def make(built, kind, n_bytes, folder):
    folder = folder / f"{kind}-{n_bytes}"
    subprocess.run([built / "workload", kind, str(n_bytes), folder], check=True)
    secrets = (folder / "secrets").read_bytes().split(b"\n")
    return Workload(
        kind=kind,
        path=folder / "input",
        size=(folder / "input").stat().st_size,
        expected=(folder / "expected").read_bytes(),
        secrets=[secret for secret in secrets if secret],
    )


def make_raw(logs, n_bytes, folder):
    """The logs of a folder, one after the other, repeated up to the size."""
    folder = folder / f"raw-{n_bytes}"
    folder.mkdir()
    texts = [gzip.decompress(path.read_bytes()) for path in sorted(logs.glob("*.log.gz"))]
    texts += [path.read_bytes() for path in sorted(logs.glob("*.log"))]
    once = b"".join(text if text.endswith(b"\n") else text + b"\n" for text in texts)
    times = max(1, n_bytes // len(once))
    (folder / "input").write_bytes(once[:n_bytes].rsplit(b"\n", 1)[0] + b"\n" if times == 1 else once * times)
    return Workload("raw-logs", folder / "input", (folder / "input").stat().st_size, b"", [])


def make_hostile(built, n_bytes, folder):
    """Names of hostile inputs, with their two files; the plain text comes first."""
    subprocess.run([built / "workload", "hostile", str(n_bytes), folder / "hostile"], check=True)
    names = sorted({path.stem for path in (folder / "hostile").iterdir()} - {"plain"})
    return {name: (folder / "hostile" / f"{name}.line", folder / "hostile" / f"{name}.lines") for name in ["plain", *names]}


def write_more_rules(path, n_rules=280):
    """Token rules as a company might have them: a prefix of its own, then 20 to 40 characters of
    one class."""
    chance = random.Random(0x5EED)
    classes = {"[A-Za-z0-9]": string.ascii_letters + string.digits, "[a-f0-9]": "abcdef0123456789"}
    prefixes, entries = set(), []
    while len(entries) < n_rules:
        letters = "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 7)))
        prefix = letters + chance.choice("_-")
        if prefix in prefixes:
            continue
        prefixes.add(prefix)
        alphabet, length = chance.choice(list(classes)), chance.randint(20, 40)
        entries.append(entry(len(entries), prefix, alphabet, "".join(chance.choices(classes[alphabet], k=length)), length))
    path.write_text("\n".join(entries))
    return path


def entry(number, prefix, alphabet, body, length):
    name = {"[A-Za-z0-9]": "alnum", "[a-f0-9]": "hex"}[alphabet] + f":{length}"
    hits = "\n".join(f"    '{before}«{prefix}{{{name}}}»{after}'," for before, after in [("used ", " now"), ("got ", ""), ("", " ok")])
    return f"""[[rule]]
id       = "generated-{number}"
title    = "Generated token {number}"
class    = "credential"
severity = "high"
about    = "A token of a service that does not exist."
links    = ["https://example.com/"]
anchors  = ['{prefix}']
pattern  = '''(?<secret> {prefix.replace("-", chr(92) + "-")} {alphabet}{{{length}}} )'''
hit = [
{hits}
]
miss = ['{prefix} alone is none', 'the word {prefix} goes on', '{prefix}short']
"""


ALPHABETS = {
    "alnum": string.digits + string.ascii_letters,
    "alpha": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digits": string.digits,
    "hex": string.digits + "abcdef",
    "HEX": string.digits + "ABCDEF",
    "base32": string.ascii_uppercase + "234567",
    "base36": string.digits + string.ascii_lowercase,
    "BASE36": string.digits + string.ascii_uppercase,
    "base64": string.digits + string.ascii_letters,
    "base64url": string.digits + string.ascii_letters,
}


def write_hits(patterns, path):
    """Every `hit` of every rule file as a log, after which nearly every rule has fired. Returns the
    number of rules."""
    chance, n_rules = random.Random(0x5EED), 0
    with open(path, "w", newline="") as log:
        for file in sorted(patterns.glob("*.toml")):
            for rule in tomllib.loads(file.read_text()).get("rule", []):
                n_rules += rule["class"] != "personal"
                log.writelines(fill(hit, chance) + "\n" for hit in rule["hit"])
    return n_rules


def fill(hit, chance):
    def one(match):
        name, length = match.group(1), int(match.group(2) or 6)
        if name == "uuid":
            return "-".join("".join(chance.choices(ALPHABETS["hex"], k=n)) for n in (8, 4, 4, 4, 12))
        return "".join(chance.choices(ALPHABETS["alnum" if name == "crc32" else name], k=length))

    names = "|".join([*ALPHABETS, "crc32", "uuid"])
    return re.sub(rf"\{{({names})(?::(\d+))?\}}", one, hit).replace("«", "").replace("»", "")
