"""The schedule: one model, rendered for systemd, cron and Windows, installed, and verified.

    schedule = Schedule.of(settings, program)      what is wanted         (model.py)
    render(schedule)                               as the scheduler's own text
    plan_install(schedule).show(); .apply()        what will change, then the change (plan.py)
    verify(schedule)                               what is wrong with what is there  (rules.py)

The bot itself needs none of this: a run knows its slot from the clock. What is rendered here only
has to wake it up often enough, and never at a time that a clock change takes away.
"""
