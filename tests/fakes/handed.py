"""Every secret that any fake has handed out since the run began; tests/log_watch.py searches the log for them."""

from __future__ import annotations

from collections import defaultdict

START = 12  # characters by which a secret is looked up, and the fewest it may have

_HANDED: defaultdict[str, dict[str, str]] = defaultdict(dict)  # its first characters → secret → what it is


def handed(what: str, secret: str) -> str:
    """`secret`, remembered for the rest of the run; `what` names it in a failure."""
    if len(secret) < START:
        raise ValueError(f"a {what} of {len(secret)} characters cannot be told from other words")
    _HANDED[secret[:START]][secret] = what
    return secret


def shown_in(text: str) -> set[str]:
    """What the secrets in a text are. Takes as long as the text is long, however many have been handed out."""
    found: set[str] = set()
    for place in range(len(text) - START + 1):
        for secret, what in _HANDED.get(text[place : place + START], {}).items():
            if text.startswith(secret, place):
                found.add(what)
    return found
