"""What answers HTTP: the vendors' callbacks, the local chat page, health."""
