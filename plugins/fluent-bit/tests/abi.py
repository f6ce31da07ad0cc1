"""Uses logscrub through ctypes: abi.py LIBRARY."""

import ctypes
import sys
import threading

lib = ctypes.CDLL(sys.argv[1])
lib.logscrub_new.restype = ctypes.c_void_p
lib.logscrub_new_error.restype = ctypes.c_char_p
lib.logscrub_error.restype = ctypes.c_char_p
lib.logscrub_findings.restype = ctypes.c_uint64
for name in ("scrub", "error", "findings", "free"):
    getattr(lib, "logscrub_" + name).argtypes = [ctypes.c_void_p] + [None] * 0
lib.logscrub_scrub.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p]


def flags(*texts):
    return (ctypes.c_char_p * len(texts))(*(text.encode() for text in texts)), ctypes.c_size_t(len(texts))


def scrub(scrubber, text):
    out, length = ctypes.c_void_p(), ctypes.c_size_t()
    answer = lib.logscrub_scrub(scrubber, text, len(text), ctypes.byref(out), ctypes.byref(length))
    clean = ctypes.string_at(out, length.value) if out else None
    lib.logscrub_free_output(out)
    return answer, clean


assert lib.logscrub_new(*flags("--nonsense")) is None
assert b"--nonsense" in lib.logscrub_new_error(), lib.logscrub_new_error()
scrubber = lib.logscrub_new(*flags("--config", "none"))
assert scrub(scrubber, b"plain \0 \xff\n") == (0, None)


def work(number):
    for _ in range(200):
        assert scrub(scrubber, b"%d by bob@example.org\r\n" % number) == (1, b"%d by REDACTED-email\r\n" % number)


threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert lib.logscrub_findings(scrubber) == 800
lib.logscrub_free(scrubber)
print("done")
