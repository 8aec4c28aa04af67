"""What is kept from one look to the next, in rooms with many bodies: none of it may be stale."""

import random
import re

from evennia.commands.cmdset import CmdSet
from evennia.commands.command import Command
from evennia.utils.search import search_tag

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.cmdset import TowerCmdSet
from evennia_towerwatch.commands.base import TowerCommand
from evennia_towerwatch.layout import columns_of
from evennia_towerwatch.merging import MergedByName
from evennia_towerwatch.npc import AGENT_TAG
from evennia_towerwatch.tests.game.support import TowerTest
from evennia_towerwatch.tests.game.test_screens import ScreenTest
from evennia_towerwatch.tests.messages import agent_view, host_view


class KeptFromLookToLook(TowerTest):
    """Bodies that know their id and name, and locks that say the same to everybody."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.room = build.host_room("bezalel")
        (self.npc,) = [
            thing for thing in self.room.contents if getattr(thing, "agent_id", str)() == "bezalel"
        ]
        # Somebody without a superuser's bypass.
        self.char2.location = self.room

    def test_a_name_follows_the_state_and_the_watch(self) -> None:
        self.assertIn("up", self.npc.get_display_name(self.char2))
        view = agent_view("bezalel", "bezalel", state="down")
        self.watch.call("tower_state", v=1, boot=BRIDGE.boot, seq=1, hosts=[], agents=[view])
        self.assertIn("down", self.npc.get_display_name(self.char2))
        self.watch.drop()
        self.assertIn("unknown", self.npc.get_display_name(self.char2))

    def test_a_lock_that_a_builder_has_set_holds(self) -> None:
        self.assertTrue(self.npc.access(self.char2, "view"))
        self.assertIn(
            self.npc.get_display_name(self.char2), self.room.return_appearance(self.char2)
        )
        self.npc.locks.add("view:perm(Builder)")
        self.assertFalse(self.npc.access(self.char2, "view"))
        self.assertNotIn(
            self.npc.get_display_name(self.char2), self.room.return_appearance(self.char2)
        )

    def test_what_nobody_may_is_for_superusers_as_ever(self) -> None:
        self.account.is_superuser = True
        self.account.save()
        self.char1.locks.cache_lock_bypass(self.char1)
        self.char1.location = self.room
        self.assertTrue(self.npc.access(self.char1, "call"))
        self.assertFalse(self.npc.access(self.char1, "call", no_superuser_bypass=True))
        self.assertFalse(self.npc.access(self.char2, "call"))


class Crowd(ScreenTest):
    """A room of many: who is not well comes first, and nobody is lost."""

    def setUp(self) -> None:
        super().setUp()
        agents = [agent_view(f"a{number}", "ezra", busy=True) for number in range(60)]
        agents[50].update(state="down", forMs=180_000)
        agents[57]["state"] = "late"
        agents[3]["state"] = "paused"
        self.watch = self.connect(agents, [host_view("ezra")])
        self.room = build.host_room("ezra")
        self.char1.location = self.char2.location = self.room

    def test_who_is_not_well_comes_first_and_all_are_named_by_state(self) -> None:
        self.screen(80)
        text = self.room.return_appearance(self.char1)
        for line in (
            "A50 lies on the floor and has not moved for 3 min.",
            "A57 is at work, and has been quiet for a while.",
            "Up: 57 at work.",
            "|wAgents:|n 60",
            "  |rdown|n (1): A50",
            "  |ylate|n (1): A57",
            "  |bpaused|n (1): A3",
        ):
            self.assertIn(f"\n{line}\n", text)
        self.assertIn(f"\n|wCharacters:|n {self.char2.get_display_name(self.char1)}\n", text)
        self.assertIn("\n  |gup|n (57): A0, A1, A10, A11,", text)
        self.assertLess(text.count("|"), 40)
        names = re.findall(r"\bA\d+", text[text.index("Agents:") :])
        self.assertEqual(sorted(names), sorted(f"A{number}" for number in range(60)))

    def test_it_fits_the_screen_and_read_aloud_it_is_not_broken(self) -> None:
        for columns in (40, 80, 132):
            self.screen(columns)
            for line in self.room.return_appearance(self.char1).split("\n"):
                self.assertLessEqual(columns_of(line), columns, line)
        self.screen(40, SCREENREADER=True)
        text = self.room.return_appearance(self.char1)
        self.assertNotIn("  ", text)
        (line,) = [line for line in text.split("\n") if line.startswith("|gup|n (57): A0, ")]
        self.assertTrue(line.endswith(", A9"))

    def test_each_of_them_can_be_looked_at(self) -> None:
        self.assertIn("A42 (|gup|n)", self.type("look a42"))
        self.assertIn("A50 (|rdown|n)", self.type("look A50"))

    def test_whom_a_builder_has_hidden_stays_hidden(self) -> None:
        for agent_id, lock in {"a42": "view", "a44": "search"}.items():
            (npc,) = search_tag(agent_id, category=AGENT_TAG)
            npc.locks.add(f"{lock}:perm(Builder)")
        text = self.room.return_appearance(self.char2)
        self.assertNotIn("A42", text)
        self.assertIn("A43", text)
        self.assertNotIn("A44", text)
        self.assertIn("A44", self.room.return_appearance(self.char1))

    def test_without_the_watch_nobody_knows_how_any_of_them_is(self) -> None:
        self.watch.drop()
        text = self.room.return_appearance(self.char1)
        self.assertIn("\n  |Wunknown|n (60): A0, ", text)
        self.assertNotIn("down", text)

    def test_the_watch_room_too_names_them_first(self) -> None:
        text = build.watch_room().return_appearance(self.char1)
        self.assertIn("A50 (|rdown|n), A57 (|ylate|n), A3 (|bpaused|n), A0", text.replace("\n", ""))
        self.assertIn("and 48 more", text)

    def test_among_few_everybody_has_a_line_and_a_colour(self) -> None:
        self.connect([agent_view("a0", "ezra")], [host_view("ezra")])
        self.assertIn("A0 (|gup|n)", self.room.get_display_characters(self.char2))
        self.assertIn("A0 stands ready.", self.room.return_appearance(self.char2))

    def test_of_many_like_each_other_the_watch_room_shows_no_colours(self) -> None:
        hosts = [host_view(f"h{number}") for number in range(5)]
        agents = [agent_view(f"a{number}", f"h{number % 5}") for number in range(50)]
        agents[7]["state"] = "down"
        self.connect(agents, hosts)
        text = build.watch_room().return_appearance(self.char2)
        self.assertIn("A7 (|rdown|n)", text)
        self.assertIn("A8 (up)", text)


class Merging(TowerTest):
    """Commands in the rooms of the Tower, merged in less time: with the same results."""

    def test_sets_merged_by_name_hold_what_evennia_would_make_of_them(self) -> None:
        chance = random.Random(3)

        def some(kind: type[CmdSet]) -> CmdSet:
            made = kind()
            made.priority = chance.choice([0, 1, 101])
            made.duplicates = chance.choice([None, True, False])
            made.mergetype = chance.choice(["Union"] * 4 + ["Replace", "Remove", "Intersect"])
            for number in chance.sample(range(12), chance.randrange(6)):
                # Not more names in common: what Evennia 5 remembers of one command it takes for
                # true of each that shares a name with it.
                aliases = [f"n{number}", chance.choice(["", "x"]) + f"m{number}"]
                made.add(Command(key=f"Key{number}", aliases=aliases, obj=chance.random()))
            return made

        for _ in range(500):
            one, other, third = some(CmdSet), some(CmdSet), some(CmdSet)
            ours = MergedByName()
            for name in ("priority", "duplicates", "mergetype", "commands", "system_commands"):
                setattr(ours, name, getattr(other, name))
            self.assertEqual(
                [command.obj for command in one + ours + third],
                [command.obj for command in one + other + third],
            )

    def test_commands_of_ours_can_be_told_apart_without_comparing_them(self) -> None:
        commands = list(TowerCmdSet())
        hashes = {hash(one) for one in commands if isinstance(one, TowerCommand)}
        self.assertGreater(len(hashes), len(commands) - 4)

    def test_what_is_typed_in_a_room_finds_the_rooms_look_the_exit_and_all_else(self) -> None:
        self.connect()
        self.char1.location = build.host_room("bezalel")
        self.listen(self.char1)
        for line, answer in {
            "look timmy": "Timmy (",
            "inventory": "You are not carrying",
            "fleet": "2 agents",
            "nonsense": "nonsense",
            "out": "Watch Room",
        }.items():
            self.heard[self.char1].clear()
            self.char1.execute_cmd(line)
            self.assertIn(answer, "\n".join(self.heard[self.char1]), line)
        self.assertEqual(self.char1.location, build.watch_room())
