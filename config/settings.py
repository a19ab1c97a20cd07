"""All settings. This file alone reads the environment; .env.example lists every variable."""

import datetime
import os
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import dj_database_url
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def env_bool(name: str, default: bool) -> bool:
    """Read a yes-or-no variable. Only "true" and "false" count; anything else is refused."""
    value = os.environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value == "true"


def env_list(name: str) -> list[str]:
    """Read a list parted by commas; empty when the variable is missing."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def env_count(name: str, default: int) -> int:
    """Read a small whole number from 0 up; anything else is refused."""
    value = os.environ.get(name, "").strip()
    if value == "":
        return default
    if not (value.isascii() and value.isdigit() and len(value) == 1):
        raise ImproperlyConfigured(f"{name} must be a number from 0 to 9, not {value!r}.")
    return int(value)


def env_required(name: str, hint: str) -> str:
    """Read a variable that production cannot do without. Raises ImproperlyConfigured."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{name} is missing. {hint}")
    return value


# --- What kind of run this is. Off unless asked for: a forgotten variable is then safe.
DEBUG = env_bool("DEBUG", False)

if DEBUG:
    SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-development-" + "x" * 40)
    ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or ["*"]
else:
    SECRET_KEY = env_required(
        "SECRET_KEY", "Set it to 50 or more random characters, or set DEBUG=true to develop."
    )
    is_placeholder = SECRET_KEY.startswith(("only-for-development", "django-insecure"))
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10 or is_placeholder:
        raise ImproperlyConfigured("SECRET_KEY must be at least 50 random characters.")
    ALLOWED_HOSTS = env_list("ALLOWED_HOSTS")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the site's host names, without *.")

SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")

