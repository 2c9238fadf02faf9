"""For gdb: each thread and each group of like goroutines of the process, a line each, most telling last.

Nothing is called in the process: whatever hangs may hold any lock. Lines begin with "@ ", to be told from gdb's own.
"""
import collections

import gdb

MOST_FRAMES, MOST_GROUPS = 9, 25


def say(text):
    print("@ " + text)


def place(pc, call=True):
    """function (file:line) of a return address"""
    at = pc - 1 if call else pc
    block = gdb.block_for_pc(at)
    while block and not block.function:
        block = block.superblock
    line = gdb.find_pc_line(at)
    if block and line.symtab:
        return "%s (%s:%d)" % (block.function, line.symtab.filename.rpartition("/")[2], line.line)
    text = gdb.execute("info symbol %d" % at, to_string=True).split(" in section")[0].strip()
    return text if not text.startswith("No symbol") else hex(pc)


def frames():
    frame, names = gdb.newest_frame(), []
    while frame and len(names) < MOST_FRAMES:
        line = frame.find_sal()
        name = frame.name() or hex(frame.pc())
        names.append("%s (%s:%d)" % (name, line.symtab.filename.rpartition("/")[2], line.line) if line.symtab else name)
        frame = frame.older()
    return names


def threads():
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        try:
            thread.switch()
            say("thread %d %s: %s" % (thread.ptid[1], thread.name, " < ".join(frames())))
        except gdb.error as e:
            say("thread %d: %s" % (thread.num, e))


def value(text):
    return gdb.parse_and_eval(text)


def number(text):
    return int(value(text))


def word(address):
    memory = gdb.selected_inferior().read_memory(address, 8)
    return int.from_bytes(bytes(memory), "little")


def stack(g):
    """Of a goroutine that was switched away: the chain of frame pointers."""
    sp, names = int(g["sp"]), []
    if not sp:
        return names
    try:
        names.append(word(sp + 8 * number("OAK__SWITCH_PC")))
        frame = word(sp + 8 * number("OAK__SWITCH_FRAME"))
        while len(names) < MOST_FRAMES and sp < frame < sp + (1 << 26):
            names.append(word(frame + 8))
            sp, frame = frame, word(frame)
    except gdb.error:
        pass
    return [place(pc) for pc in names if pc]


def name_of(kind, prefix, n):
    for field in gdb.lookup_type(kind).fields():
        if field.enumval == n:
            return field.name[len(prefix):].lower()
    return str(n)


def goroutines():
    slab = value("oak__g_slab")
    kind = gdb.lookup_type("struct oak__g")
    size = int(slab["object_size"])
    groups = collections.defaultdict(list)
    for i in range(int(slab["nchunks"])):
        chunk = slab["chunks"][i]
        for j in range(int(chunk["objects"])):
            if sum(map(len, groups.values())) > 5000:
                break
            g = gdb.Value(int(chunk["base"]) + j * size).cast(kind.pointer()).dereference()
            if not int(g["id"]) or not int(g["status"]):
                continue
            status = name_of("enum oak__g_status", "OAK__G_", int(g["status"]))
            what = "%s%s" % ("thread's stand-in " if int(g["kind"]) else "", status)
            if status == "running":
                what += " on thread %d" % int(g["m"].cast(gdb.lookup_type("struct oak__m").pointer())["tid"])
            if status == "waiting":
                phase = name_of("enum oak__wait_phase", "OAK__W_", int(g["wait"]) & 7)
                what += " (%s, %s) for %s" % (name_of("enum oak_wait_reason", "OAK_WAIT_", int(g["reason"])), phase,
                                              hex(int(g["wait_object"])))
            at = [] if status == "running" else stack(g)
            created = place(int(g["created_at"])) if int(g["created_at"]) else "?"
            groups[(what, " < ".join(at), created)].append(int(g["id"]))
    if len(groups) > MOST_GROUPS:
        say("%d more groups of goroutines" % (len(groups) - MOST_GROUPS))
    for (what, at, created), ids in sorted(groups.items(), key=lambda e: -len(e[1]))[:MOST_GROUPS]:
        say("%d goroutine%s %s%s %s: %s; created by %s" % (
            len(ids), "s"[len(ids) == 1:], ",".join(map(str, ids[:6])), ",..." if len(ids) > 6 else "", what, at or "-",
            created))


for part in threads, goroutines:
    try:
        part()
    except (gdb.error, gdb.MemoryError, ValueError) as e:
        say("(%s: %s)" % (part.__name__, e))
