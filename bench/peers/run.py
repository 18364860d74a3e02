"""A measured run, as bench/clock.lua has it."""

import time

BETWEEN_LOOKS = 20


class Run:
    def __init__(self, seconds, warm_up=20):
        self.seconds, self.warm_up = seconds, warm_up
        self.done, self.over = 0, False
        self._start()

    def _start(self):
        self.started, self.cpu_started = time.monotonic(), time.process_time()

    def add(self):
        if self.over:
            return
        self.done += 1
        measured = self.done - self.warm_up
        if measured == 0:
            self._start()
        elif measured > 0 and measured % BETWEEN_LOOKS == 0:
            self.elapsed = time.monotonic() - self.started
            self.cpu = time.process_time() - self.cpu_started
            self.over = self.elapsed >= self.seconds

    def print(self):
        print(f"requests={self.done - self.warm_up} seconds={self.elapsed:.6f} cpu={self.cpu:.6f}")


def read_arguments(words):
    """[--seconds S] URL MODE [AT-ONCE]"""
    words, seconds = words[1:], 1.0
    if words[0] == "--seconds":
        seconds, words = float(words[1]), words[2:]
    return seconds, words[0], words[1], int(words[2]) if len(words) > 2 else 1
