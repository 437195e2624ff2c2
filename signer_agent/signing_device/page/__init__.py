"""The signing device's page: its display for a phone's browser, served on loopback alone, and offline.

``listener`` serves it, to whom ``wire.local_page`` lets in; ``face`` says what it shows and what can be done there;
``static`` has the page itself. Of the device it knows the desk's side for displays, and nothing else.
"""

from signer_agent.signing_device.page.face import SIZE
from signer_agent.signing_device.page.listener import open_page

__all__ = ["SIZE", "open_page"]
