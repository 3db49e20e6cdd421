"""A bot that is killed, stopped or started twice at an exact system call, and judged afterwards.

    with Zygote.start(folder) as zygote, Stage(folder / "stage", zygote) as stage:
        stage.fault("drop_after", endpoint="/trade/v2/orders", method="POST")
        seen = stage.run()                                      # one invocation, to its end
        killed = stage.run(plan=KillPlan(JOURNAL, 12, "half"))  # …, to its death
        stage.move(90)                                          # both sides' time goes on
        stage.run()
        assert find_breaches(stage) == []

What there is:

* `Zygote` (zygote.py): a process that has imported the program and forks one child per run, so that
  a run costs what a run does and not a start of Python. Any number of children at once.
* `Stage` (stage.py): a folder with a bot's files, a simulator that serves it, one clock for both;
  `run` and `start` are invocations of the real `tradebot.app.main`; `run_program` of `main.py`.
* `KillPlan` (plan.py): at which numbered call of which kind, and whether to die before, in the
  midst of it or after it, or to be stopped there (`Running.wait_until_stopped`, `resume`).
* `hooks` (hooks.py): changes to the program by name, for children only: `no_lock`, `sends_twice` …
* `FastClock` (fast_clock.py): time that runs faster than the machine's, and that a test moves on.
* `Scene`, `SCENES` (scenes.py): what a run can be killed in the midst of.
* `find_breaches` (judge.py): every way in which the promises about orders are broken.
* `Torturer` (torturer.py): kill, recover, judge; one point of a scene or a seeded random one.
"""
