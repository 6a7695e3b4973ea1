"""Every setting: its default and one line of meaning. docs/configuration.md tells the same at length.

Values come from the environment, then from an optional .env beside this file; NAME_FILE names a file that holds the value
of NAME (for secrets). A value that cannot be used stops the start with one line that names it.
"""

import os
import socket

from dotenv import load_dotenv

from environment import (
    BASE_DIR,
    KB,
    MB,
    ConfigError,
    env_attribute,
    env_attributes,
    env_bool,
    env_choice,
    env_file,
    env_filter,
    env_float,
    env_folder,
    env_header,
    env_int,
    env_list,
    env_networks,
    env_plus,
    env_rate,
    env_roles,
    env_scores,
    env_secret,
    env_str,
    env_times,
    env_zone,
    node_name,
)
from environment_addresses import (
    counter_url,
    database_url,
    env_address,
    env_picture,
    env_servers,
    env_url,
    release_url,
    session_store_url,
    smtp_url,
    store_url,
    syslog_url,
)
from environment_retention import MOST_DAYS, env_retention

load_dotenv(os.environ.get("MAILKEEP_ENV", BASE_DIR / ".env"))

# --- The process -----------------------------------------------------------------------------------------------------------
# What this process does: web (the panel), portal (of the panel what is for recipients, and no more), ingest (takes mails from Rspamd),
# jobs (background work).
ROLES = env_list("ROLES", "web,ingest,jobs", ("web", "portal", "ingest", "jobs"))
# The name of this server among all that share the database; it owns the stored copies of the mails it takes.
NODE_NAME = node_name("NODE_NAME", socket.gethostname().split(".")[0] or "node1")
# Signs cookies and tokens; all servers of one panel share it. `make run` writes one to var/secret_key.
SECRET_KEY = env_secret("SECRET_KEY", BASE_DIR / "var" / "secret_key")
# Where gunicorn listens.
BIND = env_str("BIND", "127.0.0.1:8080")
# Where people reach the panel: https://mail.example.com, or https://mail.example.com/mailkeep below a path (empty: as each request says).
PUBLIC_URL = env_url("PUBLIC_URL", "")
# Where recipients reach their portal, if it is not the panel (empty: PUBLIC_URL).
PORTAL_URL = env_url("PORTAL_URL", "")
# Processes.
WORKERS = env_int("WORKERS", 2, 1, 32)
# Threads in each: so many pages at once. A mail that Rspamd posts holds none.
THREADS = env_int("THREADS", 32, 1, 512)
# Addresses whose X-Forwarded-For, -Proto, -Host and -Prefix are believed; from anybody else these headers mean nothing.
TRUSTED_PROXIES = env_networks("TRUSTED_PROXIES", "")
# DEBUG, INFO, WARNING or ERROR.
LOG_LEVEL = env_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))

# --- Where things are kept -------------------------------------------------------------------------------------------------
# sqlite:///file, mysql://user:password@host/name or postgresql://user:password@host/name.
SQLALCHEMY_DATABASE_URI = database_url("DATABASE_URL", "sqlite:///var/mailkeep.db")
# Raw mails: file:///folder, or s3://bucket/prefix?endpoint=https://host for all servers at once (docs/storage.md).
STORE_URL = store_url("STORE_URL", "file:var/store")
# What was accepted and is not yet both in the database and in the store. On a local disk that survives a power cut.
SPOOL_DIR = env_folder("SPOOL_DIR", "var/spool")
# zstd level for raw mails: 1 is fastest, 3 saves about a tenth more.
STORE_LEVEL = env_int("STORE_LEVEL", 1, 1, 19)

# --- Ingest: limits --------------------------------------------------------------------------------------------------------
# Bytes of the request body, and what it may grow to when it comes compressed.
MAX_BODY_BYTES = env_int("MAX_BODY_BYTES", 64 * MB, KB)
# Bytes of the report without the message: JSON, or the X-Rspamd-* headers together.
MAX_METADATA_BYTES = env_int("MAX_METADATA_BYTES", 2 * MB, KB)
# Bytes of all HTTP request headers together (gunicorn itself stops at 1 MB a header).
MAX_HEADER_BYTES = env_int("MAX_HEADER_BYTES", 512 * KB, KB, 8 * MB)
# Envelope recipients of one mail.
MAX_RECIPIENTS = env_int("MAX_RECIPIENTS", 5000, 1, 32_000)
# Symbols of one mail.
MAX_SYMBOLS = env_int("MAX_SYMBOLS", 2000, 1)

