"""Timed pieces of work, nested: spans, tool calls, model calls, functions.

    with tool_call("search", {"query": q}) as call:
        call["result"] = search(q)
    with llm_call("claude-sonnet-4-5", prompt) as call:
        call["tokens_in"], call["tokens_out"] = usage.input_tokens, usage.output_tokens

Each is a `dict` for whatever is worth noting, and works as `with`, `async with` and, for `span`, as a decorator.
Which span is current follows context variables: threads and tasks do not mix. An exception marks the span as failed
and goes on its way. When recording is off, nothing is timed or kept.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar, cast

from agentlog import recorder
from agentlog.clock import clock
from agentlog.events import SpanEnded
from agentlog.guard import guarded
from agentlog.ids import new_id
from agentlog.notes import described, noted_value, text_of

TOKEN_NAMES = {
    "tokens_in": "input", "tokens_out": "output", "cache_read": "cache_read", "cache_write": "cache_write", "reasoning": "reasoning",
}  # fmt: skip
"""What a caller notes on a model call -> the key in `SpanEnded.tokens`. Cached tokens are part of `input`."""

_open: ContextVar[str | None] = ContextVar("agentlog_span", default=None)

F = TypeVar("F", bound=Callable[..., Any])


def current_span() -> str | None:
    """Id of the innermost open span of this context."""
    return _open.get()


class Span(dict[str, Any]):
    """One timed piece of work; a dict of whatever the caller notes while it runs."""

    def __init__(
        self,
        what: str,
        name: str,
        arguments: Mapping[str, object],
        *,
        model: str | None = None,
        provider: str | None = None,
        encloses: bool = True,
    ) -> None:
        """`encloses`: spans opened meanwhile in this context are its children (not so while a generator waits)."""
        super().__init__()
        self._encloses = encloses
        self.what, self.name, self.model, self.provider = what, name, model, provider
        self.span: str | None = None
        self.parent: str | None = None
        self.door = recorder._current
        self._arguments = arguments
        self._started = 0.0
        self._token: Token[str | None] | None = None

    def __enter__(self) -> Span:
        if self.door is not None:
            self.span, self.parent = new_id(), _open.get()
            self._token = _open.set(self.span) if self._encloses else None
            self._started = clock.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.door is not None and self.span is not None:
            ms = (clock.perf_counter() - self._started) * 1000
            if self._token is not None:
                _leave(self._token)
            self._end(ms, error)

    async def __aenter__(self) -> Span:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.__exit__(kind, error, trace)

    @guarded("span")
    def _end(self, ms: float, error: BaseException | None) -> None:
        assert self.door is not None
        noted = dict(self)
        tokens = {key: int(noted.pop(name)) for name, key in TOKEN_NAMES.items() if isinstance(noted.get(name), (int, float))}
        result = noted.pop("result", None)
        cost = self._cost(noted.pop("cost", None), tokens) if self.what == "llm" else None
        ended = SpanEnded(
            what=self.what,
            name=self.name,
            span=self.span or "",
            parent=self.parent,
            ok=error is None and noted.pop("ok", True) is not False,
            error=None if error is None else _error_line(error),
            ms=round(ms, 3),
            arguments=described(self._arguments),
            result=None if result is None else noted_value(result),
            stdout=_text(noted.pop("stdout", None)),
            stderr=_text(noted.pop("stderr", None)),
            data=described(noted),
            model=_text(noted.pop("model", self.model)),
            provider=_text(noted.pop("provider", self.provider)),
            tokens=tokens,
            cost=cost,
        )
        self.door.record(ended)
        if self.what == "llm" and self.door.on_call is not None:
            self.door.on_call(ended)

    def _cost(self, noted: object, tokens: dict[str, int]) -> float | None:
        """What the caller noted, else what it is known to cost where prices or a budget are asked for."""
        if type(noted) in (int, float):
            return float(noted)  # type: ignore[arg-type]
        if self.door is None or (self.door.on_call is None and "AGENTLOG_PRICES" not in os.environ):
            return None
        from agentlog.costs.prices import prices

        return prices().price(self.model, self.provider, tokens).cost


def span(name: str, **data: object) -> Span:
    """A named piece of work: `with span("load", path=path): ...`."""
    return Span("span", name, data)


def tool_call(name: str, arguments: Mapping[str, object] | None = None) -> Span:
    """A tool at work: note `call["result"]`; stdout and stderr of it too, when `capture_output` caught them."""
    return Span("tool", name, arguments or {})


def llm_call(model: str, prompt: object = None, *, provider: str | None = None) -> Span:
    """A model at work: note `call["tokens_in"]`, `["tokens_out"]`, `["cache_read"]`, `["cache_write"]`, `["result"]`.

    `call["cost"]`: what it cost, where the caller knows; else see `prices`.
    """
    return Span("llm", model, {} if prompt is None else {"prompt": prompt}, model=model, provider=provider)


def log_func(function: F) -> F:
    """Decorator: each call of `function` is a span with its arguments and result. Sync, async and generators."""
    if inspect.isasyncgenfunction(function):
        wrapper: Any = _async_generator(function)
    elif inspect.iscoroutinefunction(function):
        wrapper = _coroutine(function)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator(function)
    else:
        wrapper = _plain(function)
    return cast(F, functools.wraps(function)(wrapper))


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature(function)

    def call(*args: Any, **kwargs: Any) -> Any:
        if recorder._current is None:
            return function(*args, **kwargs)
        with _function_span(function, signature, args, kwargs) as noted:
            result = noted["result"] = function(*args, **kwargs)
            return result

    return call


def _coroutine(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature(function)

    async def call(*args: Any, **kwargs: Any) -> Any:
        with _function_span(function, signature, args, kwargs) as noted:
            result = noted["result"] = await function(*args, **kwargs)
            return result

    return call


def _generator(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature(function)

    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _function_span(function, signature, args, kwargs, encloses=False) as noted:
            result = noted["result"] = yield from function(*args, **kwargs)
            return result

    return call


def _async_generator(function: Callable[..., Any]) -> Callable[..., Any]:
    signature = _signature(function)

    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _function_span(function, signature, args, kwargs, encloses=False) as noted:
            inner, received, count = function(*args, **kwargs), None, 0
            try:
                while True:
                    item = await inner.asend(received)
                    count += 1
                    received = yield item
            except StopAsyncIteration:
                noted["items"] = count
            finally:
                await inner.aclose()

    return call


def _function_span(
    function: Callable[..., Any],
    signature: inspect.Signature | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    encloses: bool = True,
) -> Span:
    name = getattr(function, "__qualname__", None) or "function"
    return Span("function", name, _bound(signature, args, kwargs) or {}, encloses=encloses)


@guarded("log_func")
def _bound(signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, object]:
    """The arguments by name, as the call will bind them (by position where it will not bind)."""
    names = list(signature.parameters) if signature else []
    positional = {names[n] if n < len(names) else f"arg{n}": value for n, value in enumerate(args)}
    return {**positional, **kwargs}


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def _error_line(error: BaseException) -> str:
    text = text_of(error)
    kind = type(error).__name__
    return kind if text == kind else f"{kind}: {text}"


def _leave(token: Token[str | None]) -> None:
    try:
        _open.reset(token)
    except ValueError:  # a generator's span closed in another context than it was opened in
        _open.set(token.old_value if token.old_value is not Token.MISSING else None)
