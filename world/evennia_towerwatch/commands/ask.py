"""Operations that the watch answers."""

import re
from typing import Any

from evennia_towerwatch.appearance import duration
from evennia_towerwatch.bridge import BRIDGE, actor_of
from evennia_towerwatch.escape import escape
from evennia_towerwatch.layout import wrap_text
from evennia_towerwatch.typed import flag_word

from .base import TowerCommand
from .words import word_of


class AskCommand(TowerCommand):
    """Asks the watch, and says so at once when it isn't there."""

    def run(self, arguments: dict[str, str], asker: Any) -> None:
        """The answer comes as `tower_result`, to all sessions of the account."""
        problem = BRIDGE.problem()
        if problem is not None:
            self.tell(problem)
            return
        name, deadline_ms = self.operation["name"], self.operation["deadlineMs"]
        # A reason or a comment is anything at all, and it is shown to all sessions of the account.
        what = escape(" ".join([word_of(name), *_said(self.operation, arguments)]), 120)

        screen = self.screen()

        def say(text: str) -> None:
            asker.msg(text=(wrap_text(text.rstrip(), screen), {"type": "towerwatch"}))

        def on_deadline() -> None:
            text = f"{what}: no answer of the watch within {duration(deadline_ms)}."
            say(f"|y{text}|n {BRIDGE.problem() or ''}")

        def on_doubt() -> None:
            text = f"{what}: the watch has not answered yet; {BRIDGE.last_heard()}."
            say(f"|y{text}|n")

        asking = self.asking()
        actor = actor_of(asker, asking)
        BRIDGE.request(self.operation, arguments, actor, on_doubt, on_deadline, asking)
        if self.operation["effect"] == "acts":
            self.tell(f"The watch is asked: {what}")


def _said(operation: dict[str, Any], arguments: dict[str, str]) -> list[str]:
    """The arguments as people say them: `agent:ezra` is `ezra`, a flag its word."""
    flags = {one["name"] for one in operation["arguments"] if one["kind"] == "flag"}
    return [
        flag_word(name)
        if name in flags
        else re.sub("^host:", "host ", value.removeprefix("agent:"))
        for name, value in arguments.items()
    ]
