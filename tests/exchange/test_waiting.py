"""Waiting for what other threads bring about."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from joblet_fake.exchange import wait_until, wait_until_async

if TYPE_CHECKING:
    from collections.abc import Callable


class News:
    """Something to watch."""

    def __init__(self) -> None:
        self.watchers: list[Callable[[], None]] = []
        self.number = 0

    def watch(self, told: Callable[[], None]) -> Callable[[], object]:
        self.watchers.append(told)
        return lambda: self.watchers.remove(told)

    def tell(self) -> bool:
        self.number += 1
        for told in tuple(self.watchers):
            told()
        return True


@pytest.fixture(params=["blocking", "asyncio"])
def wait(request: pytest.FixtureRequest) -> Callable[..., bool]:
    if request.param == "blocking":
        return wait_until

    def run(*args: object, **options: object) -> bool:
        return asyncio.run(wait_until_async(*args, **options))  # type: ignore[arg-type]

    return run


def test_what_holds_already_is_not_waited_for(wait: Callable[..., bool]) -> None:
    assert wait(lambda: True, News().watch, 0)


def test_news_before_the_first_look_are_not_lost(wait: Callable[..., bool]) -> None:
    news = News()

    def watch(told: Callable[[], None]) -> Callable[[], object]:
        unwatch = news.watch(told)
        news.tell()
        return unwatch

    assert wait(lambda: news.number > 0, watch, 5)


def test_only_the_news_that_count_end_it(wait: Callable[..., bool]) -> None:
    news = News()
    stop = threading.Event()

    def tell() -> None:
        while not stop.wait(0.002):
            news.tell()

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        assert wait(lambda: news.number >= 5, news.watch, 10)
    finally:
        stop.set()
        teller.join()
    assert not news.watchers


def test_the_timeout_is_for_the_whole_wait(wait: Callable[..., bool]) -> None:
    """News that do not count do not prolong it."""
    news = News()
    stop = threading.Event()

    def tell() -> None:
        while not stop.wait(0.01):
            news.tell()

    teller = threading.Thread(target=tell)
    teller.start()
    before = time.monotonic()
    try:
        assert not wait(lambda: False, news.watch, 0.1)
    finally:
        stop.set()
        teller.join()
    assert 0.1 <= time.monotonic() - before < 5
    assert not news.watchers


def test_silence_asks_for_news(wait: Callable[..., bool]) -> None:
    news = News()

    assert wait(lambda: news.number >= 3, news.watch, 10, idle=news.tell)
    assert news.number == 3


def test_an_error_of_the_condition_reaches_the_caller(wait: Callable[..., bool]) -> None:
    news = News()

    with pytest.raises(ZeroDivisionError):
        wait(lambda: bool(1 // 0), news.watch, 1)

    assert not news.watchers


def test_news_after_the_loop_was_closed_do_no_harm() -> None:
    news = News()
    kept: list[Callable[[], None]] = []

    def watch(told: Callable[[], None]) -> Callable[[], object]:
        kept.append(told)
        return news.watch(told)

    assert not asyncio.run(wait_until_async(lambda: False, watch, 0))

    kept[0]()
