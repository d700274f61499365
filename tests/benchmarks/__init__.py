"""Measured beside their peers in the same run: `python -m tests.benchmarks.NAME [--json] [--chunks N] [--data DIR]`.

`python -m tests.benchmarks` runs all and writes docs/benchmarks.md. Trust the ratios: peers take turns on the same
machine, the same server and the same rows, and whatever else the machine does slows them alike.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line has it, before numpy is imported
