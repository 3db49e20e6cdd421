"""Windows Task Scheduler: a task as XML, registered with schtasks."""