# --- Ingest: which mails keep their raw copy -------------------------------------------------------------------------------
# By action: mails Rspamd decided one of these for.
STORE_ACTIONS = env_list("STORE_ACTIONS", "add header,rewrite subject,discard,reject,quarantine", convert=lambda w: w.strip().lower())
# Mails with a virus, whatever the action.
STORE_VIRUS = env_bool("STORE_VIRUS", True)
# Any mail with one of these symbols.
STORE_SYMBOLS = env_list("STORE_SYMBOLS", "")
# Of the mails chosen by action: only those with one of these symbols (empty: no such condition).
STORE_ONLY_SYMBOLS = env_list("STORE_ONLY_SYMBOLS", "")
# Any mail with at least this score (empty: no such rule).
STORE_MIN_SCORE = env_str("STORE_MIN_SCORE", "")
# Only mails with a recipient in one of these domains (empty: all); viruses included.
STORE_DOMAINS = env_list("STORE_DOMAINS", "", convert=lambda w: w.strip().lower().lstrip("@"))
# Symbols that mean a virus was found; the first option names it. A * at either end matches anything.
VIRUS_SYMBOLS = env_list("VIRUS_SYMBOLS", "CLAM_VIRUS,CLAMAV_VIRUS,*_VIRUS,VIRUS_*,*_INFECTED")

# --- Ingest: safety --------------------------------------------------------------------------------------------------------
# The same mail posted again within this many seconds makes no second row (0: every post makes one).
DEDUP_SECONDS = env_int("DEDUP_SECONDS", 300, 0, 86400)
# A request waits this long for the database before it is answered from the spool alone.
DB_PATIENCE_SECONDS = env_float("DB_PATIENCE_SECONDS", 2.0, 0.1, 60.0)
# How many reports one transaction takes at most.
BATCH_ROWS = env_int("BATCH_ROWS", 200, 1, 1000)
# A spool file is closed at this size in bytes; closed files go once the store is flushed.
SPOOL_SEGMENT_BYTES = env_int("SPOOL_SEGMENT_BYTES", 64 * MB, MB)
# ... or at this age.
SPOOL_SEGMENT_SECONDS = env_float("SPOOL_SEGMENT_SECONDS", 10.0, 0.1, 3600.0)

# --- Maps: what Rspamd fetches ---------------------------------------------------------------------------------------------
# The texts of the maps, as they are served also while the database is away.
MAPS_DIR = env_folder("MAPS_DIR", "var/maps")
# Who may fetch them, beside the addresses of the nodes.
MAPS_ALLOW = env_networks("MAPS_ALLOW", "127.0.0.0/8,::1")
# Whoever fetches has to send the user and password of a node.
MAPS_AUTH = env_bool("MAPS_AUTH", False)
# A folder where the maps stand as files too, for a web server or an Rspamd on this host (empty: nowhere).
MAPS_FILES_DIR = env_folder("MAPS_FILES_DIR", "", may_be_empty=True)

# --- Watching --------------------------------------------------------------------------------------------------------------
# Who may read /metrics and the details of /readyz.
METRICS_ALLOW = env_networks("METRICS_ALLOW", "127.0.0.0/8,::1")
# Where gunicorn's processes share their counters, which go at each start.
METRICS_DIR = env_folder("METRICS_DIR", "var/metrics")
# Bytes of free space below which /readyz says no.
MIN_FREE_BYTES = env_int("MIN_FREE_BYTES", 256 * MB)

