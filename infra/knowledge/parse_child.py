"""The process that reads strangers' files: `python -m infra.knowledge.parse_child WALL CPU MEMORY`.

It forks for every document, so each is read by a process that has seen no other, with limits of its own, and all its
memory returns. Requests come on standard input, replies go to standard output: lengths, then JSON and bytes.
"""

import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any

from core.errors import InputError
from infra.knowledge.confine import Limits, confine, die_with, limit_time
from infra.knowledge.readers import read, warm
from infra.knowledge.readers.parsed import Parsed

REQUEST = struct.Struct("!II")  # bytes of JSON, bytes of the document
REPLY = struct.Struct("!I")
OUT_OF_MEMORY = 99  # exit code
NEARLY_ALL = 0.6  # of the memory limit resident at a crash: libraries written in C crash when they get no more
DEEPEST = 20_000  # Python calls: pages nest deeply, and Python's own limit is for finding mistakes
TOO_LARGE = "the document needs too much memory to read: split it and add the parts"
DAMAGED = "the document is damaged or too unusual to read: save it again, or as PDF, and add that"


def serve(reader: Callable[..., Parsed]) -> None:
    """Answer requests until standard input ends; ends itself when a document killed its reader."""
    limits = Limits(wall=float(sys.argv[1]), cpu=float(sys.argv[2]), memory=int(sys.argv[3]))
    confine(limits.memory)
    sys.setrecursionlimit(DEEPEST)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what a library prints must not reach the replies
        os.dup2(nothing, stream)
    parent = os.getpid()
    while head := requests.read(REQUEST.size):
        size, length = REQUEST.unpack(head)
        request = json.loads(requests.read(size))
        content = requests.read(length)
        warm(request["name"])
        child = os.fork()
        if child == 0:
            requests.close()
            die_with(parent)
            limit_time(limits)
            _reply(replies, _answer(reader, content, request))
            os._exit(0)
        _wait(child, limits)


def _answer(reader: Callable[..., Parsed], content: bytes, request: dict[str, str]) -> dict[str, Any]:
    try:
        parsed = reader(content, name=request["name"], media_type=request["media_type"])
    except InputError as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": TOO_LARGE}
    except Exception as error:  # noqa: BLE001 - whatever a library raises about a stranger's file, the file is at fault
        return {"error": DAMAGED, "detail": _place(error)}
    sections = [[section.anchor, section.markdown, section.above] for section in parsed.sections]
    return {"title": parsed.title, "media_type": parsed.media_type, "sections": sections, "links": parsed.links}


def _place(error: Exception) -> str:
    """Name the error and its line, never its text, which may quote the document."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} {where}"


def _reply(stream: int, reply: dict[str, Any]) -> None:
    body = json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace")
    view = memoryview(REPLY.pack(len(body)) + body)
    while view:
        view = view[os.write(stream, view) :]


def _wait(child: int, limits: Limits) -> None:
    """Wait for a document's reader; if it died, end with the shell's code for its signal."""
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        unit = 1 if sys.platform == "darwin" else 1024
        crowded = usage.ru_maxrss * unit > NEARLY_ALL * limits.memory
        os._exit(OUT_OF_MEMORY if crowded else 128 - code)
    if code:
        os._exit(code)


if __name__ == "__main__":
    serve(read)
