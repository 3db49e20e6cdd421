"""When a run may trade, and that it is the only one: trading hours, slots, jitter, deadline, lock.

All but `run_lock.py` are pure functions of the time and the settings, so the bot and a preview of
the schedule give the same answer.
"""
