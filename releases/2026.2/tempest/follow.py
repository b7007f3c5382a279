"""Runs Tempest in a folder and says what comes of each test, as it comes: one JSON object a line.

    python3 follow.py FOLDER REGEX CONCURRENCY

It runs in Tempest's own environment, where the libraries are that read its stream of results; the tool
reads the lines. The folder holds `tempest.conf`; Tempest's records and log stay in it.
"""

import json
import os
import subprocess
import sys

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


def main():
    folder, regex, concurrency = sys.argv[1:]
    os.chdir(folder)
    words = [
        "run",
        "--config-file",
        "tempest.conf",
        "--regex",
        regex,
        "--concurrency",
        concurrency,
        "--subunit",
    ]
    tempest = subprocess.Popen(
        [sys.executable, "-m", "tempest.cmd.main", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    tests = testtools.StreamToDict(lambda test: say(told(test)) if test["id"] else None)
    tests.startTestRun()
    subunit.ByteStreamToStreamResult(tempest.stdout, non_subunit_name="stdout").run(tests)
    tests.stopTestRun()
    say({"ended": tempest.wait()})


if __name__ == "__main__":
    main()
