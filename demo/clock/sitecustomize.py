"""Sets the clock of this process back, by DEMO_SECONDS_BACK. Python imports it by itself from where its path leads."""

import os
from datetime import timedelta

from demo.clocks import set_back

set_back(timedelta(seconds=int(os.environ["DEMO_SECONDS_BACK"])))
