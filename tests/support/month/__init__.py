"""A month of the whole bot against a broker, in seconds, with a plan of what is done to each run.

* `Stage` (stage.py): the bot's folder, the broker and the clock; `run()` is one invocation.
* `Planned` (strategy.py): a strategy that wishes what the plan says.
* `Books` (books.py): what must follow from the plan, by the bot's promises alone.
* `HAPPENINGS` (happenings.py): everything that can be done to a run, and what must come of it.
* `play` (play.py): a seeded order of all of them; what each pair of instrument and slot must say.
"""
