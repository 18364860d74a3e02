"""CacheControl in front of requests, with its store in memory: hits.

python3 bench/peers/cachecontrol_client.py --version
python3 bench/peers/cachecontrol_client.py [--seconds S] URL cached
"""

import sys

import cachecontrol
import requests

from run import Run, read_arguments

CACHED = 1000

if sys.argv[1] == "--version":
    print(cachecontrol.__version__)
    sys.exit()

seconds, url, mode, _ = read_arguments(sys.argv)
session = cachecontrol.CacheControl(requests.Session())
run = Run(seconds, CACHED)
number = 0
while not run.over:
    number = number % CACHED + 1
    response = session.get(f"{url}?{number}")
    if response.status_code != 200 or not response.content:
        raise SystemExit("not the expected response")
    if run.done >= CACHED and not response.from_cache:
        raise SystemExit("not from the cache")
    run.add()
run.print()
