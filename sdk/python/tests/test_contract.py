"""The copy of the contract, which builds read, is the contract at the top of the repository."""

import re
import unittest
from pathlib import Path

from ostler import _host

SDK = Path(__file__).parent.parent
#: The last world names packages of WASI that a typed handler never sees; without it the contract is one file.
FOREIGN = "/// Ostler's key-value stores and configuration under their WASI names"


class Contract(unittest.TestCase):
    def test_the_copy_is_the_contract(self) -> None:
        contract = (SDK / "../../wit/plugin.wit").read_text()
        fresh = contract[: contract.index(FOREIGN)].rstrip() + "\n"
        copy = SDK / "wit/plugin.wit"
        if copy.read_text() != fresh:
            copy.write_text(fresh)
            self.fail(f"{copy} was stale and has been written anew: look at the difference and run the tests again")

    def test_every_function_of_the_contract_is_known_here(self) -> None:
        contract = (SDK / "wit/plugin.wit").read_text()
        for interface in ("kv", "authz", "rate-limit", "cache", "flags", "experiment"):
            prefix = interface.replace("-", "_") + "_"
            # `%` stands before names that are words of WIT's own.
            head = re.search(rf"^interface %?{interface} {{", contract, re.MULTILINE)
            assert head is not None, interface
            begin = head.start()
            text = contract[begin : contract.index("\n}", begin)]
            functions = set(re.findall(r"^    ([a-z-]+): func", text, re.MULTILINE))
            known = {name.removeprefix(prefix).replace("_", "-") for name in dir(_host.Host) if name.startswith(prefix)}
            self.assertEqual(functions, known)
