"""The plugin's own check of a frame of states, beside the general validator for JSON Schema.

Usage: python validator.py WORLD JSONSCHEMA < frame.json

WORLD is the folder of the plugin, JSONSCHEMA the one that the library was installed into. Prints
the milliseconds of CPU that each takes for the frame: the least of many times.
"""

import json
import sys
import time
from collections.abc import Callable

_TIMES = 15


def least_ms(check: Callable[[], object]) -> float:
    """The least of the times that a check takes."""
    took = []
    for _ in range(_TIMES):
        started = time.process_time()
        check()
        took.append(time.process_time() - started)
    return 1000 * min(took)


def main(world: str, library: str) -> None:
    """Check that both find nothing wrong with the frame, then measure both."""
    sys.path[:0] = [world, library]
    from evennia_towerwatch.protocol import SCHEMA_FILE, load_protocol
    from jsonschema import Draft202012Validator

    frame = json.load(sys.stdin)
    ours = load_protocol().watch["tower_state"]
    schema = json.loads(SCHEMA_FILE.read_text("utf-8"))["watch"]["tower_state"]
    theirs = Draft202012Validator(schema)
    if ours(frame, "frame") is not None or not theirs.is_valid(frame):
        raise SystemExit("the frame is not valid, so nothing was measured")
    found = {
        "ours": least_ms(lambda: ours(frame, "frame")),
        "theirs": least_ms(lambda: theirs.is_valid(frame)),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
