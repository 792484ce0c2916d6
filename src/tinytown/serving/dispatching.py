"""A dispatcher in a thread of the server's process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread

import structlog

from tinytown.bootstrap import Town
from tinytown.domain.errors import TinytownError
from tinytown.serving.stores import prompt_connection
from tinytown.store.dispatchers import DispatcherStore

log = structlog.get_logger("tinytown.townhall")

_FIRST_PAUSE_SECS = 1.0
_LONGEST_PAUSE_SECS = 300.0


class Dispatching:
    """Runs a dispatcher; after a bug that ended it, another one, after a pause that grows.

    The server goes on meanwhile: what people and programs ask for has nothing to do with the bug, and `/ready` says that
    nobody dispatches. Dispatchers elsewhere take the missions over.
    """

    def __init__(self, town: Town) -> None:
        self._town = town
        self._stop = Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this lasts; at the end it leaves in order, what it is at is finished."""
        thread = Thread(target=self._run, name="dispatcher")
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._interrupt()
            thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECS
        while not self._stop.is_set():
            try:
                self._dispatch()
            except TinytownError as error:
                log.warning("the dispatcher has ended", action="dispatcher_ended", reason=error.message, again_in=pause)
            except Exception as error:  # the supervisor: requests are to be answered whatever happens here
                log.exception("the dispatcher died of a bug", action="dispatcher_died", again_in=pause, exc_info=error)
            self._stop.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECS)

    def _dispatch(self) -> None:
        with closing(Town(self._town.live_settings.now(), self._town.environ, self._town.clock)) as town:
            town.dispatcher().loop(self._stop.is_set)

    def _interrupt(self) -> None:
        """End its wait for events, by one."""
        town = self._town
        try:
            with closing(prompt_connection(town)) as connection:
                DispatcherStore(connection, town.keys).tell_of_leaving(town.clock())
        except TinytownError as error:
            log.warning("the dispatcher ends when it next wakes up", action="dispatcher_slow", reason=error.message)
