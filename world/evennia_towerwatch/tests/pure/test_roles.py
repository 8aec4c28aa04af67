"""Which role it takes, by what it is about."""

import unittest

from evennia_towerwatch.fleet import Fleet
from evennia_towerwatch.protocol import load_protocol
from evennia_towerwatch.roles import role_of
from evennia_towerwatch.tests.messages import agent_view, host_view, snapshot

SUBJECT = {"name": "subject", "kind": "subject", "required": True, "help": ""}
EITHER = {"name": "subject", "kind": "agent-or-host", "required": False, "help": ""}
BY_MANY = {"role": "operate", "roleForMany": "admin", "arguments": [SUBJECT]}
BY_ALL = {"role": "operate", "roleForAll": "admin", "arguments": [SUBJECT]}


def fleet() -> Fleet:
    """Two agents, of which one has the name of a host."""
    known = Fleet()
    agents = [agent_view(one) for one in ("bezalel", "ezra")]
    known.snapshot_part(snapshot(agents, [host_view("ezra"), host_view("forge")]), 0)
    return known


class Roles(unittest.TestCase):
    """What is not plainly one agent is many."""

    def test_one_agent_takes_the_role_of_the_operation(self) -> None:
        for operation in (BY_MANY, BY_ALL):
            self.assertEqual(role_of(operation, {"subject": "agent:ezra"}, fleet()), "operate")
            self.assertEqual(role_of(operation, {}, fleet()), "operate")

    def test_a_host_and_everything_take_the_role_for_many(self) -> None:
        for subject in ("host:ezra", "all", "ALL"):
            self.assertEqual(role_of(BY_MANY, {"subject": subject}, fleet()), "admin")

    def test_everything_alone_may_take_another_one(self) -> None:
        self.assertEqual(role_of(BY_ALL, {"subject": "host:ezra"}, fleet()), "operate")
        self.assertEqual(role_of(BY_ALL, {"subject": "all"}, fleet()), "admin")
        self.assertEqual(role_of(BY_ALL, {"subject": "All"}, fleet()), "admin")

    def test_a_name_that_the_watch_has_yet_to_judge_counts_as_many(self) -> None:
        for subject in ("ezra", "forge", "host ezra", "agent ezra", "al"):
            self.assertEqual(role_of(BY_MANY, {"subject": subject}, Fleet()), "admin")

    def test_where_either_will_do_an_agent_is_one_and_the_rest_is_many(self) -> None:
        operation = {"role": "operate", "roleForMany": "admin", "arguments": [EITHER]}
        self.assertEqual(role_of(operation, {"subject": "ezra"}, fleet()), "operate")
        self.assertEqual(role_of(operation, {"subject": "forge"}, fleet()), "admin")
        self.assertEqual(role_of(operation, {"subject": "ezra"}, Fleet()), "admin")

    def test_every_operation_has_a_role_that_is_one(self) -> None:
        for operation in load_protocol().operations:
            roles = [operation.get(key, "see") for key in ("role", "roleForMany", "roleForAll")]
            self.assertLessEqual(set(roles), {"see", "operate", "admin"})
            if operation["effect"] == "acts":
                self.assertIn("dryRun", [one["name"] for one in operation["arguments"]])
                self.assertNotEqual(operation["role"], "see")
