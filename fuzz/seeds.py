#!/usr/bin/env python3
"""Writes seeds for a fuzz target: seeds.py TARGET FOLDER.

Seeds are the examples of patterns/*.toml with their placeholders filled, which are logs with secrets,
and the files themselves, which are rule files. The repository has no realistic tokens, so seeds are
made where they are used.
"""

import gzip
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


def msgpack(value):
    """Packs the msgpack types that a seed needs."""
    if isinstance(value, str):
        data = value.encode()
        return (bytes([0xA0 | len(data)]) if len(data) < 32 else b"\xda" + len(data).to_bytes(2, "big")) + data
    if isinstance(value, bytes):
        return b"\xc5" + len(value).to_bytes(2, "big") + value
    if isinstance(value, int):
        return b"\xce" + value.to_bytes(4, "big")
    if isinstance(value, dict):
        return bytes([0x80 | len(value)]) + b"".join(msgpack(part) for pair in value.items() for part in pair)
    return bytes([0x90 | len(value)]) + b"".join(map(msgpack, value))


def messages(folder, target):
    """Messages of the Forward protocol in every mode, or the entries in them."""
    record = {"log": "by alice@example.org", "logtag": "P", "password": "hunter22", "n": 7}
    entries = [[1700000000, record], [[1700000001, {"by": "bob@example.org"}], record | {"logtag": "F"}]]
    packed = b"".join(map(msgpack, entries))
    if target != "forward":
        (folder / "entries").write_bytes(packed)
        return
    options = {"chunk": "q83v", "size": 2}
    modes = [
        ["app", 1700000000, record, options],
        ["app", entries, options],
        ["app", packed],
        ["app", gzip.compress(packed), options | {"compressed": "gzip"}],
        ["app", packed, {"fluent_signal": 2}],
    ]
    for number, message in enumerate(modes):
        # First, how the input is cut.
        (folder / f"mode-{number}").write_bytes(b"\x07" + msgpack(message))


def main():
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if target in ("forward", "msgpack", "abi"):
        messages(folder, target)
        return
    for path in sorted(pathlib.Path(__file__).parent.parent.glob("patterns/*.toml")):
        text = path.read_text()
        if target == "rules":
            # One entry in each seed, so that mutations reach the few important keys.
            for number, entry in enumerate(text.split("[[rule]]")[1:]):
                (folder / f"{path.stem}-{number}").write_text("[[rule]]" + entry)
        elif target in ("split", "levels"):
            # Four read sizes and the buffer size come first, as the target expects.
            head = b"\x07\x00\x03\x01\x40\x05" if target == "split" else b""
            for rule in tomllib.loads(text)["rule"]:
                examples = rule.get("hit", []) + rule.get("miss", [])
                log = "\n".join(map(filled, examples)).encode()
                (folder / rule["id"]).write_bytes(head + log)


if __name__ == "__main__":
    main()
