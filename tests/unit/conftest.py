"""Property tests have no deadline: the machine is shared, and a slow example is no fault."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("jiehua", deadline=None)
settings.load_profile("jiehua")
