"""What is kept from one look to the next, in rooms with many bodies: none of it may be stale."""

from evennia_towerwatch import build
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.tests.game.support import TowerTest
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


class Crowd(TowerTest):
    """A room of many."""

    def test_in_a_crowd_only_those_are_in_colour_who_are_not_like_most(self) -> None:
        agents = [agent_view(f"a{number}", "ezra") for number in range(60)]
        agents[7]["state"] = "down"
        self.connect(agents, [host_view("ezra")])
        for text in (
            build.host_room("ezra").return_appearance(self.char2),
            build.host_room("ezra").get_display_characters(self.char2),
        ):
            self.assertIn("A7 (|rdown|n)", text)
            self.assertIn("A8 (up)", text)

    def test_among_few_everybody_is_in_colour(self) -> None:
        self.connect([agent_view("a0", "ezra")], [host_view("ezra")])
        self.assertIn("A0 (|gup|n)", build.host_room("ezra").get_display_characters(self.char2))
