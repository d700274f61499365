"""From approved answers to a measured voice, one file per stage.

sources.py reads examples; scrub.py takes secrets and personal data out; dataset.py writes what is trained on;
training.py starts unpack.py, tune.py and convert.py (torch, in an environment of its own); adapter.py is the trained
thing with its manifest; arms.py answers held-back questions in every way there is, comparing.py scores them, report.py
shows what came of it. LOG.md keeps what was tried, the failures included.
"""
