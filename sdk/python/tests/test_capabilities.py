"""Every capability by way of its stand-in."""

import logging
import unittest
from datetime import timedelta

from ostler import Response, config, context, http, kv, log, testing


class Stores(unittest.TestCase):
    def setUp(self) -> None:
        self.host = testing.Host(kv={"s": {"word": "x"}})
        self.addCleanup(self.host.install().remove)
        self.store = kv.open("s")

    def test_values_come_back_as_they_were_put(self) -> None:
        self.store.set("a", "é")
        self.store.set_json("j", [1, 2])
        self.assertEqual((self.store.get("a"), self.store.get_json("j")), ("é".encode(), [1, 2]))
        self.assertEqual((self.store.get("none"), self.store.get_json("none")), (None, None))
        self.assertTrue(self.store.delete("a") and not self.store.delete("a"))
        self.assertFalse(self.store.exists("a"))

    def test_a_value_disappears_after_its_time_to_live(self) -> None:
        self.store.set("a", "1", ttl=5)
        self.store.set("b", "1", ttl=timedelta(minutes=1))
        self.assertEqual(self.store.increment("a"), 2)
        self.host.advance(4.9)
        self.assertTrue(self.store.exists("a"))
        self.host.advance(0.1)
        self.assertFalse(self.store.exists("a"))
        self.assertTrue(self.store.exists("b"))
        with self.assertRaises(ValueError):
            self.store.set("a", "1", ttl=-1)

    def test_counters_add_up_and_refuse_what_is_no_number(self) -> None:
        self.assertEqual((self.store.increment("n", 2), self.store.increment("n", -5)), (2, -3))
        self.store.set_many({"top": str(2**63 - 1), "spaces": " 1", "zero": "01"})
        for key in ("word", "top", "spaces", "zero"):
            with self.assertRaises(kv.NotANumber):
                self.store.increment(key)

    def test_compare_and_swap_needs_what_it_expects(self) -> None:
        self.assertTrue(self.store.set_if_absent("a", "1") and not self.store.set_if_absent("a", "2"))
        self.assertFalse(self.store.compare_and_swap("a", "2", "3"))
        self.assertTrue(self.store.compare_and_swap("a", "1", None))
        self.assertFalse(self.store.exists("a"))

    def test_pages_follow_each_other_without_gap(self) -> None:
        self.store.set_many({"a1": "x", "a2": "y", "a3": "z", "b": "w"})
        first = self.store.list_keys("a", limit=2)
        second = self.store.list_keys("a", cursor=first.cursor, limit=2)
        self.assertEqual((first.keys, second.keys, second.cursor), (["a1", "a2"], ["a3"], None))
        self.assertEqual(list(self.store.pages("a", limit=2)), [["a1", "a2"], ["a3"]])
        self.assertEqual(self.store.get_many(["b", "none"]), [b"w", None])
        self.store.delete_many(["a1", "b"])
        self.assertEqual(self.store.list_keys().keys, ["a2", "a3", "word"])

    def test_what_is_not_granted_or_too_large_is_refused(self) -> None:
        with self.assertRaisesRegex(kv.Denied, "other"):
            kv.open("other").get("a")
        for key, value in (("", "1"), ("k" * 513, "1"), ("k", "v" * (2**20 + 1))):
            with self.assertRaises(kv.Invalid):
                self.store.set(key, value)
        with self.assertRaises(kv.Invalid):
            self.store.get_many(["k"] * 1001)


class Others(unittest.TestCase):
    def test_configuration_comes_from_the_definition(self) -> None:
        with testing.Host(config={"greeting": "hi"}):
            self.assertEqual((config.get("greeting"), config.get("tone"), config.get("tone", "kind")), ("hi", None, "kind"))
            self.assertEqual((config.require("greeting"), config.all()), ("hi", {"greeting": "hi"}))
            with self.assertRaisesRegex(LookupError, "grant.config.tone"):
                config.require("tone")

    def test_lines_keep_their_level_and_fields(self) -> None:
        with testing.Host() as host:
            log.info("made", message="abc", visits=3)
            logger = logging.getLogger("mine")
            logger.addHandler(log.Handler())
            logger.propagate = False
            logger.error("failed for %s", "you")
        self.assertEqual(host.lines[0], testing.Line(log.Level.INFO, "made", {"message": "abc", "visits": "3"}))
        self.assertEqual(host.lines[1], testing.Line(log.Level.ERROR, "failed for you", {"logger": "mine"}))

    def test_the_exchange_is_that_of_the_host(self) -> None:
        with testing.Host(client_address="192.0.2.7", deadline_left=3):
            self.assertEqual((context.current().client_address, context.deadline_left()), ("192.0.2.7", 3))

    def test_the_stand_in_sees_what_was_sent(self) -> None:
        def answer(request: http.Outbound) -> Response:
            self.assertEqual((request.method, request.url, request.timeout_ms), ("POST", "https://api.test/v1", 1500))
            self.assertEqual((request.headers["Content-Type"], request.body), ("application/json", b"[1]"))
            return Response.json([2], status=201)

        with testing.Host(http=answer):
            response = http.fetch("https://api.test/v1", method="POST", json=[1], timeout=1.5)
        self.assertEqual((response.status, response.read_json()), (201, [2]))

    def test_without_a_stand_in_every_origin_is_denied(self) -> None:
        with testing.Host(), self.assertRaises(http.Denied):
            http.fetch("https://api.test/")

    def test_without_a_host_a_test_is_told_how_to_have_one(self) -> None:
        with self.assertRaisesRegex(RuntimeError, "testing.Host"):
            config.all()