# --- Logging in ------------------------------------------------------------------------------------------------------------
# The role of accounts that are made at somebody's first login from a directory, by a provider or by a proxy's word.
LOGIN_ROLE = env_str("LOGIN_ROLE", "Recipient")
# Somebody who comes by another way with the address of an account is that account.
LINK_ACCOUNTS = env_bool("LINK_ACCOUNTS", False)
# Roles whose people must have a second factor: Admin,Domain admin (empty: whoever wants one).
SECOND_FACTOR_ROLES = env_list("SECOND_FACTOR_ROLES", "")
# The ways in after which it is asked for; a proxy and OpenID Connect have a second factor of their own to ask for.
SECOND_FACTOR_WAYS = env_list("SECOND_FACTOR_WAYS", "password,directory", ("password", "directory", "proxy", "oidc"))
# What parts a name from a tag in addresses: who has bob@example.com sees the mail to bob+shop@example.com (empty: nobody does).
PLUS_ADDRESSING = env_plus("PLUS_ADDRESSING", "+")
# LDAP servers, asked in this order: ldap://host, ldaps://host (empty: no directory).
LDAP_SERVERS = env_servers("LDAP_SERVERS", "")
# StartTLS on ldap:// servers; without it passwords cross the network in the clear.
LDAP_START_TLS = env_bool("LDAP_START_TLS", True)
# Whose certificates are believed, a PEM file (empty: the system's).
LDAP_CA_FILE = env_file("LDAP_CA_FILE", "")
# Who searches (empty: nobody, if the directory lets nobody search).
LDAP_BIND_DN = env_str("LDAP_BIND_DN", "")
# Its password.
LDAP_BIND_PASSWORD = env_str("LDAP_BIND_PASSWORD", "")
# Below this people are searched.
LDAP_BASE_DN = env_str("LDAP_BASE_DN", "")
# What people type as their name: uid, or sAMAccountName with Active Directory.
LDAP_LOGIN_ATTRIBUTE = env_attribute("LDAP_LOGIN_ATTRIBUTE", "uid")
# Only entries that fit: (objectClass=person).
LDAP_FILTER = env_filter("LDAP_FILTER", "")
# The address; of several values the first by the alphabet, the others are further addresses.
LDAP_MAIL_ATTRIBUTE = env_attribute("LDAP_MAIL_ATTRIBUTE", "mail")
# No: who has several values there may not log in.
LDAP_MAIL_MULTIVALUE = env_bool("LDAP_MAIL_MULTIVALUE", True)
# Further addresses: mailAlternateAddress, proxyAddresses (empty: none).
LDAP_ALIAS_ATTRIBUTE = env_attribute("LDAP_ALIAS_ATTRIBUTE", "")
# The first name: of these the first that has a value.
LDAP_FIRST_NAME = env_attributes("LDAP_FIRST_NAME", "givenName,displayName,cn")
# The last name, likewise.
LDAP_LAST_NAME = env_attributes("LDAP_LAST_NAME", "sn")
# The groups an entry is in.
LDAP_GROUP_ATTRIBUTE = env_attribute("LDAP_GROUP_ATTRIBUTE", "memberOf")
# Roles by group, GROUP=ROLE, with semicolons between (empty: roles are given in the panel).
LDAP_ROLES = env_roles("LDAP_ROLES", "")
# Names of admins.
LDAP_ADMINS = env_list("LDAP_ADMINS", "")
# Seconds for a connection and for each answer.
LDAP_TIMEOUT = env_float("LDAP_TIMEOUT", 3.0, 0.1, 60.0)
# A header in which a proxy says who comes: X-Remote-User (empty: off).
REMOTE_USER_HEADER = env_header("REMOTE_USER_HEADER", "")
# The only addresses from which that header counts.
REMOTE_USER_FROM = env_networks("REMOTE_USER_FROM", "")
# A TOML file with the identity providers: OpenID Connect, and mailcow (docs/logins.md); empty: none.
OIDC_FILE = env_file("OIDC_FILE", "")

# --- The panel -------------------------------------------------------------------------------------------------------------
# The name in titles and the navigation.
APP_NAME = env_str("APP_NAME", "Mailkeep")
# Secure cookies always, and not only where the request came over TLS.
SESSION_COOKIE_SECURE = env_bool("SESSION_COOKIE_SECURE", False)
# Hours without a request after which somebody is logged out.
SESSION_IDLE_HOURS = env_float("SESSION_IDLE_HOURS", 4.0, 0.05, 8760.0)
# Hours after a login in which it ends in any case.
SESSION_HOURS = env_float("SESSION_HOURS", 24.0, 0.05, 8760.0)
# Where it is kept who is logged in: database, redis://host:6379/0, or redis+sentinel://host:26379,host:26379/service.
SESSION_STORE = session_store_url("SESSION_STORE", "database")
# Login attempts per address, in Flask-Limiter's words.
LOGIN_RATE = env_rate("LOGIN_RATE", "10 per minute")
# Where login attempts are counted: memory:// counts per process, redis://host:6379 for all.
RATELIMIT_STORAGE_URI = counter_url("RATELIMIT_STORAGE_URI", "memory://")
# Rows on a page.
PAGE_SIZE = env_int("PAGE_SIZE", 50, 1, 1000)
# The most rows a visitor can ask for; never less than a page.
MAX_PAGE_SIZE = max(PAGE_SIZE, env_int("MAX_PAGE_SIZE", 200, 1, 1000))
# Where counting stops: beyond it a list says "10,000+".
COUNT_CAP = env_int("COUNT_CAP", 10_000, 1, 1_000_000)
# How long a search may look before it shows what it has and offers to go on.
SEARCH_SECONDS = env_float("SEARCH_SECONDS", 1.5, 0.1, 30.0)
# The most mails one export holds.
EXPORT_ROWS = env_int("EXPORT_ROWS", 50_000, 1, 10_000_000)
# How long one export may take before it ends and says so.
EXPORT_SECONDS = env_float("EXPORT_SECONDS", 120.0, 1.0, 3600.0)
# The scores from which your Rspamd acts (it does not tell them): what a score is shown against.
SCORE_THRESHOLDS = env_scores("SCORE_THRESHOLDS", "greylist=4,add header=6,reject=15")
# A JSON file with reasons of your own, for symbols of your own (docs/reading.md).
REASONS_FILE = env_str("REASONS_FILE", "")
# A GeoIP country database (.mmdb) that shows where an address is; empty: off.
GEOIP_DATABASE = env_str("GEOIP_DATABASE", "")

