"""usage: count.py TESTLOG.JSON [TITLE KEPT]: the results of one run of `meson test`.

Prints a line for each test that was skipped, with the reason that it gave, one "failed: NAME NAME...", if any, then "PASSED
FAILED SKIPPED". What the failed ones said is added to the file KEPT, for failures.py. Exit status 1 without output if
there is no such log.
"""
import json
import sys

try:
    lines = open(sys.argv[1], encoding="utf-8").read().splitlines()
except OSError:
    sys.exit(1)


def said(test):
    return (test.get("stdout", "") + "\n" + test.get("stderr", "")).strip().splitlines()


count = {"passed": 0, "failed": 0, "skipped": 0}
failed = []
for test in map(json.loads, lines):
    if test["result"] in ("OK", "EXPECTEDFAIL"):
        count["passed"] += 1
    elif test["result"] == "SKIP":
        count["skipped"] += 1
        print("skipped: %s: %s" % (test["name"], (said(test) or ["it gave no reason"])[-1]))
    else:
        count["failed"] += 1
        failed.append(test)

if failed and len(sys.argv) > 3:
    with open(sys.argv[3], "a", encoding="utf-8") as kept:
        for test in failed:
            how = "%s after %d s, exit status %s" % (test["result"], test["duration"], test["returncode"])
            json.dump({"title": "%s: %s: %s" % (sys.argv[2], test["name"].split(" / ")[-1], how), "said": said(test)}, kept)
            kept.write("\n")
if failed:
    print("failed:", " ".join(test["name"].split(" / ")[-1] for test in failed))
print(count["passed"], count["failed"], count["skipped"])
