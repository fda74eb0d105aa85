"""A handler as Spin's own SDK for Python makes it: by path, one of Spin's interfaces each."""

from urllib.parse import parse_qsl, urlsplit

from spin_sdk import http, key_value, sqlite, variables
from spin_sdk.http import Request, Response


class HttpHandler(http.Handler):
    """What goes wrong is a 502 with the text."""

    async def handle_request(self, request: Request) -> Response:
        url = urlsplit(request.uri)
        try:
            text, status = await answer(url.path, dict(parse_qsl(url.query)), request), 200
        except Exception as error:  # noqa: BLE001
            text, status = repr(getattr(error, "value", error)), 502
        return Response(status, {"content-type": "text/plain"}, text.encode())


async def answer(path: str, query: dict[str, str], request: Request) -> str:
    match path:
        case "/headers":
            return "\n".join(f"{name}: {value}" for name, value in sorted(request.headers.items()) if name.startswith("spin-"))
        case "/variable":
            return await variables.get(query["name"])
        case "/kv":
            return await stored(query["store"])
        case "/sqlite":
            return await queried(query["database"])
        case "/fetch":
            return str((await http.send(Request("GET", query["url"], {}, None))).status)
        case _:
            return "good"


async def stored(name: str) -> str:
    """Every function of the store once; what each said, a line each."""
    with await key_value.open(name) as store:
        lines = [f"absent {await store.get('a')}"]
        await store.set("a", b"1")
        lines.append(f"get {await store.get('a')} {await store.exists('a')}")
        await store.delete("a")
        lines.append(f"left {await store.exists('a')}")
    return "\n".join(lines)


async def queried(name: str) -> str:
    """A row in and out."""
    with await sqlite.Connection.open(name) as connection:
        for statement in ("DROP TABLE IF EXISTS t", "CREATE TABLE t (a, b)"):
            await connection.execute(statement, [])
        await connection.execute("INSERT INTO t VALUES (?, ?)", [sqlite.Value_Integer(7), sqlite.Value_Text("é")])
        columns, rows, _ended = await connection.execute("SELECT * FROM t", [])
        found = []
        with rows:
            while not rows.writer_dropped:
                found += [[value.value for value in row.values] for row in await rows.read(100)]
        return f"{columns} {found}"
