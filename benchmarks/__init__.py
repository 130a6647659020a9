"""Benchmarks: each prints measured figures, the machine and the date.

`python -m benchmarks --quick` runs all of them as a smoke test.
"""

from pathlib import Path
from typing import Final

#: The checkout; benchmarks that start `python -m benchmarks...` processes start them here.
ROOT: Final = Path(__file__).parents[1]
