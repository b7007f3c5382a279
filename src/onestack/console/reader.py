"""A reader's process: questions as lines of JSON on its standard input, answers on its standard output.

A question is {id, read, given}; an answer {id, data} or {id, error}. It ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

from onestack.core.errors import OneStackError
from onestack.core.paths import Paths

THREADS = 16
"""Reads at a time: some may hang until the console kills them all."""


def serve(questions: TextIO, answers: TextIO, reads: object) -> None:
    """Answer until there are no more questions. `reads`: an object with a method for each read."""
    guard = threading.Lock()

    def answer(question: dict[str, Any]) -> None:
        said: dict[str, Any] = {"id": question["id"]}
        try:
            said["data"] = getattr(reads, question["read"])(**question["given"])
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


def main(kind: str, root: str, cache: str) -> None:
    """Serve on the standard streams. What a library prints goes to standard error. `kind`: here or apis."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # A late import: what the other kind needs is not in this process's memory.
    module = importlib.import_module(f"onestack.console.reads_{kind}")
    serve(sys.stdin, answers, module.Reads(Paths.at(root, cache)))


if __name__ == "__main__":
    main(*sys.argv[1:4])
