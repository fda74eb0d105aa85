"""A Flask application that tells what it can reach."""

import os
import random
import socket
import sys

from flask import Flask, render_template_string, request

from ostler import Problem, Request, config, http, kv

app = Flask(__name__)
app.json.ensure_ascii = False


@app.get("/hello/<name>")
def hello(name):
    times = kv.open("greeted").increment(name)
    return {"greeting": f"{config.get('greeting')}, {name}!", "times": times, "query": request.args}


@app.get("/page")
def page():
    return render_template_string("<p>{{ text }}</p>", text="<b>")


@app.get("/random")
def drawn():
    return str(random.random())


@app.get("/leave")
def leave():
    sys.exit(3)


@app.post("/json")
def read():
    try:
        Request("POST", "/", body=request.get_data()).json()
    except Problem as problem:
        return {"code": problem.code}
    return {}


@app.get("/sandbox")
def sandbox():
    def attempt(what):
        try:
            return str(what())
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    def late():
        import wave  # noqa: F401 (nothing else imports it)

        return "ok"

    return {
        "kv": attempt(lambda: kv.open("other").get("a")),
        "http": attempt(lambda: http.fetch("http://example.com/")),
        "file": attempt(lambda: open("/etc/passwd").read()),
        "socket": attempt(lambda: socket.create_connection(("127.0.0.1", 80), 1)),
        "environment": dict(os.environ),
        "late": attempt(late),
    }
