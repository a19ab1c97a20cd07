"""The settings under test: those of development, with what makes tests quick.

How the site behaves in production is tested in test_settings.py and in the
journeys, which start it as production does.
"""

import os

os.environ["DEBUG"] = "true"
os.environ["INDEX_SNAPSHOT"] = ""
# The synchronous Playwright keeps an event loop in the thread that also uses the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

from config.settings import *  # noqa: F403  (after the variables it reads)

# Any real hasher takes a tenth of a second for each account made.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Tables as the models say, in a second instead of ten; see `django_db_setup` in conftest.py. The
# site of the journeys migrates its database as a real one does.
DATABASES["default"].setdefault("TEST", {})["MIGRATE"] = False  # noqa: F405

# Each client of each test would look through all static files before its first request.
WHITENOISE_AUTOREFRESH = True
# A test writes what was counted when it wants to: else any request might, and ask a query more.
VIEW_COUNT_SECONDS = None
