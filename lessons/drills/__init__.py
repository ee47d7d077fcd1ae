"""Multi-turn drills: the customer answers back; what a drill is, how it goes, and what is said afterwards."""
