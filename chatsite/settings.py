"""All settings, driven by the environment. Every variable is also in .env.example (a test compares)."""

from pathlib import Path

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from chatsite import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(BASE_DIR / ".env")

# --- where things are -------------------------------------------------------------------
DATA_DIR = env.directory("DATA_DIR", BASE_DIR / "data")
DATABASE_URL = env.text("DATABASE_URL")
REDIS_URL = env.text("REDIS_URL")
CHROMA_URL = env.text("CHROMA_URL")
REDIS_WITHOUT_PASSWORD = env.flag("REDIS_WITHOUT_PASSWORD", False)  # on a private network
IS_EMBEDDED = not (REDIS_URL or CHROMA_URL)  # one process does everything
MEDIA_ROOT = DATA_DIR / "files"
MEDIA_URL = "/media/"  # nothing is served from here: views check access and send the file
FILE_UPLOAD_PERMISSIONS = 0o600

# --- security -----------------------------------------------------------------------------
DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.secret_key("SECRET_KEY", DATA_DIR / "secret_key")
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env.words("TRUSTED_PROXIES")
IS_HTTPS = env.flag("HTTPS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]  # probes come from inside, by http
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_AGE = 60 * 60 * 24 * 30
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "media-src": [SELF, "blob:"],  # a video being attached is read in the page, never sent
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- applications -------------------------------------------------------------------------
INSTALLED_APPS = [
    "chatsite",
    "chat",
    "knowledge",
    "jobs",
    "inference",
    "accounts",
    "daphne",
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "axes",
    "csp",
    "django_htmx",
    "servestatic",
]
ADMIN_URL = env.text("ADMIN_URL", "on").strip("/")
ADMIN_URL = {"on": "admin/", "off": ""}.get(ADMIN_URL, f"{ADMIN_URL}/")
INSTALLED_APPS.append("accounts.apps.SiteAdminConfig")
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.PreferencesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatsite.context.site",
            ],
            "builtins": ["chatsite.templatetags.ui"],
        },
    }
]

# --- database, cache, channel layer ----------------------------------------------------------
DATABASES = {"default": env.database("DATABASE_URL", DATA_DIR / "site.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if REDIS_URL:
    from redis.asyncio.retry import Retry
    from redis.backoff import ConstantBackoff
    from redis.exceptions import ConnectionError as RedisConnectionError

    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [
                    {
                        "address": REDIS_URL,
                        "socket_timeout": None,  # redis-py 8 would cut an idle socket after 5 s without this
                        "retry": Retry(
                            ConstantBackoff(0.1), 3
                        ),  # the pool's sockets are dead after a restart
                        "retry_on_error": [RedisConnectionError],
                    }
                ],
                "capacity": 1000,
            },
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

# --- jobs -----------------------------------------------------------------------------------
# kind → queue, priority (lower goes first), handler (takes a jobs.worker.Lease), and who is told
# when its workers died once too often (takes the job)
JOB_KINDS = {
    "reply": ("inference", 10, "chat.replies.run_turn", "chat.endings.fail_turn"),
    "document": ("ingestion", 20, "knowledge.ingest.ingest_document", "knowledge.ingest.fail_document"),
    "calibrate": (
        "background",
        60,
        "knowledge.calibration.run_calibration",
        "knowledge.calibration.end_calibration",
    ),
    "move": ("background", 20, "knowledge.moving.run_move", "knowledge.moving.end_move"),
    "removal": ("background", 20, "knowledge.clearing.run_removal", "knowledge.clearing.end_removal"),
    "reindex": ("background", 40, "knowledge.reindexing.reindex", "knowledge.reindexing.end_reindex"),
    "golden": ("background", 20, "knowledge.releases.trial.run_trial", "knowledge.releases.trial.end_trial"),
    "model_pull": ("background", 30, "chat.model_desk.pulls.run_pull", "chat.model_desk.pulls.end_pull"),
    "playground": ("inference", 10, "chat.model_desk.duel.run_duel", "chat.model_desk.duel.end_duel"),
    "summary": (
        "inference",
        60,
        "knowledge.summaries.making.write_summary",
        "knowledge.summaries.making.fail_summary",
    ),
    "source": ("background", 70, "knowledge.sources.looks.run_look", "knowledge.sources.looks.end_look"),
}
# called every 15 s, beside the queue's own sweep
JOB_SWEEPS = [
    "chat.endings.end_stale_turns",
    "chat.attachments.sweeping.sweep",
    "knowledge.sources.looks.enqueue_due",
    "knowledge.reindexing.sweep",
    "knowledge.calibration.sweep",
]
JOB_SLOTS = {
    "inference": env.integer("INFERENCE_SLOTS", 0),
    "ingestion": env.integer("INGESTION_SLOTS", 1),
    "background": 3,
}
# of a kind at once, everywhere: a long download, summary, trial or look at a site leaves a slot to others
JOB_LIMITS = {"model_pull": 1, "summary": 1, "source": 1, "reindex": 1, "golden": 1}
JOB_LEASE_S = 15
JOB_MAX_ATTEMPTS = 2
CELERY_BROKER_URL = REDIS_URL or "memory://localhost"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # a message is a hint; a late ack on a channel Redis closed ends the worker
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "background"
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 6 * 3600, "socket_timeout": 30, "socket_connect_timeout": 3}
    if REDIS_URL
    else {"polling_interval": 0.02}
)

