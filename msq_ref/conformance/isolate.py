"""Run a backend in a process of its own: one that crashes or hangs is reported, not believed."""

from __future__ import annotations

import itertools
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from msq_ref.conformance.loading import declarations, load_backend
from msq_ref.conformance.record import Record, record_of
from msq_ref.conformance.suite import case_ids, run_operation

__all__ = ["main", "probe", "run_isolated"]

GRACE = 20.0
"""Seconds beyond the limit of a call before its process is ended: imports, compilation."""

RESTARTS = 20
"""Processes that an operation may use up."""


def probe(target: str) -> dict[str, bool]:
    """Return the declarations of a backend that is loaded in another process.

    Raises
    ------
    ValueError
        In one line, if it cannot be loaded there.
    """
    done = subprocess.run(
        [sys.executable, "-m", "msq_ref.conformance.isolate", target],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    last = done.stdout.splitlines()[-1:] or ["{}"]
    try:
        message = json.loads(last[0])
    except json.JSONDecodeError:
        message = {}
    if done.returncode or "validates" not in message:
        reason = message.get("error", f"it ended the process, exit code {done.returncode}")
        raise ValueError(f"MODULE = {target!r}: cannot be loaded ({reason})")
    return dict(message)


def run_isolated(
    target: str, name: str, level: str, seed: int, limit: float
) -> Iterator[Record]:
    """Yield the records of an operation; those of `run_operation`, from a process of its own.

    After a crash or a hang the next process goes on behind the case that caused it.
    """
    done = 0
    for _ in range(RESTARTS):
        ended = ""
        for message in _worker(target, name, level, seed, limit, done):
            if "ended" in message:
                ended = message["ended"]
            else:
                done += 1
                message["clauses"] = tuple(message["clauses"])
                yield Record(**message)
        if not ended:
            return
        id = next(itertools.islice(case_ids(name, level, seed), done, None), f"{name}/properties")
        yield Record(id, "failed", ended)
        done += 1
        if id.endswith("/properties"):
            return
    yield Record(f"{name}/given-up", "failed", f"given up after {RESTARTS} processes")


def _worker(
    target: str, name: str, level: str, seed: int, limit: float, skip: int
) -> Iterator[dict[str, Any]]:
    """Start a process and yield its messages; a last one says how it ended if it was not well."""
    reading, writing = os.pipe()
    arguments = [target, name, level, str(seed), str(limit), str(skip), str(writing)]
    with subprocess.Popen(
        [sys.executable, "-m", "msq_ref.conformance.isolate", *arguments],
        pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process, open(reading, "rb") as stream:  # fmt: skip
        os.close(writing)
        whole = False
        for line in _lines(stream, limit + GRACE):
            if line is None:
                process.kill()
                process.wait()
                yield {"ended": f"no answer within {limit:g} s; its process was ended"}
                return
            message = json.loads(line)
            if message == "whole":
                whole = True
            else:
                yield message
        code = process.wait()
        if not whole:
            how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            yield {"ended": f"ended the process ({how})"}


def _lines(stream: Any, patience: float) -> Iterator[bytes | None]:
    """Yield lines until the end; None if the next takes longer than it may."""
    selector = selectors.DefaultSelector()
    selector.register(stream, selectors.EVENT_READ)
    pending = b""
    deadline = time.monotonic() + patience
    while True:
        if not selector.select(max(0.0, deadline - time.monotonic())):
            yield None
            return
        chunk = os.read(stream.fileno(), 1 << 16)
        if not chunk:
            return
        pending += chunk
        *lines, pending = pending.split(b"\n")
        for line in lines:
            deadline = time.monotonic() + patience
            yield line


def main(arguments: list[str]) -> None:
    """Be the process: probe the backend, or run an operation and send a line per record."""
    target, *rest = arguments
    if not rest:
        try:
            print("\n" + json.dumps(declarations(load_backend(target))))
        except ValueError as error:
            print("\n" + json.dumps({"error": str(error)}))
        return
    name, level, seed, limit, skip, writing = rest
    with open(int(writing), "w", encoding="utf-8") as stream:
        results = run_operation(
            load_backend(target), name, level, int(seed), float(limit), int(skip)
        )
        for result in results:
            stream.write(json.dumps(record_of(result, target).as_dict()) + "\n")
            stream.flush()
        stream.write('"whole"\n')


if __name__ == "__main__":
    main(sys.argv[1:])
