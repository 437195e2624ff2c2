"""``fourseal-server guard page``: a page for the person who decides, on loopback alone.

``face`` says what it shows and what can be done there, ``serving`` serves it to whom ``wire.local_page`` lets in;
``static`` has the page itself. It shows and does what ``guard alarms`` and ``guard decide`` do, by their functions.
"""

from server.cli.guard_page.serving import open_page, run_page

__all__ = ["open_page", "run_page"]
