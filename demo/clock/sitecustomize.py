"""Sets the clock of this process back, by DEMO_DAYS_BACK. Python imports it by itself from where its path leads."""

import os

from demo.clocks import set_back

set_back(int(os.environ["DEMO_DAYS_BACK"]))
