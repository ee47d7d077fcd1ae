"""What one program counts and times while it runs; each program has a registry of its own and labels name no person."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_MOST_CODES = 100  # a vendor's codes are few; an answer full of nonsense must not make a series each
_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 10.0)

Monotonic = Callable[[], float]
"""Seconds that never jump, such as `time.monotonic`."""


@dataclass
class Failing:
    """Since when every call of a platform has failed (on the monotonic clock), how many, and the last code."""

    since: float
    calls: int
    code: str


@dataclass(frozen=True)
class Meters:
    """The instruments that code elsewhere uses. Two programs in one process have nothing in common."""

    monotonic: Monotonic = time.monotonic
    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))
    failing: dict[str, Failing] = field(default_factory=dict)  # by platform; empty while calls succeed
    tokenless: dict[str, Failing] = field(default_factory=dict)  # the same for the renewal of access tokens
    _codes: set[tuple[str, str]] = field(default_factory=set)
    _own: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ProcessCollector(registry=self.registry)
        own, registry = self._own, self.registry
        own["calls"] = Counter("jiehua_vendor_calls", "Calls that carried messages.", ["platform"], registry=registry)
        own["errors"] = Counter(
            "jiehua_vendor_errors", "Calls a vendor did not accept, by its code.", ["platform", "code"],
            registry=registry,
        )  # fmt: skip
        own["others"] = Counter(
            "jiehua_vendor_other_errors", "Calls that carried no message and were not accepted, by the vendor's code.",
            ["platform", "code"], registry=registry,
        )  # fmt: skip
        own["callback"] = Histogram(
            "jiehua_callback_seconds", "From a vendor's HTTP push to our answer.", ["platform", "status"],
            buckets=_FAST, registry=registry,
        )  # fmt: skip
        own["message"] = Histogram(
            "jiehua_message_seconds", "From an incoming message to its answer stored.", ["platform"],
            buckets=_FAST, registry=registry,
        )  # fmt: skip
        own["scoring"] = Histogram(
            "jiehua_scoring_seconds", "Scoring one reply.", ["grader"], buckets=_FAST, registry=registry
        )
        own["lag"] = Gauge("jiehua_loop_lag_seconds", "How late the event loop is, lately.", registry=registry)

    def called(self, platform: str) -> None:
        """A vendor accepted a call."""
        self._own["calls"].labels(platform).inc()
        self.failing.pop(platform, None)

    def refused(self, platform: str, code: str) -> None:
        """A vendor did not accept a call; `code` is its own word for why, kept only if it looks like one."""
        known = self._known(platform, code)
        self._own["calls"].labels(platform).inc()
        self._own["errors"].labels(platform, known).inc()
        self._fails(self.failing, platform, known)

    def declined(self, platform: str, code: str) -> None:
        """A vendor did not accept a call that carried no message: a question, an upload, a token's renewal."""
        self._own["others"].labels(platform, self._known(platform, code)).inc()

    def token(self, platform: str, code: str) -> None:
        """An access token was to be renewed; `code` says why it was not, "" that it was."""
        if code:
            self._fails(self.tokenless, platform, self._known(platform, code))
        else:
            self.tokenless.pop(platform, None)

    def _known(self, platform: str, code: str) -> str:
        known = code if _CODE.fullmatch(code) else "other"
        if (platform, known) not in self._codes and len(self._codes) >= _MOST_CODES:
            known = "other"
        self._codes.add((platform, known))
        return known

    def _fails(self, failing: dict[str, Failing], platform: str, code: str) -> None:
        entry = failing.setdefault(platform, Failing(self.monotonic(), 0, code))
        entry.calls, entry.code = entry.calls + 1, code

    def callback(self, platform: str, status: int, seconds: float) -> None:
        """One HTTP push was answered."""
        self._own["callback"].labels(platform, str(status)).observe(seconds)

    @contextmanager
    def message(self, platform: str) -> Iterator[None]:
        """Time the handling of one incoming message, also when it fails."""
        with self._timed("message", platform):
            yield

    @contextmanager
    def scoring(self, grader: str) -> Iterator[None]:
        """Time the scoring of one reply; `grader` is offline or judge."""
        with self._timed("scoring", grader):
            yield

    def lag(self, seconds: float) -> None:
        """How late the event loop is."""
        self._own["lag"].set(seconds)

    @contextmanager
    def _timed(self, name: str, label: str) -> Iterator[None]:
        began = self.monotonic()
        try:
            yield
        finally:
            self._own[name].labels(label).observe(self.monotonic() - began)


@dataclass(frozen=True)
class Beats:
    """When each background work was last gone through; what never began is not expected to be."""

    monotonic: Monotonic = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict)

    def mark(self, name: str) -> None:
        """The work goes on."""
        self._seen[name] = self.monotonic()

    def marking(self, name: str, work: Callable[[], Awaitable[int]]) -> Callable[[], Awaitable[int]]:
        """`work`, which leaves a mark each time it ends without an error."""

        async def marked() -> int:
            self._seen.setdefault(name, self.monotonic())
            done = await work()
            self.mark(name)
            return done

        return marked

    def ages(self) -> dict[str, float]:
        """Seconds since each work was gone through, or since its first try."""
        now = self.monotonic()
        return {name: now - seen for name, seen in self._seen.items()}
