"""Background work: when things are done, and by whom. What is done stands elsewhere."""