# --- Applications
INSTALLED_APPS = [
    "accounts.apps.MesoguideAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_filters",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "accounts.apps.AccountsConfig",
    "treatments",
    "clinics",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.request_size.RequestSizeMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.sessions.LastSeenMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Versions are looked up by their row, never by a moment alone, and a file may write a million.
SIMPLE_HISTORY_DATE_INDEX = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Our own field template must be found in templates/ before Django's.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database: SQLite unless DATABASE_URL names another
DATABASES = {
    "default": dj_database_url.config(
        default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # WAL without IMMEDIATE loses most concurrent read-then-write transactions.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # secure_delete: what is deleted leaves no bytes in the file.
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        ),
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A directory page asks two dozen short questions; compiling each costs more than it saves.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")

# --- Language and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Files
STATIC_URL = "static/"
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT", BASE_DIR / "build" / "static"))
# The second: pictures of the staff guide, which the admin shows.
STATICFILES_DIRS = [BASE_DIR / "static", ("staff-guide", BASE_DIR / "docs" / "staff-guide")]
MEDIA_URL = "media/"
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", BASE_DIR / "media"))
# Files that are handed out to nobody, such as photos that are not public and lists that wait to be
# imported. Kept apart from MEDIA_ROOT; the site and `run_jobs` share it.
PRIVATE_ROOT = Path(os.environ.get("PRIVATE_ROOT") or BASE_DIR / "private")
# While developing nobody starts run_jobs: then the site makes the sizes of photos itself, and
# sends the mails that wait.
PREPARES_PHOTOS_ITSELF = DEBUG
SENDS_MAILS_ITSELF = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# As many rows of offers, people and checks as a clinic's page in the admin takes.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# What one request may have, files and all, in bytes. docs/deploy.md tells nginx the same.
LARGEST_REQUEST = 20 * 1024 * 1024
# Pages that take more, of people who are signed in as staff: photos of a clinic, films, lists.
LARGEST_REQUEST_OF = {
    "admin:clinics_clinic_photos": 160 * 1024 * 1024,
    "admin:treatments_film_add": 70 * 1024 * 1024,
    "admin:treatments_film_change": 70 * 1024 * 1024,
    "admin:clinics_bulkimport_add": 70 * 1024 * 1024,
}

# --- Signing in: staff and editors only
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "accounts.backends.ThrottledSignIn",
    "accounts.backends.PasswordBackend",
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
# A link to choose a password lives an hour; whoever comes late asks for another.
PASSWORD_RESET_TIMEOUT = 3600

# Proxies in front that each add to X-Forwarded-For the address they were asked from. What stands
# further to the left in that header was written by the visitor and is believed by nobody.
TRUSTED_PROXIES = env_count(
    "TRUSTED_PROXIES", 1 if not DEBUG and env_bool("BEHIND_TLS_PROXY", False) else 0
)

# The second step: a code from an authenticator app. Anybody who signs in may turn it on; superusers
# and these groups cannot do without. Not while developing: demonstration accounts have none.
SECOND_STEP_REQUIRED = not DEBUG
SECOND_STEP_GROUPS = ["Editors", "Moderators"]
OTP_TOTP_ISSUER = "Mesoguide"

# Wrong passwords and wrong codes are counted together, in the database, for fifteen minutes.
AXES_HANDLER = "accounts.sign_in_throttle.SignInThrottle"
AXES_COOLOFF_TIME = datetime.timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address", "username"]
# In units of the limits in accounts/sign_in_throttle.py, where each parameter has its own.
AXES_FAILURE_LIMIT = 1
AXES_RESET_ON_SUCCESS = True
# A try during the pause does not make it longer: else a stranger could keep somebody out for ever.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_CLIENT_IP_CALLABLE = "config.visitor_address.visitor_address"
AXES_LOCKOUT_CALLABLE = "accounts.sign_in_throttle.locked_page"
# Sessions say who is signed in; a second record of it, with addresses, would serve nobody.
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# --- Security headers. No inline script or style anywhere, so no nonce is needed.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        # data: for the admin's own icons.
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        # Films and their captions.
        "media-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
PERMISSIONS_POLICY = {
    feature: [] for feature in ("camera", "microphone", "payment", "usb", "browsing-topics")
}
# For "Use my position" beside the filters; the browser asks the visitor first.
PERMISSIONS_POLICY["geolocation"] = ["self"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "accounts.sessions"
# Without use for so long, or so long after signing in whatever the use: the session ends.
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ABSOLUTE_AGE = 7 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
if not DEBUG:
    SECURE_SSL_REDIRECT = env_bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = []
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-session"
    CSRF_COOKIE_NAME = "__Host-csrf"
    if env_bool("BEHIND_TLS_PROXY", False):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- E-mail: only to say that something is there to read. Shown in the terminal while developing.
if DEBUG:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
EMAIL_HOST = os.environ.get("EMAIL_HOST", "localhost")
# Never in the clear over a network: only a mail server on this machine may do without.
EMAIL_USE_TLS = EMAIL_HOST != "localhost"
EMAIL_PORT = int(os.environ.get("EMAIL_PORT") or (587 if EMAIL_USE_TLS else 25))
EMAIL_HOST_USER = os.environ.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("DEFAULT_FROM_EMAIL", "webmaster@localhost")
# The beginning of links in e-mails; a visitor's request must not decide it.
SITE_URL = os.environ.get("SITE_URL", "").rstrip("/") or (
    "http://127.0.0.1:8000" if DEBUG else f"https://{ALLOWED_HOSTS[0].lstrip('.')}"
)

# --- What patients write is sealed with the first of these keys and opened with any.
ENQUIRY_KEYS = env_list("ENQUIRY_KEYS")
ENQUIRY_KEYS_ARE_FOR_DEVELOPMENT = DEBUG and not ENQUIRY_KEYS
if ENQUIRY_KEYS_ARE_FOR_DEVELOPMENT:
    ENQUIRY_KEYS = [urlsafe_b64encode(sha256(f"enquiries {SECRET_KEY}".encode()).digest()).decode()]
if not ENQUIRY_KEYS:
    raise ImproperlyConfigured(
        "ENQUIRY_KEYS is missing. Without it nobody could read what patients send; "
        "see .env.example."
    )
for enquiry_key in ENQUIRY_KEYS:
    try:
        Fernet(enquiry_key)
    except ValueError as error:
        raise ImproperlyConfigured(
            "Each of ENQUIRY_KEYS must be a key as .env.example says how to make."
        ) from error

# --- Ours
# The directory's index in a file, for a quick start; "" keeps none.
INDEX_SNAPSHOT = os.environ.get("INDEX_SNAPSHOT", str(BASE_DIR / "build" / "directory.npz"))
# How often a process writes down how many views of clinics it has counted; None: never.
VIEW_COUNT_SECONDS = 60
# Address printed on the accessibility and privacy pages; the line is left out when empty.
CONTACT_EMAIL = os.environ.get("CONTACT_EMAIL", "")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"hide_private_links": {"()": "config.log_masks.HidePrivateLinks"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "filters": ["hide_private_links"]},
        "null": {"class": "logging.NullHandler"},
    },
    # A wrong Host header is answered with 400; a traceback for each would fill the log.
    "loggers": {
        "django.security.DisallowedHost": {"handlers": ["null"], "propagate": False},
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
}
