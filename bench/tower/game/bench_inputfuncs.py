"""Added to the test game's INPUT_FUNC_MODULES: what a frame costs that nobody looks at."""

from typing import Any


def bench_nothing(session: Any, *args: Any, **kwargs: Any) -> None:
    """Take a frame and do nothing about it."""
