"""Greets whoever asks, and counts how often."""

from ostler import Request, Response, Router, config, kv, log

handle = Router()


@handle.get("/")
def index(request: Request) -> Response:
    return Response.text("It works. Try /hello/you\n")


@handle.get("/hello/{name}")
def hello(request: Request, name: str) -> Response:
    times = kv.open("greeted").increment(name)
    log.info("greeted", name=name, times=times)
    greeting = config.get("greeting", "Hello")
    return Response.json({"greeting": f"{greeting}, {name}!", "times": times})
