"""What everything else may use: messages, errors, clock, calendar, masking, log. Imports nothing of ours."""
