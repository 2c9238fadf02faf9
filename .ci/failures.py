"""usage: failures.py KEPT     what failed tests and steps said last, as count.py and `failures.py KEPT TITLE LOG` put it there

Bounded, because only the end of a long output is looked at: all together some MOST lines, each failure at most EACH, and
lines are cut off.
"""
import json
import sys

MOST, EACH, FEWEST, WIDTH = 50, 25, 6, 500


def show(kept):
    try:
        failures = [json.loads(line) for line in open(kept, encoding="utf-8")]
    except OSError:
        return
    if not failures:
        return
    print("==== what failed said last")
    shown = failures[:max(1, MOST // FEWEST)]
    room = min(EACH, MOST // len(shown) - 1)
    for failure in shown:
        print("-- " + failure["title"])
        for line in failure["said"][-room:]:
            print("   " + (line if len(line) <= WIDTH else line[:WIDTH] + "..."))
    if failures[len(shown):]:
        print("-- and also: " + "; ".join(failure["title"] for failure in failures[len(shown):])[:2000])


def keep(kept, title, log):
    with open(log, encoding="utf-8", errors="replace") as f:
        last = f.read().splitlines()[-EACH:]
    with open(kept, "a", encoding="utf-8") as f:
        json.dump({"title": title, "said": last}, f)
        f.write("\n")


if len(sys.argv) == 2:
    show(sys.argv[1])
else:
    keep(*sys.argv[1:])
