"""Makes the scorer's weights from graded replies, and measures how good they are; never imported at run time."""
