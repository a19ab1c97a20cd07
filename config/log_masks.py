"""What must not stand in a log."""

import logging
import re

# The end of such an address opens what a patient wrote, or proves who somebody is.
PRIVATE_LINK = re.compile(r"(/your-(?:request|claim|invitation)/)[^/\s?\"']+")


class HidePrivateLinks(logging.Filter):
    """Cuts the secret part out of private links in every line that a handler writes."""

    def filter(self, record) -> bool:
        """Change the line; never hold one back."""
        words = record.getMessage()
        if PRIVATE_LINK.search(words):
            record.msg, record.args = PRIVATE_LINK.sub(r"\1...", words), ()
        return True
