"""Sends records to the hop with fluent-logger, each of its senders in turn: forward.py HOST:PORT SOCKET."""

import sys

from fluent import asyncsender, sender

N_RECORDS = 50
address, socket = sys.argv[1:]
host, port = address.split(":")
for kind in (sender, asyncsender):
    for place in ({"host": host, "port": int(port)}, {"host": "unix://" + socket}):
        for is_precise in (False, True):
            logger = kind.FluentSender("py", nanosecond_precision=is_precise, **place)
            for n in range(N_RECORDS):
                record = {"n": n, "log": f"from user{n}@example.org", "float": 1.5, "none": None}
                if not logger.emit("x", record):
                    sys.exit(f"record {n} was not taken")
            logger.close()
