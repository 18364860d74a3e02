"""httpx, with a client that keeps its connections.

python3 bench/peers/httpx_client.py --version
python3 bench/peers/httpx_client.py [--seconds S] URL one|many [AT-ONCE]
"""

import asyncio
import sys

import httpx

from run import Run, read_arguments


def check(response):
    if response.status_code != 200 or not response.content or "content-type" not in response.headers:
        raise SystemExit("not the expected response")


def one(run, url):
    with httpx.Client() as client:
        while not run.over:
            check(client.get(url))
            run.add()


async def many(run, url, at_once):
    limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)

    async def work():
        while not run.over:
            check(await client.get(url))
            run.add()

    async with httpx.AsyncClient(limits=limits) as client:
        await asyncio.gather(*(work() for _ in range(at_once)))


if sys.argv[1] == "--version":
    print(httpx.__version__)
    sys.exit()

seconds, url, mode, at_once = read_arguments(sys.argv)
at_once = at_once if mode == "many" else 1
run = Run(seconds, 20 + 2 * at_once)
if mode == "many":
    asyncio.run(many(run, url, at_once))
else:
    one(run, url)
run.print()
