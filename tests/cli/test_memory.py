from __future__ import annotations

import subprocess
import sys


def test_the_collector_is_set_and_cycles_still_go() -> None:
    """In a process of its own: the setting is the process's."""
    program = """
import gc, weakref
from scanner.cli.memory import settled_memory
before = gc.get_threshold()
settling = settled_memory()
settling.__enter__()
assert gc.isenabled() and gc.get_threshold()[0] > 700 and gc.get_freeze_count() > 0
class Node: pass
node = Node(); node.self = node
gone = weakref.ref(node)
del node
for _ in range(200_000): keep = [[] for _ in range(2)]
kept = [[] for _ in range(60_000)]
assert gone() is None
settling.__exit__(None, None, None)
assert gc.get_threshold() == before and gc.get_freeze_count() == 0
"""
    subprocess.run([sys.executable, "-c", program], check=True)
