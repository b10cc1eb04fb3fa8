#!/usr/bin/env python3
"""300 KiB that compress about as code does, and the sum that stage1.c computes over them, as assembly."""
import struct
import sys

x, out = 1, bytearray()
while len(out) < 300 << 10:
    x = (x * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
    if len(out) > 64 and x >> 60 < 11:
        d, n = (x >> 33) % min(len(out), 5000) + 1, (x >> 20) % 24 + 4
        for _ in range(n):
            out.append(out[-d])
    else:
        out += struct.pack("<I", x >> 32)
out = out[:300 << 10]
s = 0
for (w,) in struct.iter_unpack("<I", out):
    s = ((s << 5 | s >> 27) & 0xffffffff) ^ w
out += struct.pack("<I", s)
with open(sys.argv[1], "wb") as f:
    f.write(out)
