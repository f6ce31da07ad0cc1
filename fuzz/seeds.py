#!/usr/bin/env python3
"""Writes seeds for a fuzz target: seeds.py TARGET FOLDER.

The examples of patterns/*.toml, with their placeholders filled, are logs that hold secrets; the files themselves are rule
files. Nothing realistic stands in the repository, so seeds are made where they are used.
"""

import pathlib
import random
import re
import string
import sys
import tomllib

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "base62": string.ascii_letters + string.digits,
    "alpha": string.ascii_letters,
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "HEX": "0123456789ABCDEF",
    "base64": string.ascii_letters + string.digits + "+/",
    "base64url": string.ascii_letters + string.digits + "-_",
    "base32": string.ascii_uppercase + "234567",
    "base36": string.ascii_lowercase + string.digits,
    "BASE36": string.ascii_uppercase + string.digits,
}
PLACEHOLDER = re.compile(r"\{(" + "|".join(ALPHABETS) + r"):(\d+)\}|\{(uuid|crc32)\}")


def filled(text):
    chars = random.Random(text)

    def fill(match):
        alphabet, length, name = match.groups()
        if alphabet:
            return "".join(chars.choices(ALPHABETS[alphabet], k=int(length)))
        if name == "uuid":
            return "-".join("".join(chars.choices(ALPHABETS["hex"], k=k)) for k in (8, 4, 4, 4, 12))
        return "".join(chars.choices(ALPHABETS["alnum"], k=6))

    return PLACEHOLDER.sub(fill, text).replace("«", "").replace("»", "")


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    for path in sorted(pathlib.Path(__file__).parent.parent.glob("patterns/*.toml")):
        text = path.read_text()
        if target == "rules":
            # One entry a seed, so that a mutation meets the few keys that matter.
            for number, entry in enumerate(text.split("[[rule]]")[1:]):
                (folder / f"{path.stem}-{number}").write_text("[[rule]]" + entry)
        elif target in ("split", "levels"):
            # Four sizes of reads and one of the buffer first, as the target takes its input apart.
            head = b"\x07\x00\x03\x01\x40\x05" if target == "split" else b""
            for rule in tomllib.loads(text)["rule"]:
                examples = rule.get("hit", []) + rule.get("miss", [])
                log = "\n".join(map(filled, examples)).encode()
                (folder / rule["id"]).write_bytes(head + log)


if __name__ == "__main__":
    main()
