"""Everything that runs on a schedule, and the tasks: one process."""