# --- inference --------------------------------------------------------------------------------
ENGINE = env.text("ENGINE", "auto")
MODEL_PATH = env.text("MODEL_PATH")
MODEL_MEMORY_GB = env.number("MODEL_MEMORY_GB", 0)
MODEL_ROWS = env.integer("MODEL_ROWS", 8)
MODEL_THREADS = env.integer("MODEL_THREADS", 0)
MODEL_CONTEXT = env.integer("MODEL_CONTEXT", 0)
ONNX_RUNTIME = env.text("ONNX_RUNTIME", "auto")
OLLAMA_URL = env.text("OLLAMA_URL", "http://127.0.0.1:11434")
OLLAMA_MODEL = env.text("OLLAMA_MODEL")
OLLAMA_SLOTS = env.integer("OLLAMA_SLOTS", 4)
OLLAMA_CONTEXT_TOKENS = env.integer("OLLAMA_CONTEXT_TOKENS", 4096)
OPENAI_BASE_URL = env.text("OPENAI_BASE_URL")
OPENAI_API_KEY = env.text("OPENAI_API_KEY")
OPENAI_MODEL = env.text("OPENAI_MODEL")
OPENAI_SLOTS = env.integer("OPENAI_SLOTS", 4)
OPENAI_CONTEXT_TOKENS = env.integer("OPENAI_CONTEXT_TOKENS", 4096)
OPENAI_IMAGES = env.text("OPENAI_IMAGES", "parts")
TRANSFORMERS_MODEL = env.text("TRANSFORMERS_MODEL")
OPENVINO_MODEL = env.text("OPENVINO_MODEL")
FIRST_TOKEN_TIMEOUT_S = env.number("FIRST_TOKEN_TIMEOUT_S", 60)
EMBEDDING_MODEL = env.text("EMBEDDING_MODEL")
EMBEDDER_DIR = Path(env.text("EMBEDDER_DIR", str(BASE_DIR / "build" / "embedders")))
PACED_TOKENS_PER_S = env.number("PACED_TOKENS_PER_S", 20)
PACED_TOKENS = env.integer("PACED_TOKENS", 200)

# --- limits -------------------------------------------------------------------------------------
RATE_LIMITS = env.flag("RATE_LIMITS", True)
MAX_REPLIES_PER_USER = env.integer("MAX_REPLIES_PER_USER", 1)
MAX_QUEUED_REPLIES = env.integer("MAX_QUEUED_REPLIES", 200)
MAX_UPLOAD_MB = env.integer("MAX_UPLOAD_MB", 50)
MAX_IMAGES = env.integer("MAX_IMAGES", 4)
MAX_IMAGE_MB = env.integer("MAX_IMAGE_MB", 10)
MAX_QUESTION_CHARS = 8000
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = 200
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000  # an action takes 1,000 documents, named one by one

# --- documents ----------------------------------------------------------------------------------
OCR = env.text("OCR", "auto")
OCR_LANGUAGES = env.words("OCR_LANGUAGES")

# --- sources of documents ---------------------------------------------------------------------
SOURCE_FOLDERS = env.words("SOURCE_FOLDERS")
SOURCE_ALLOW_PRIVATE = env.words("SOURCE_ALLOW_PRIVATE")
SOURCE_PORTS = env.words("SOURCE_PORTS")

# --- accounts ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
SIGNUP = env.flag("SIGNUP", True)
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_PREVENT_ENUMERATION = "strict"  # sign-up does not tell whose e-mail addresses we know
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "signup": "accounts.forms.SignUpForm",
    "change_password": "accounts.forms.PasswordChangeForm",
    "set_password": "accounts.forms.PasswordSetForm",
    "reset_password": "accounts.forms.PasswordResetForm",
    "reset_password_from_key": "accounts.forms.PasswordFromLinkForm",
    "reauthenticate": "accounts.forms.PasswordAgainForm",
}
# Wrong passwords are counted by axes alone; the rest of allauth's limits stand.
ACCOUNT_RATE_LIMITS = {"login_failed": None} if RATE_LIMITS else False
AXES_ENABLED = RATE_LIMITS
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
AXES_CLIENT_IP_CALLABLE = "accounts.addresses.client_address"
SEED_PASSWORD = env.text("SEED_PASSWORD")
_email = env.email("EMAIL_URL")
EMAIL_BACKEND = str(_email["EMAIL_BACKEND"])
globals().update(_email)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "chat@localhost")

# --- languages, time ------------------------------------------------------------------------------
LANGUAGES = [("en", _("English")), ("he", _("Hebrew")), ("ar", _("Arabic"))]
LANGUAGE_CODE = env.language("LANGUAGE", "en", [code for code, _name in LANGUAGES])
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_I18N = USE_TZ = True

# --- static files -------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "chatsite.storage.StaticStorage"},
}
SERVESTATIC_USE_MANIFEST = not DEBUG

# --- logging ----------------------------------------------------------------------------------------
LOG_LEVEL = env.text("LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "chatsite.logs.OneLineFormatter",
            "format": "{asctime} {levelname} {name} {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        name: {"level": LOG_LEVEL}
        for name in ("chatsite", "chat", "knowledge", "jobs", "inference", "accounts")
    },
}