# --- Maps -------------------------------------------------------------------------------------------------------------------
# What recipients may do with entries of personal lists that somebody else made for them: hide (not even see), see, toggle or delete.
FOREIGN_ENTRIES = env_choice("FOREIGN_ENTRIES", "see", ("hide", "see", "toggle", "delete"))
# The most entries that recipients may have in a map for their own addresses.
OWN_ENTRIES = env_int("OWN_ENTRIES", 1000, 1)
# The most bytes of entries that are typed or uploaded at once.
MAPS_UPLOAD_BYTES = env_int("MAPS_UPLOAD_BYTES", 64 * MB, KB)

# --- Mails of our own -------------------------------------------------------------------------------------------------------
# The relay: smtp://host:25, smtp+starttls://host:587 or smtps://host:465 (empty: Mailkeep sends no mails).
SMTP_URL = smtp_url("SMTP_URL", "")
# Who sends, where the relay asks for it.
SMTP_USER = env_str("SMTP_USER", "")
# Its password.
SMTP_PASSWORD = env_str("SMTP_PASSWORD", "")
# Whose certificates are believed, a PEM file (empty: the system's).
SMTP_CA_FILE = env_file("SMTP_CA_FILE", "")
# Seconds for the connection and for each answer.
SMTP_TIMEOUT = env_float("SMTP_TIMEOUT", 10.0, 0.1, 300.0)
# The address that mails come from; needed with SMTP_URL.
MAIL_FROM = env_address("MAIL_FROM", "")

# --- Letters that tell people of mail kept for them --------------------------------------------------------------------------
# When accounts get them that have chosen nothing, by role: Recipient=daily at 07:00; Admin=never (empty: nobody does).
NOTICE_TIMES = env_times("NOTICE_TIMES", "")
# Of mails that Rspamd decided one of these for; with `add header` of junk, too.
NOTICE_ACTIONS = env_list("NOTICE_ACTIONS", "discard,reject,quarantine", convert=lambda w: w.strip().lower())
# Not of mails with a higher score (empty: no such rule).
NOTICE_MAX_SCORE = env_str("NOTICE_MAX_SCORE", "50.1")
# Not of mails with one of these symbols. A * at either end matches anything.
NOTICE_NOT_SYMBOLS = env_list("NOTICE_NOT_SYMBOLS", "*_BL,*_BLACKLIST")
# Of mails with a virus, too.
NOTICE_VIRUSES = env_bool("NOTICE_VIRUSES", False)
# Not of mails that are older than so many days when somebody looks whom to tell.
NOTICE_MAX_DAYS = env_int("NOTICE_MAX_DAYS", 7, 1, 3650)
# Letters a minute at most.
NOTICE_RATE = env_int("NOTICE_RATE", 600, 1, 1_000_000)
# Days after which a letter is forgotten: whom it told of what, and its links.
NOTICE_KEEP_DAYS = env_int("NOTICE_KEEP_DAYS", 90, 1, 3650)
# Days for which the links in a letter count.
NOTICE_LINK_DAYS = env_int("NOTICE_LINK_DAYS", 14, 1, 365)
# The picture above them: https://host/logo.png, or a PNG, JPEG or GIF file of 64 kB at most, which travels with each (empty: APP_NAME).
NOTICE_LOGO = env_picture("NOTICE_LOGO", "")
# A line below them: who you are, and who is asked when something is unclear.
NOTICE_FOOTER = env_str("NOTICE_FOOTER", "")
# The most mails that one letter names; of the rest it says how many they are.
NOTICE_MOST_LINES = env_int("NOTICE_MOST_LINES", 100, 1, 1000)

