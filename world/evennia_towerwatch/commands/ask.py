"""Operations that the watch answers."""

from typing import Any

from evennia_towerwatch.appearance import duration
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.escape import escape

from .base import TowerCommand


class AskCommand(TowerCommand):
    """Asks the watch, and says so at once when it isn't there."""

    def run(self, arguments: dict[str, str], account: Any) -> None:
        """The answer comes as `tower_result`, to all sessions of the account."""
        problem = BRIDGE.problem()
        if problem is not None:
            self.tell(problem)
            return
        name, deadline_ms = self.operation["name"], self.operation["deadlineMs"]
        # A reason or a comment is anything at all, and it is shown to all sessions of the account.
        what = escape(" ".join([name, *map(_said, arguments.values())]), 120)

        def on_deadline() -> None:
            text = f"{what}: no answer of the watch within {duration(deadline_ms)}."
            account.msg(text=(f"|y{text}|n {BRIDGE.problem() or ''}", {"type": "towerwatch"}))

        def on_doubt() -> None:
            text = f"{what}: the watch has not answered yet; {BRIDGE.last_heard()}."
            account.msg(text=(f"|y{text}|n", {"type": "towerwatch"}))

        BRIDGE.request(self.operation, arguments, account, on_doubt, on_deadline)
        if self.operation["effect"] == "acts":
            self.tell(f"The watch is asked: {what}")


def _said(value: str) -> str:
    """`agent:ezra` as people say it."""
    return value.removeprefix("agent:").replace("host:", "host ", 1)
