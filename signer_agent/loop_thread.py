"""An event loop on a thread of its own: asyncio behind calls that block."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, Final, ParamSpec, TypeVar

from signer_agent.joint_private_key import run_on_loop

_END: Final = object()

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


class LoopThread:
    """An event loop on a thread of its own. Safe to use from several threads, but for its end."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fourseal-loop", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Run ``work`` on the loop and wait for it. Raises as ``run_on_loop``."""
        return run_on_loop(self._loop, work)

    def blocking(self, method: Callable[_Parameters, Coroutine[Any, Any, _Result]]) -> Callable[_Parameters, _Result]:
        """The same method for callers without a loop: it blocks until it is done."""

        @functools.wraps(method)
        def called(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> _Result:
            return self.run(method(*arguments, **named))

        return called

    def iterating(
        self, method: Callable[_Parameters, AsyncGenerator[_Result]]
    ) -> Callable[_Parameters, Iterator[_Result]]:
        """The same for a method that yields: each step blocks. A caller that stops before the end closes it."""

        @functools.wraps(method)
        def iterated(*arguments: _Parameters.args, **named: _Parameters.kwargs) -> Iterator[_Result]:
            results = method(*arguments, **named)
            try:
                while (result := self.run(_next(results))) is not _END:
                    yield result  # type: ignore[misc]  # it is not the mark
            finally:
                if not self.ended:
                    self.run(results.aclose())

        return iterated

    @contextmanager
    def entered(self, context: AbstractAsyncContextManager[_Result]) -> Iterator[_Result]:
        """The same for a context."""
        entered = self.run(context.__aenter__())
        try:
            yield entered
        finally:
            if not self.ended:
                self.run(context.__aexit__(None, None, None))

    @property
    def ended(self) -> bool:
        """Whether ``end`` was called."""
        return self._loop.is_closed()

    def end(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(results: AsyncGenerator[_Result]) -> _Result | object:
    return await anext(results, _END)
