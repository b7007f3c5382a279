"""Runs a suite of tests in a folder and says what comes of each test, as it comes: one JSON object a line.

    python3 follow.py FOLDER WORD...

The words, given to this Python, run tests and write subunit to standard output. It runs in the suite's own
environment, where the libraries are that read such a stream; the tool reads the lines. It ends the suite when
its standard input is closed, so that no test outlives the tool, however that ends.
"""

import json
import os
import signal
import subprocess
import sys
import threading

import subunit
import testtools

# A traceback is for a person; the whole of it is in the folder's records.
DETAIL_CHARACTERS = 3000


def told(test):
    """A test as data: its id, status (exists, success, skip, fail, …), seconds, reason or traceback."""
    begun, ended = test["timestamps"]
    seconds = (ended - begun).total_seconds() if begun and ended else None
    details = test["details"]
    reason = details["reason"].as_text() if "reason" in details else ""
    traces = [part.as_text() for name, part in details.items() if name.startswith("traceback")]
    data = {
        "id": test["id"],
        "status": test["status"],
        "seconds": seconds,
        "reason": reason.strip(),
        "detail": "\n".join(traces).strip()[-DETAIL_CHARACTERS:],
    }
    return {key: value for key, value in data.items() if value not in (None, "")}


def say(data):
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def end_with_the_tool():
    """Wait until whoever started this is gone, then end all of its process group."""
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main():
    folder, *words = sys.argv[1:]
    os.chdir(folder)
    threading.Thread(target=end_with_the_tool, daemon=True).start()
    suite = subprocess.Popen([sys.executable, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    tests = testtools.StreamToDict(lambda test: say(told(test)) if test["id"] else None)
    tests.startTestRun()
    subunit.ByteStreamToStreamResult(suite.stdout, non_subunit_name="stdout").run(tests)
    tests.stopTestRun()
    say({"ended": suite.wait()})


if __name__ == "__main__":
    main()
