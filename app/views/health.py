"""GET /healthz, /readyz and /metrics: for load balancers, monitoring and Prometheus."""

import os
import pathlib
import shutil

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from app.errors import NotAllowed
from app.networks import is_in
from app.queries.health import database_answers, spool_state, store_answers
from app.storage import folder_of, is_shared
from app.version import VERSION

health = Blueprint("health", __name__)
metrics = Blueprint("metrics", __name__)

_SPOOL_LATE_SECONDS = 120


@health.get("/healthz")
def healthz() -> Response:
    """The process answers; nothing else is looked at."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> tuple[Response, int]:
    """503 when mail taken now could be lost. What is away over a network is `degraded`, not a no: the spool takes what comes."""
    database = database_answers()
    spool = spool_state(current_app.config["SPOOL_DIR"])
    store = _store(current_app.config["STORE_URL"])
    room = _folder(current_app.config["SPOOL_DIR"])
    takes_mail = room["ok"] and (store["ok"] or is_shared(current_app.config["STORE_URL"]))
    late = spool.oldest_seconds > _SPOOL_LATE_SECONDS
    whole = takes_mail and database and store["ok"] and not late and not spool.failed
    state = "ready" if whole else "degraded" if takes_mail else "not ready"
    answer: dict[str, object] = {"state": state}
    if _may_watch():
        answer |= {
            "version": VERSION,
            "node": current_app.config["NODE_NAME"],
            "database": {"ok": database},
            "store": store,
            "unnamed_proxies": current_app.extensions["mailkeep_proxies"].unnamed,
            "spool": room
            | {"segments": spool.segments, "bytes": spool.size, "oldest_seconds": spool.oldest_seconds, "failed": spool.failed},
        }
    return jsonify(answer), 200 if takes_mail else 503


@metrics.get("/metrics")
def counters() -> Response:
    if not _may_watch():
        raise NotAllowed("METRICS_ALLOW does not name your address.")
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    spool = spool_state(current_app.config["SPOOL_DIR"])
    own = (
        f"# TYPE mailkeep_spool_segments gauge\nmailkeep_spool_segments {spool.segments}\n"
        f"# TYPE mailkeep_spool_bytes gauge\nmailkeep_spool_bytes {spool.size}\n"
        f"# TYPE mailkeep_spool_oldest_seconds gauge\nmailkeep_spool_oldest_seconds {spool.oldest_seconds}\n"
        f"# TYPE mailkeep_database_up gauge\nmailkeep_database_up {int(database_answers())}\n"
    )
    return Response(generate_latest(registry) + own.encode(), content_type=CONTENT_TYPE_LATEST)


def _may_watch() -> bool:
    return is_in(request.remote_addr or "", current_app.config["METRICS_ALLOW"])


def _store(url: str) -> dict[str, object]:
    folder = folder_of(url)
    return _folder(folder) if folder else {"ok": store_answers(url)}


def _folder(path: str | pathlib.Path) -> dict[str, object]:
    """Whether files can be made there and room is left; the folder itself may still be to come."""
    folder = pathlib.Path(path)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return {"ok": os.access(folder, os.W_OK) and free >= current_app.config["MIN_FREE_BYTES"], "free_bytes": free}
