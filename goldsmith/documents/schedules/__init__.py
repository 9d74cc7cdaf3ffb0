"""When schedules are due: cron and rate expressions in time zones."""
