"""What the gate tells a handler and lends it, by way of the stand-ins."""

import unittest
from datetime import datetime, timezone
from itertools import count

from ostler import Request, Response, authz, cache, context, rate_limit, testing
from ostler.context import Principal


class Asking(unittest.TestCase):
    def test_the_principal_is_as_it_was_proved(self) -> None:
        since = datetime(2026, 5, 1, tzinfo=timezone.utc)
        ada = Principal("ada", "acme", roles=["clerk"], authenticated_at=since, claims={"level": 3})
        with testing.Host(principal=ada):
            self.assertEqual(context.principal(), ada)
        with testing.Host():
            self.assertIsNone(context.principal())

    def test_parameters_have_the_type_of_their_document(self) -> None:
        with testing.Host(parameters={"limit": 20, "status": ["open"]}):
            self.assertEqual(context.parameters(), {"limit": 20, "status": ["open"]})
            self.assertEqual((context.parameter("limit"), context.parameter("other", 7)), (20, 7))
        with testing.Host():
            self.assertEqual(context.parameters(), {})

    def test_what_is_allowed_is_allowed_on_its_resource_only(self) -> None:
        with testing.Host(allow=["orders:read", ("orders:write", "orders/17")]):
            self.assertTrue(authz.check("orders:read") and authz.check("orders:read", "orders/3"))
            self.assertTrue(authz.check("orders:write", "orders/17"))
            self.assertFalse(authz.check("orders:write", "orders/18"))
            self.assertTrue(authz.check("orders:write").reason)
            authz.require("orders:write", "orders/17")

    def test_the_missing_permission_is_named_to_those_who_are_known(self) -> None:
        def handle(request: Request) -> Response:
            authz.require("orders:write", "orders/17")
            return Response.no_content()

        with testing.Host(principal=Principal("ada")) as host:
            refused = host.call(handle, Request("GET", "/"))
        self.assertEqual(refused.status, 403)
        self.assertIn(b'"detail":"this needs the permission orders:write on orders/17"', refused.body)
        with testing.Host() as host:
            refused = host.call(handle, Request("GET", "/"))
        self.assertIn(b'"detail":"this is not allowed"', refused.body)
        self.assertIn(b'"code":"forbidden"', refused.body)


class Limits(unittest.TestCase):
    def setUp(self) -> None:
        self.host = testing.Host(limits={"exports": (3, 60)})
        self.addCleanup(self.host.install().remove)

    def test_each_key_has_its_own_count_until_its_time_is_over(self) -> None:
        self.assertEqual(rate_limit.check("exports", "ada", 2).remaining, 1)
        self.assertFalse(rate_limit.check("exports", "ada", 2))
        self.assertTrue(rate_limit.check("exports", "ben", 3))
        self.host.advance(60)
        self.assertTrue(rate_limit.check("exports", "ada", 3))

    def test_a_refusal_says_when_to_come_back(self) -> None:
        def handle(request: Request) -> Response:
            return Response.text(str(rate_limit.require("exports", "ada", 2)))

        self.assertEqual(self.host.call(handle, Request("GET", "/")).body, b"1")
        self.host.advance(0.5)
        refused = self.host.call(handle, Request("GET", "/"))
        self.assertEqual((refused.status, refused.headers["retry-after"]), (429, "60"))
        self.assertIn(b'"code":"rate_limited"', refused.body)

    def test_what_is_not_granted_or_out_of_bounds_is_refused(self) -> None:
        with self.assertRaisesRegex(rate_limit.Denied, "other"):
            rate_limit.check("other", "ada")
        for key, cost in [("", 1), ("k" * 513, 1), ("ada", 0), ("ada", -1), ("ada", 1_000_001)]:
            with self.assertRaises(rate_limit.Invalid):
                rate_limit.check("exports", key, cost)


class Caches(unittest.TestCase):
    def setUp(self) -> None:
        self.host = testing.Host(cache=["c"])
        self.addCleanup(self.host.install().remove)
        self.cache = cache.open("c")

    def test_values_are_kept_for_their_time_and_dropped_with_their_tag(self) -> None:
        self.cache.set("a", "1", ttl=60, tags=["x", "y"])
        self.cache.set_json("b", {"n": 2}, tags=["y"])
        self.cache.delete_tag("x")
        self.assertEqual((self.cache.get("a"), self.cache.get_json("b")), (None, {"n": 2}))
        self.cache.set("a", "3", ttl=60)
        self.host.advance(60)
        self.assertEqual((self.cache.get("a"), self.host.cached("c", "b")), (None, b'{"n":2}'))
        self.cache.delete("b")
        self.assertIsNone(self.host.cached("c", "b"))

    def test_a_value_is_made_once_until_its_tag_is_dropped(self) -> None:
        numbers = count(1)

        def ask() -> object:
            return self.cache.get_or_compute_json("k", lambda: next(numbers), ttl=60, tags=["t"])

        self.assertEqual((ask(), ask()), (1, 1))
        self.cache.delete_tag("t")
        self.assertEqual(ask(), 2)

    def test_the_right_to_make_a_value_is_given_back_when_that_fails(self) -> None:
        with self.assertRaises(ZeroDivisionError):
            self.cache.get_or_compute("k", lambda: str(1 // 0))
        self.assertFalse(self.host.is_locked("c", "k"))
        with self.assertRaises(cache.Invalid):
            self.cache.get_or_compute("k", lambda: bytes((1 << 20) + 1))
        self.assertFalse(self.host.is_locked("c", "k"))
        self.assertIsNone(self.cache.get_or_lock("k"))
        self.assertTrue(self.host.is_locked("c", "k"))
        self.cache.set("k", "1")
        self.assertFalse(self.host.is_locked("c", "k"))

    def test_a_cache_out_of_reach_is_done_without(self) -> None:
        self.host.lose_cache("c")
        self.assertEqual(self.cache.get_or_compute("k", lambda: "made"), b"made")
        with self.assertRaises(cache.Unavailable):
            self.cache.get("k")

    def test_what_is_not_granted_or_out_of_bounds_is_refused(self) -> None:
        with self.assertRaisesRegex(cache.Denied, "other"):
            cache.open("other").get("k")
        for key, ttl, tags in [("", None, []), ("k", 0, []), ("k", None, [""])]:
            with self.assertRaises(cache.Invalid):
                self.cache.set(key, "1", ttl=ttl, tags=tags)