# --- Jobs -------------------------------------------------------------------------------------------------------------------
# off: nothing runs by its schedule, only by `flask jobs run`, for sites that have cron or systemd do it.
JOBS = env_bool("JOBS", True)
# The time zone in which times of day in schedules are meant.
JOBS_ZONE = env_zone("JOBS_ZONE", "UTC")

# --- Acting on mails --------------------------------------------------------------------------------------------------------
# Seconds in which what was asked for can be undone; so long it waits.
UNDO_SECONDS = env_int("UNDO_SECONDS", 8, 0, 3600)
# Seconds that a node's Rspamd has for all of an answer: to what it is taught, and to a mail it scans again.
CONTROLLER_TIMEOUT = env_float("CONTROLLER_TIMEOUT", 10.0, 0.1, 60.0)
# Mails of a search that one act is done to at most.
BULK_MAX = env_int("BULK_MAX", 10_000, 1, 1_000_000)

# --- Deleting mails ---------------------------------------------------------------------------------------------------------
# Who may delete stored copies: admins all, others of mails that went to nobody but themselves or their domains.
DELETE_COPY_ROLES = env_list("DELETE_COPY_ROLES", "Admin,Domain admin")
# Who may delete mails with all that is known of them, likewise.
DELETE_ROLES = env_list("DELETE_ROLES", "Admin")

# --- How long mails are kept ------------------------------------------------------------------------------------------------
# Days after which a raw copy goes (0: never).
RETENTION_COPY_DAYS = env_int("RETENTION_COPY_DAYS", 180, 0, MOST_DAYS)
# Days after which a mail goes with all that is known of it (0: never).
RETENTION_MAIL_DAYS = env_int("RETENTION_MAIL_DAYS", 366, 0, MOST_DAYS)
# Other days for some mails: action=no action: mail=30; domain=example.com: copy=365, mail=730; virus: copy=0 (empty: none).
RETENTION_RULES = env_retention("RETENTION_RULES", "")
# Bytes of free space below which a node lets its oldest copies go, whatever their age (0: never).
RETENTION_MIN_FREE_BYTES = env_int("RETENTION_MIN_FREE_BYTES", 0)
# What a partition holds where `flask db partition` made them on MariaDB: the mails of a month, or of a day.
RETENTION_PARTITIONS = env_choice("RETENTION_PARTITIONS", "month", ("month", "day"))

# --- Statistics -------------------------------------------------------------------------------------------------------------
# Days for which sums are kept, also of mails that are gone.
STATISTICS_DAYS = env_int("STATISTICS_DAYS", 1100, 31, MOST_DAYS)
# Of how many domains, of recipients and of senders each, and of how many viruses, an hour has sums (those of domain admins in any case).
STATISTICS_NAMES = env_int("STATISTICS_NAMES", 200, 1, 5000)

# --- Nodes ------------------------------------------------------------------------------------------------------------------
# Other nodes may be asked over http:// beyond this host, too: their mails then cross the network in the clear.
NODES_PLAIN_HTTP = env_bool("NODES_PLAIN_HTTP", False)

