"""Reads a profile (profile.proto) that `oakum leaks --pprof` has written, and asserts what is in it.
usage: profile.py FILE LEAKED FUNCTION SOURCE"""
import gzip, sys


def fields(data):
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, key
            n = varint()
            assert at + n <= len(data)
            yield key >> 3, data[at : at + n]
            at += n


def numbers(data):
    return [v for _, v in fields(b"".join(b"\x08" + bytes(p) for p in split(data)))]


def split(data):
    part = []
    for byte in data:
        part.append(byte)
        if byte < 0x80:
            yield part
            part = []
    assert not part


def read(data):
    all_of = {}
    for field, value in fields(data):
        all_of.setdefault(field, []).append(value)
    return all_of


p = read(gzip.open(sys.argv[1]).read())
leaked, function_name, source = int(sys.argv[2]), sys.argv[3], sys.argv[4]
strings = [s.decode() for s in p[6]]
assert strings[0] == "" and len(set(strings)) == len(strings)
one = lambda m, f: m.get(f, [0])[0]
text = lambda m, f: strings[one(m, f)]
types = [read(t) for t in p[1]]
assert [(text(t, 1), text(t, 2)) for t in types] == [("goroutineleak", "count")], types
period = read(p[11][0])
assert (text(period, 1), text(period, 2), p[12]) == ("goroutineleak", "count", [1])
assert one(p, 9) > 1_600_000_000 * 10**9
mappings = {one(m, 1): m for m in map(read, p[3])}
functions = {one(f, 1): f for f in map(read, p[5])}
locations = {one(l, 1): l for l in map(read, p[4])}
for location in locations.values():
    mapping = mappings[one(location, 2)]
    assert one(mapping, 2) <= one(location, 3) < one(mapping, 3)
total = 0
for sample in map(read, p[2]):
    (value,) = numbers(sample[2][0])
    total += value
    stack = []
    for id in numbers(sample[1][0]):
        for line in map(read, locations[id].get(4, [])):
            stack.append((text(functions[one(line, 1)], 2), text(functions[one(line, 1)], 4), one(line, 2)))
    assert stack[0][0] == "oak_send", stack
    assert any(name == function_name and file.endswith(source) and line > 0 for name, file, line in stack), stack
    labels = {text(l, 1): text(l, 2) or one(l, 3) for l in map(read, sample.get(3, []))}
    assert labels["wait_reason"] == "chan send" and labels["retained"] > 0, labels
    assert labels["created_by"].startswith("leak ("), labels
assert total == leaked, total
