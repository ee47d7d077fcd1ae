"""The coaching itself: lessons, scoring, search, the ladder and the boards, as pure functions over plain data."""