# --- Releasing mails --------------------------------------------------------------------------------------------------------
# Where released mails go: as SMTP_URL, or lmtp://host:24 or lmtp+unix:///path (empty: to SMTP_URL).
RELEASE_URL = release_url("RELEASE_URL", "")
# Who sends a mail whose copy is on another node: holder, by its own relay, or asker, which fetches the copy first.
RELEASE_FROM = env_choice("RELEASE_FROM", "holder", ("holder", "asker"))
# How often it is tried where the relay is away or says "later".
RELEASE_TRIES = env_int("RELEASE_TRIES", 5, 1, 100)
# How a mail goes where nobody chooses: as_it_was, or attached to a mail that explains it.
RELEASE_MODE = env_choice("RELEASE_MODE", "as_it_was", ("as_it_was", "attached"))
# Who may release mails: admins all, domain admins to their domains, recipients to their own addresses.
RELEASE_ROLES = env_list("RELEASE_ROLES", "Admin,Domain admin,Recipient")
# Those of them who may release mails with a virus.
RELEASE_VIRUS_ROLES = env_list("RELEASE_VIRUS_ROLES", "Admin")
# Mails with a higher score are released by admins only (empty: no such rule).
RELEASE_MAX_SCORE = env_str("RELEASE_MAX_SCORE", "")
# Mails that Rspamd decided one of these for are released by admins only: discard,reject (empty: no such rule).
RELEASE_ADMIN_ACTIONS = env_list("RELEASE_ADMIN_ACTIONS", "", convert=lambda w: w.strip().lower())
# Admins may release to any address, not only to those in the domains that the mail was for.
RELEASE_TO_ANYWHERE = env_bool("RELEASE_TO_ANYWHERE", False)
# Who may request the release of a mail that they may not release (empty: nobody).
REQUEST_ROLES = env_list("REQUEST_ROLES", "Recipient,Domain admin")
# A mail that somebody's own list allows and that was held back is released to them by itself.
PERSONAL_RELEASE = env_bool("PERSONAL_RELEASE", True)

# --- Teaching Rspamd, and scanning again ------------------------------------------------------------------------------------
# Who may teach Rspamd spam and ham: admins with all mails, domain admins with those to their domains.
LEARN_ROLES = env_list("LEARN_ROLES", "Admin,Domain admin")
# Who may add mails to its fuzzy storage, and take them out again.
FUZZY_ROLES = env_list("FUZZY_ROLES", "Admin")
# The flag that they get there, as fuzzy_check.conf names it.
FUZZY_FLAG = env_int("FUZZY_FLAG", 11, 1, 2**31 - 1)
# The weight that each of them adds.
FUZZY_WEIGHT = env_int("FUZZY_WEIGHT", 10, 1, 2**31 - 1)
# Who may have mails scanned again.
RESCAN_ROLES = env_list("RESCAN_ROLES", "Admin,Domain admin")

# --- The audit trail -------------------------------------------------------------------------------------------------------
# Where each event is sent as a line of JSON, beside the database: udp://host:port, unix:/dev/log, or empty: nowhere.
AUDIT_SYSLOG = syslog_url("AUDIT_SYSLOG", "")
# Whoever opens somebody else's mail says why first.
AUDIT_REASON = env_bool("AUDIT_REASON", False)

if {"web", "portal"} <= set(ROLES):
    raise ConfigError("ROLES", "web has all that portal has: name one of the two")
if STORE_MIN_SCORE:
    env_float("STORE_MIN_SCORE", 0.0, -1e9, 1e9)
if RELEASE_MAX_SCORE:
    env_float("RELEASE_MAX_SCORE", 0.0, -1e9, 1e9)
if NOTICE_MAX_SCORE:
    env_float("NOTICE_MAX_SCORE", 0.0, -1e9, 1e9)

# --- What the frameworks are told (not settings of ours) -------------------------------------------------------------------
SQLALCHEMY_TRACK_MODIFICATIONS = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_PROTECTION = None
FAB_UPDATE_PERMS = False
FAB_CREATE_DB = False
FAB_ADD_SECURITY_PERMISSION_VIEW = False
FAB_ADD_SECURITY_VIEW_MENU_VIEW = False
FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW = False
FAB_PASSWORD_COMPLEXITY_ENABLED = True
FAB_API_MAX_PAGE_SIZE = MAX_PAGE_SIZE
RATELIMIT_ENABLED = True
RATELIMIT_IN_MEMORY_FALLBACK_ENABLED = True
AUTH_RATE_LIMITED = True
AUTH_RATE_LIMIT = LOGIN_RATE
AUTH_TYPE = 1
AUTH_API_LOGIN_ALLOW_MULTIPLE_PROVIDERS = True  # "db" and "ldap" are the same door
LANGUAGES = {"en": {"flag": "gb", "name": "English"}, "de": {"flag": "de", "name": "Deutsch"}, "el": {"flag": "gr", "name": "Ελληνικά"}}
MAX_FORM_MEMORY_SIZE = 4 * MB  # many entries are pasted at once
MAX_CONTENT_LENGTH = MAPS_UPLOAD_BYTES + MAX_FORM_MEMORY_SIZE  # before the check of who asks it is read to the disk
BABEL_DEFAULT_LOCALE = "en"
BABEL_TRANSLATION_DIRECTORIES = str(BASE_DIR / "translations")
