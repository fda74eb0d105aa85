"""A Starlette application with what needs an event loop: lifespan, middleware, streams, functions for threads."""

import asyncio
import contextlib

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

begun = 0
times = 0


class Mark(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-middleware"] = "passed"
        return response


@contextlib.asynccontextmanager
async def lifespan(app):
    global begun
    begun += 1
    yield {"begun": begun}


async def hello(request):
    global times
    times += 1
    await asyncio.sleep(0.001)
    return JSONResponse({"hello": request.path_params["name"], "begun": request.state.begun, "times": times})


def plain(request):
    return PlainTextResponse("a function that is not async")


async def stream(request):
    async def parts():
        for part in range(3):
            await asyncio.sleep(0.001)
            yield f"{part} "

    return StreamingResponse(parts())


async def boom(request):
    raise ValueError("boom")


app = Starlette(
    lifespan=lifespan,
    middleware=[Middleware(Mark)],
    routes=[Route("/hello/{name}", hello), Route("/plain", plain), Route("/stream", stream), Route("/boom", boom)],
)
