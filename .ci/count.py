"""usage: count.py TESTLOG.JSON: the results of one run of `meson test`.

Prints a line for each test that was skipped, with the reason that it gave, then "PASSED FAILED SKIPPED". Exit status 1
without output if there is no such log.
"""
import json
import sys

try:
    lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
except OSError:
    sys.exit(1)

count = {"passed": 0, "failed": 0, "skipped": 0}
for test in map(json.loads, lines):
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        count["passed"] += 1
    elif test["result"] == "SKIP":
        count["skipped"] += 1
        said = (test.get("stdout", "") + test.get("stderr", "")).strip().splitlines()
        print("skipped: %s: %s" % (test["name"], said[-1] if said else "it gave no reason"))
    else:
        count["failed"] += 1
print(count["passed"], count["failed"], count["skipped"])
