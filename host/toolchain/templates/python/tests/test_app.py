import unittest

from app import handle
from ostler import Request, testing


class Greeting(unittest.TestCase):
    def test_a_guest_is_greeted_and_counted(self) -> None:
        with testing.Host(kv=["greeted"], config={"greeting": "Hi"}) as host:
            response = host.call(handle, Request("GET", "/hello/you"))
            self.assertEqual(response.read_json(), {"greeting": "Hi, you!", "times": 1})
            self.assertEqual(host.value("greeted", "you"), b"1")

    def test_an_unknown_path_is_a_404(self) -> None:
        with testing.Host() as host:
            self.assertEqual(host.call(handle, Request("GET", "/nowhere")).status, 404)
