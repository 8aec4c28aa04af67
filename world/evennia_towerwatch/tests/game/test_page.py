"""The page of the fleet in a game: who may see it, and what it sends."""

from django.test import Client, override_settings
from evennia.utils.create import create_account

from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.tests.histories import agent_history, history, past_incident
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

from .support import PASSWORD, TowerTest

PLAIN_STATIC = {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}


@override_settings(STORAGES=PLAIN_STATIC)
class PageTest(TowerTest):
    """`/fleet/` and `/fleet/data.json`."""

    def setUp(self) -> None:
        """A watch that has told of a fleet and its history."""
        super().setUp()
        self.bridge = self.connect([], [host_view("ezra")])
        self.reader = create_account("reader", "", PASSWORD)
        self.client = Client()

    def tell(self, agents: list, **more: object) -> None:
        """A snapshot and a history of these agents."""
        parts = snapshot(agents, [host_view("ezra")])
        self.bridge.call("tower_snapshot", v=1, boot=BRIDGE.boot, **parts)
        days = [agent_history(agent["id"], [86_400, 80_000, 40_000]) for agent in agents]
        answers = self.bridge.call("tower_history", **history(days, boot=BRIDGE.boot, **more))
        self.assertEqual(answers, [])

    def log_in(self) -> None:
        """As the website does it."""
        self.client.force_login(self.reader)

    def test_whoever_is_not_logged_in_is_sent_to_the_login_and_back(self) -> None:
        answer = self.client.get("/fleet/")
        self.assertEqual(answer.status_code, 302)
        self.assertIn("next=/fleet/", answer["Location"])
        self.assertEqual(self.client.get("/fleet/data.json").status_code, 403)

    def test_an_account_sees_agents_days_incidents_budget_and_phase(self) -> None:
        self.tell([agent_view("bezalel")], incidents=[past_incident(6)])
        self.log_in()
        answer = self.client.get("/fleet/")
        self.assertEqual(answer.status_code, 200)
        for text in ("Bezalel", "●", "1 of 3 days", "#6", "Error budget", "not ready", "94.9 %"):
            self.assertContains(answer, text)

    def test_the_page_may_load_nothing_but_its_own_style_and_is_kept_nowhere(self) -> None:
        self.tell([agent_view("bezalel")])
        self.log_in()
        answer = self.client.get("/fleet/")
        self.assertIn("default-src 'none'", answer["Content-Security-Policy"])
        self.assertNotIn("script", answer["Content-Security-Policy"])
        self.assertIn("no-store", answer["Cache-Control"])
        for word in ("<script", "http://", "https://", "style="):
            self.assertNotContains(answer, word)

    def test_what_others_wrote_is_text_and_nothing_else(self) -> None:
        hostile = "<img src=x onerror=alert(1)>|lcquit|lt\"'&"
        self.tell(
            [agent_view("bezalel", name=hostile[:60], doing=hostile, place=hostile)],
            incidents=[past_incident(1, cause=hostile[:60], acknowledgedBy=hostile)],
        )
        self.log_in()
        for url in ("/fleet/", "/fleet/data.json"):
            self.assertNotContains(self.client.get(url), "<img")
            self.assertNotContains(self.client.get(url), "|lc")

    def test_says_so_while_the_watch_is_not_there(self) -> None:
        self.tell([agent_view("bezalel")])
        self.bridge.drop()
        self.log_in()
        answer = self.client.get("/fleet/")
        self.assertContains(answer, "The watch is not connected since")
        self.assertContains(answer, "unknown")

    def test_an_empty_game_has_a_page_too(self) -> None:
        self.log_in()
        self.assertContains(self.client.get("/fleet/"), "No agents")

    def test_pages_of_a_hundred_with_ways_to_the_others(self) -> None:
        self.tell([agent_view(f"a{number:03}") for number in range(150)])
        self.log_in()
        first = self.client.get("/fleet/")
        self.assertContains(first, "Page 1 of 2")
        self.assertContains(first, "?page=2")
        self.assertContains(self.client.get("/fleet/?page=2"), "a149".title())
        for odd in ("0", "-1", "x", "9" * 40, "٣", "1.5"):
            self.assertEqual(self.client.get("/fleet/", {"page": odd}).status_code, 200)

    def test_json_has_what_the_page_has(self) -> None:
        self.tell([agent_view("bezalel")], incidents=[past_incident(6)])
        self.log_in()
        data = self.client.get("/fleet/data.json").json()
        self.assertEqual(data["agents"][0]["id"], "bezalel")
        self.assertEqual(data["history"]["incidents"][0]["number"], 6)

    def test_a_setting_opens_it_to_everybody_or_keeps_it_for_some(self) -> None:
        with override_settings(TOWERWATCH_PAGE="everybody"):
            self.assertEqual(self.client.get("/fleet/").status_code, 200)
        self.log_in()
        with override_settings(TOWERWATCH_PAGE="perm(Developer)"):
            refused = self.client.get("/fleet/")
            self.assertContains(refused, "may not see the fleet", status_code=403)
            self.assertNotContains(refused, "agents", status_code=403)
            self.assertEqual(self.client.get("/fleet/data.json").status_code, 403)

    def test_lists_that_do_not_fit_are_answered_with_an_error_and_change_nothing(self) -> None:
        self.tell([agent_view("bezalel")])
        before = BRIDGE.histories.latest
        bad = history([agent_history("bezalel", [1])], boot=BRIDGE.boot)
        ((name, answer),) = self.bridge.call("tower_history", **bad)
        self.assertEqual((name, answer["code"]), ("tower_error", "invalid"))
        self.assertIs(BRIDGE.histories.latest, before)
