"""A place with many agents: few lines, nobody lost, who is not well first."""

import random
import unittest

from evennia_towerwatch.appearance import MANY, watch_room_text
from evennia_towerwatch.crowd import crowd_sentences, names_by_state
from evennia_towerwatch.fleet import AGENT_STATES, WORST_FIRST, worst_first
from evennia_towerwatch.layout import Screen, columns_of
from evennia_towerwatch.tests.messages import agent_view, host_view
from evennia_towerwatch.tests.pure.test_plain_text import SCREENS, fleet_of, plain


class Crowd(unittest.TestCase):
    """In a room."""

    def sentences(self, states: dict[str, int], watched: bool = True, **more: object) -> list[str]:
        """Of so many agents in these states, a minute and five seconds into them."""
        views = [
            agent_view(f"{state}{number}", state=state, **more)
            for state, count in states.items()
            for number in range(count)
        ]
        return crowd_sentences(list(fleet_of(views).agents.values()), 0, watched)

    def test_every_state_has_its_place(self) -> None:
        self.assertEqual(sorted(WORST_FIRST), sorted(AGENT_STATES))

    def test_who_is_down_or_late_has_a_sentence_and_who_is_well_shares_one(self) -> None:
        said = self.sentences({"up": 40, "late": 1, "paused": 3, "down": 1})
        self.assertEqual(
            said,
            [
                "Down0 lies on the floor and has not moved for 1 min 5 s.",
                "Late0 stands still and has been quiet for a while.",
                "Up: 40 ready.",
            ],
        )
        self.assertEqual(self.sentences({"up": 40}, busy=True), ["Up: 40 at work."])

    def test_of_very_many_the_rest_is_counted(self) -> None:
        said = self.sentences({"down": 20, "late": 5, "up": 1})
        self.assertEqual(len(said), MANY + 2)
        self.assertEqual(said[-2], "Of 13 more who are down or late, the names are below.")

    def test_of_a_dark_room_and_without_the_watch_there_is_nothing_to_say(self) -> None:
        self.assertEqual(self.sentences({"unreachable": 200}), [])
        self.assertEqual(self.sentences({"up": 100, "down": 100}, watched=False), [])

    def test_names_stand_behind_the_words_of_their_states_worst_first(self) -> None:
        told = (("Cy", "up"), ("ann", "up"), ("Bob", "down"), ("Di", "new"))
        lines = names_by_state(told, Screen(80))
        self.assertEqual(
            [plain(line) for line in lines],
            ["  down (1): Bob", "  new (1): Di", "  up (2): ann, Cy"],
        )

    def test_whatever_their_names_they_fit_and_without_colours_nothing_is_lost(self) -> None:
        chance = random.Random(5)
        for _ in range(300):
            told = [
                (
                    chance.choice(["A", "Bench ", "漢字", "a-very-long-name-" * 3]) + str(number),
                    state,
                )
                for number, state in enumerate(
                    chance.choices(AGENT_STATES, k=chance.randrange(MANY, 60))
                )
            ]
            for screen in SCREENS:
                lines = names_by_state(tuple(told), screen)
                if not screen.reader:
                    self.assertLessEqual(max(map(columns_of, lines)), screen.columns)
                words = "".join("".join(lines).split())
                for name, state in told:
                    self.assertIn("".join(name.split()), words)
                    count = sum(one == state for _, one in told)
                    self.assertIn(f"{state}|n({count}):", words)
                self.assertEqual(words.count(",") + len(set(dict(told).values())), len(told))


class WatchRoomBoard(unittest.TestCase):
    """A host with more agents than its line names."""

    def test_who_is_not_well_is_named_before_all_others(self) -> None:
        agents = [agent_view(f"a{number:02}") for number in range(30)]
        agents[29]["state"] = "down"
        fleet = fleet_of(agents, [host_view("ezra")])
        self.assertIn("Ezra (up): A29 (down), A00 (up),", plain(watch_room_text(fleet, True)))
        self.assertIn("Ezra (unknown): A00 (unknown),", plain(watch_room_text(fleet, False)))

    def test_among_few_they_stand_by_their_names(self) -> None:
        fleet = fleet_of([agent_view("a"), agent_view("b", state="down")], [host_view("ezra")])
        self.assertIn("Ezra (up): A (up), B (down)", plain(watch_room_text(fleet, True)))

    def test_of_one_state_they_keep_their_order(self) -> None:
        fleet = fleet_of([agent_view(one) for one in "bca"])
        self.assertEqual([one.id for one in worst_first(fleet.agents.values())], list("bca"))
