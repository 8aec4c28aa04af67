"""Alerts, heard by people."""

from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from evennia.comms.comms import DefaultChannel
from evennia.utils.utils import class_from_module

from evennia_towerwatch import announce, build, inputfuncs, models, server_hooks
from evennia_towerwatch.bridge import BRIDGE
from evennia_towerwatch.channel import FleetChannel, ensure_channel, find_channel, join_once
from evennia_towerwatch.tests.game.support import TowerTest, codes, forget_unsaved
from evennia_towerwatch.tests.game.test_receive import alert, subject

LINE = "|rbezalel down|n"


class Telling(TowerTest):
    """Where it is said, how often, and that it is saved."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.channel = ensure_channel()
        self.char1.location = build.host_room("bezalel")
        self.char2.location = build.watch_room()
        self.listen(self.char1, self.char2)

    def tell(self, alert_id: str = "a1", **more: object) -> list[str]:
        return codes(self.watch.call("tower_alert", **alert(alert_id, **more)))

    def test_it_is_said_in_the_hosts_room_and_in_the_watch_room_and_acknowledged(self) -> None:
        self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(self.heard, {self.char1: [LINE], self.char2: [LINE]})

    def test_it_is_said_once_however_often_it_comes(self) -> None:
        for _ in range(3):
            self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(len(self.heard[self.char1]), 1)

    def test_it_is_said_once_over_a_restart_of_the_game(self) -> None:
        self.tell()
        forget_unsaved()
        self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(len(self.heard[self.char1]), 1)

    def test_where_saving_fails_it_is_not_acknowledged_and_later_saved_without_saying(self) -> None:
        with patch.object(announce, "remember_told", side_effect=DatabaseError("disk is full")):
            [(answer, data)] = self.watch.call("tower_alert", **alert("a1"))
        self.assertEqual((answer, data["ok"]), ("tower_ack", False))
        self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(len(self.heard[self.char1]), 1)
        self.assertTrue(models.was_told("a1"))

    def test_what_could_not_be_saved_is_known_however_many_are_told_after_it(self) -> None:
        with patch.object(announce, "remember_told", side_effect=DatabaseError("disk is full")):
            self.tell()
        with patch.object(announce, "_PRUNE_EVERY", 1):
            self.tell("a2")
            self.tell("a3")
        self.heard[self.char1].clear()
        self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(self.heard[self.char1], [])
        self.assertTrue(models.was_told("a1"))

    def test_one_that_comes_again_before_it_was_written_waits_for_that_too(self) -> None:
        inputfuncs.tower_alert(self.watch, **alert("a1"))
        inputfuncs.tower_alert(self.watch, **alert("a1"))
        self.assertFalse(models.was_told("a1"))
        self.clock.advance(announce.WRITTEN_AFTER_S)
        self.assertTrue(models.was_told("a1"))
        self.assertEqual(codes(self.watch.sent), ["tower_ack"])
        self.assertEqual(len(self.heard[self.char1]), 1)

    def test_it_is_saved_after_it_was_said(self) -> None:
        order = []
        with (
            patch.object(announce, "_say", lambda *_: order.append("said")),
            patch.object(announce, "remember_told", lambda *_: order.append("saved")),
        ):
            self.tell()
        self.assertEqual(order, ["said", "saved"])

    def test_it_is_saved_when_it_has_been_written_or_a_server_that_dies_would_take_it_along(
        self,
    ) -> None:
        inputfuncs.tower_alert(self.watch, **alert("a1"))
        self.assertEqual(len(self.heard[self.char1]), 1)
        self.assertFalse(models.was_told("a1"))
        self.assertEqual(self.watch.sent, [])
        self.clock.advance(announce.WRITTEN_AFTER_S)
        self.assertTrue(models.was_told("a1"))
        self.assertEqual(codes(self.watch.sent), ["tower_ack"])

    def test_between_the_saying_and_the_saving_the_reactor_has_a_turn_to_write(self) -> None:
        due: list[Any] = []

        def later(_: float, function: Any, *arguments: Any) -> None:
            due.append((function, arguments))

        announce.tell(alert("a1"), BRIDGE.fleet, later, lambda _: None)
        # It looks at its clock, and does what is due; then it writes; then it looks again.
        for is_saved in (False, True):
            self.assertFalse(models.was_told("a1"))
            ((function, arguments),) = due
            due.clear()
            function(*arguments)
            self.assertEqual(models.was_told("a1"), is_saved)

    def test_a_server_that_stops_in_order_saves_first(self) -> None:
        inputfuncs.tower_alert(self.watch, **alert("a1"))
        server_hooks.at_server_stop()
        self.assertTrue(models.was_told("a1"))

    def test_a_host_is_said_in_its_room(self) -> None:
        self.tell(subjects=[subject("bezalel", kind="host")], text="host bezalel unreachable")
        self.assertEqual(len(self.heard[self.char1]), 1)

    def test_the_room_named_by_host_is_used_where_the_agent_is_unknown(self) -> None:
        self.tell(subjects=[subject("nobody", "bezalel")])
        self.assertEqual(len(self.heard[self.char1]), 1)

    def test_a_word_of_the_watch_itself_is_said_in_the_watch_room_once(self) -> None:
        self.tell(subjects=[], kind="notice", text="the watch looks again")
        self.assertEqual(self.heard[self.char1], [])
        self.assertEqual(self.heard[self.char2], ["the watch looks again"])

    def test_who_is_on_a_host_without_a_room_is_said_in_the_watch_room_once(self) -> None:
        self.tell(subjects=[subject("nobody", "nowhere")])
        self.assertEqual(len(self.heard[self.char2]), 1)

    def test_a_group_is_said_in_the_room_of_each_of_its_hosts_once(self) -> None:
        self.obj1.location = build.host_room("local")
        self.listen(self.obj1)
        subjects = [subject("bezalel"), subject("timmy", "local"), subject("x", "bezalel")]
        self.assertEqual(self.tell(subjects=subjects, text="3 agents are down"), ["tower_ack"])
        for listener in (self.char1, self.char2, self.obj1):
            self.assertEqual(self.heard[listener], ["|r3 agents are down|n"])

    def test_a_hundred_subjects_are_said_in_order_and_at_once(self) -> None:
        subjects = [subject(f"agent-{number}", f"host-{number}") for number in range(99)]
        self.tell(subjects=[*subjects, subject("bezalel")])
        self.assertEqual(self.heard[self.char1], [LINE])

    def test_an_agent_that_has_moved_since_is_said_where_it_lives_now(self) -> None:
        self.tell(subjects=[subject("timmy", "bezalel")])
        self.assertEqual(self.heard[self.char1], [])

    def test_who_is_moved_by_it_into_another_of_its_rooms_hears_it_once(self) -> None:
        heard = self.heard[self.char1]

        def flee(text: Any = None, **_: Any) -> None:
            heard.append(text[0])
            self.char1.location = build.watch_room()

        self.char1.msg = flee
        self.tell()
        self.assertEqual(heard, [LINE])

    def test_each_kind_is_said_with_the_number_to_type_where_one_may_want_to(self) -> None:
        said = {
            "problem": ("bezalel is down", "|rbezalel is down (incident #12)|n"),
            "reminder": (
                "bezalel is still down. Type: ack 12",
                "|ybezalel is still down. Type: ack 12|n",
            ),
            "acknowledged": ("Ada looks after #12", "|cAda looks after #12|n"),
            "recovery": ("bezalel is back up", "|gbezalel is back up (incident #12)|n"),
            "notice": ("bezalel is flapping", "bezalel is flapping"),
        }
        for number, (kind, (text, line)) in enumerate(said.items()):
            self.heard[self.char1].clear()
            self.tell(f"k{number}", kind=kind, text=text, incidents=[12])
            self.assertEqual(self.heard[self.char1], [line])

    def test_outside_text_with_fields_and_functions_is_said_and_not_run(self) -> None:
        text = "bezalel down {you.__class__} {0:>9999999} $You() |lcquit|ltx|le\nfleet down"
        self.assertEqual(self.tell(text=text), ["tower_ack"])
        ((line,),) = (self.heard[self.char1],)
        self.assertLess(len(line), 450)
        for sign in ("{", "}", "$", "|lc", "\n"):
            self.assertNotIn(sign, line)

    def test_a_listener_who_fails_does_not_keep_it_from_the_others(self) -> None:
        def fail(**_: object) -> None:
            raise RuntimeError("broken")

        for thing in build.watch_room().contents:
            if thing is not self.char2:
                thing.msg = fail
        self.obj1.location = build.watch_room()
        self.obj1.msg = fail
        self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(self.heard[self.char2], [LINE])

    def test_a_broken_channel_does_not_make_it_come_again(self) -> None:
        with patch.object(announce, "say_on_channel", side_effect=RuntimeError("broken")):
            self.assertEqual(self.tell(), ["tower_ack"])
        self.assertEqual(self.heard[self.char1], [LINE])


class OnTheChannel(TowerTest):
    """`Fleet`."""

    def setUp(self) -> None:
        super().setUp()
        self.watch = self.connect()
        self.listeners = [self.account, self.account2]
        for account in self.listeners:
            join_once(account)
        self.listen(*self.listeners)
        # Subscribers count as online when they have a session.
        online = patch(
            "evennia.comms.models.SubscriptionHandler.online", lambda _: list(self.listeners)
        )
        online.start()
        self.addCleanup(online.stop)

    def tell(self) -> None:
        self.assertEqual(codes(self.watch.call("tower_alert", **alert("a1"))), ["tower_ack"])

    def test_every_subscriber_hears_it_with_the_channels_name(self) -> None:
        self.tell()
        for account in self.listeners:
            self.assertEqual(self.heard[account], [f"[Fleet] {LINE}"])

    def test_one_who_declines_does_not_end_it_for_those_after(self) -> None:
        for answer in (None, False):
            self.account.at_pre_channel_msg = lambda *_, _answer=answer, **__: _answer
            models.ToldAlert.objects.all().delete()
            forget_unsaved()
            self.heard[self.account2].clear()
            self.tell()
            self.assertEqual(self.heard[self.account], [])
            self.assertEqual(self.heard[self.account2], [f"[Fleet] {LINE}"])

    def test_one_who_fails_does_not_end_it_either(self) -> None:
        self.account.at_pre_channel_msg = None
        self.tell()
        self.assertEqual(self.heard[self.account2], [f"[Fleet] {LINE}"])

    def test_who_has_muted_it_is_left_alone(self) -> None:
        find_channel().mute(self.account)
        self.tell()
        self.assertEqual(self.heard[self.account], [])

    def test_joining_happens_once_so_that_who_leaves_stays_away(self) -> None:
        channel = find_channel()
        self.assertTrue(channel.has_connection(self.account))
        channel.disconnect(self.account)
        join_once(self.account)
        self.assertFalse(channel.has_connection(self.account))

    def test_joining_does_not_take_the_word_fleet_from_the_command(self) -> None:
        self.assertIsInstance(find_channel(), FleetChannel)
        for account in self.listeners:
            self.assertEqual(
                nicked(account, "fleet"),
                "fleet",
            )

    def test_evennias_command_finds_the_channel(self) -> None:
        # It looks only for channels of exactly the game's own type.
        own = class_from_module(settings.BASE_CHANNEL_TYPECLASS)
        self.assertEqual(list(own.objects.channel_search("Fleet")), [find_channel()])

    def test_with_evennias_own_channel_it_would(self) -> None:
        DefaultChannel.add_user_channel_alias(find_channel(), self.account, "fleet")
        replaced = self.account.nicks.nickreplace(
            "fleet", categories="inputline", include_account=False
        )
        self.assertNotEqual(replaced, "fleet")

    def test_a_channel_of_another_name_keeps_its_nick(self) -> None:
        with self.settings(TOWERWATCH_CHANNEL="Alarms"):
            ensure_channel().connect(self.account)
        replaced = self.account.nicks.nickreplace(
            "alarms hello", categories="inputline", include_account=False
        )
        self.assertIn("channel alarms", replaced)

    def test_everybody_listens_and_only_builders_speak(self) -> None:
        channel, player = find_channel(), self.player("somebody")
        self.assertTrue(channel.access(player, "listen"))
        self.assertFalse(channel.access(player, "send"))
        self.assertTrue(channel.access(self.player("builder", "Builder"), "send"))


def nicked(account: Any, line: str) -> str:
    """What a line becomes by the account's nicks."""
    return account.nicks.nickreplace(line, categories="inputline", include_account=False)


class Remembering(TowerTest):
    """The one table."""

    def test_the_oldest_are_forgotten_beyond_the_bounds(self) -> None:
        now = timezone.now()
        for number in range(10):
            models.ToldAlert.objects.create(
                alert_id=f"a{number}", told_at=now - timezone.timedelta(days=number * 10)
            )
        self.assertEqual(models.prune(keep_days=75, keep_count=100), 2)
        self.assertEqual(models.prune(keep_days=75, keep_count=3), 5)
        self.assertEqual(
            set(models.ToldAlert.objects.values_list("pk", flat=True)), {"a0", "a1", "a2"}
        )

    def test_saving_the_same_twice_is_no_error(self) -> None:
        models.remember_told("a")
        models.remember_told("a")
        self.assertTrue(models.was_told("a"))
        self.assertFalse(models.was_told("b"))
        self.assertIsNone(BRIDGE.session)
