"""Runs a program and leaves in files what it prints, how long it took and how much memory it had at most;
and how much of the processors others took meanwhile, which tells whether the figures can be believed.

`launch.py LIMIT REPORT PRINTED PROGRAM ARGUMENTS...` ends with the program's status, and ends the program after
LIMIT seconds. The clock runs from before the program is started until it has ended. Memory is the largest resident
set that the system saw; the system counts that of this small program before the other takes its place.
"""

import json
import os
import signal
import sys
import time

limit, report, printed, *command = sys.argv[1:]


def give_up(*_):
    os.kill(child, signal.SIGKILL)
    sys.exit(f"error: stopped after {limit} s")


def busy():
    """Seconds of processor time that everybody has taken, the machine's owner included; None where unknown."""
    try:
        with open("/proc/stat") as file:
            user, nice, system, _, _, interrupts, soft, steal = map(int, file.readline().split()[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
before = busy()
start = time.monotonic()
child = os.posix_spawnp(
    command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, printed, flags, 0o600)]
)
signal.signal(signal.SIGALRM, give_up)
signal.alarm(int(limit))
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - start
others = None
if before is not None:
    own = usage.ru_utime + usage.ru_stime
    others = max(0.0, busy() - before - own) / (seconds * os.cpu_count())
code = os.waitstatus_to_exitcode(status)
if code < 0:
    sys.exit(f"error: ended by {signal.Signals(-code).name}")
# Linux counts in units of 1024 bytes, macOS in bytes.
peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
with open(report, "w") as file:
    json.dump({"wall": seconds, "peak": peak, "others": others}, file)
sys.exit(code)
