"""How gunicorn serves us. The settings are config.py's; what is here follows from what Rspamd sends."""

import os
import pathlib
import re
import resource

import config as ours
from environment import ConfigError, refuse_weak_secret

wsgi_app = "run:app"
bind = ours.BIND
workers = ours.WORKERS
threads = ours.THREADS
worker_class = "gunicorn_worker.BoundedWorker"
backlog = 2048
timeout = 60
graceful_timeout = 20
keepalive = 5
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - gunicorn's heartbeat file, not ours

# A mail's symbols come in one header; beyond this we could not answer with a word of our own.
limit_request_line = 8190
limit_request_fields = 200
limit_request_field_size = 1 << 20

# gunicorn drops headers with an underscore, and Rspamd sends two. Who really asks is decided by TRUSTED_PROXIES, not here.
forwarded_allow_ips = "*"
secure_scheme_headers = {}
forwarder_headers = "X-RSPAMD-SCAN_TIME,X-RSPAMD-RSPAMD_SERVER"

# Where a site has an access log: without queries and referrers, since the links in our letters are keys.
access_log_format = '%(h)s - %(u)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s "%(a)s"'

# A connection is a file: a thousand of them and the store's are more than the usual 1,024.
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
_wanted = 16384 if _hard == resource.RLIM_INFINITY else min(16384, _hard)
if _soft != resource.RLIM_INFINITY and _soft < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _hard))

# A worker that ends at this would only be started again, for ever: refuse before there are any.
refuse_weak_secret(ours.SECRET_KEY)

# A folder of its own: Prometheus' client takes every .db file beside its counters for one of them.
metrics = pathlib.Path(ours.METRICS_DIR) / "counters"
try:
    metrics.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ConfigError("METRICS_DIR", f"cannot make {metrics}: {error.strerror}") from None
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)


def on_starting(_server):
    """The counters of the processes before us go; nothing else that may be in that folder does."""
    for path in metrics.iterdir():
        if re.fullmatch(r"(counter|gauge_[a-z]+|histogram|summary)_\d+\.db", path.name):
            path.unlink(missing_ok=True)


def post_worker_init(worker):
    """Starts the jobs, and the intake, so that what a dead process left in the spool is replayed without waiting for traffic."""
    if "ingest" in ours.ROLES:
        from app.errors import MailkeepError

        try:
            worker.wsgi.extensions["mailkeep_intake"].get()
        except MailkeepError as error:
            worker.log.warning("ingest is not ready yet: %s", error)
    worker.wsgi.extensions["mailkeep_jobs"].start()


def worker_exit(_server, worker):
    """What was accepted is committed, the spool closed, mails that wait are sent; a killed process leaves the first two to the next."""
    assembly = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("mailkeep_intake")
    if assembly:
        assembly.stop()
    jobs = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("mailkeep_jobs")
    if jobs:
        jobs.stop()
    background = getattr(getattr(worker, "wsgi", None), "extensions", {}).get("mailkeep_background")
    if background:
        background.stop()


def child_exit(_server, worker):
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)
