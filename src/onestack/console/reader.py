"""The reader's process: questions as lines of JSON on its standard input, answers on its standard output.

A question is {id, read, given}; an answer {id, data} or {id, error}. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from onestack.core.errors import OneStackError

THREADS = 16
"""Reads at a time: some may hang until the console kills them all."""


def serve(questions: TextIO, answers: TextIO, root: str, cache: str) -> None:
    """Answer until there are no more questions."""
    from onestack.cloud import Cloud
    from onestack.console.reads import Reads

    reads = Reads(Cloud(root, cache=cache))
    guard = threading.Lock()

    def answer(question: dict[str, Any]) -> None:
        said: dict[str, Any] = {"id": question["id"]}
        try:
            said["data"] = reads.call(question["read"], question["given"])
        except OneStackError as error:
            said["error"] = error.as_dict()
        except Exception as error:  # whatever it is, the page says so and the others go on
            said["error"] = {"error": f"{type(error).__name__}: {error}"}
        line = json.dumps(said, default=str)
        with guard:
            answers.write(line + "\n")
            answers.flush()

    with ThreadPoolExecutor(THREADS, thread_name_prefix="read") as pool:
        for line in questions:
            pool.submit(answer, json.loads(line))
        # A read that hangs must not keep the process.
        os._exit(0)


def main(root: str, cache: str) -> None:
    """Serve on the standard streams. What a library prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers, root, cache)


if __name__ == "__main__":
    main(*sys.argv[1:3])
