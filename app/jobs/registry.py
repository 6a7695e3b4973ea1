"""The jobs there are: what each does, where, and when if nobody says otherwise."""

from flask_babel import lazy_gettext as _l

from app.jobs.geoip import look_at_geoip
from app.jobs.map_files import write_map_files
from app.jobs.nodes import look_at_nodes
from app.jobs.spool import replay_spool
from app.jobs.sweep import look_at_store
from app.services import disk_budget, notices, retention, rollups
from app.services.job import Job, Scope
from app.services.leftovers import forget_leftovers

_ALL = (
    Job(
        "sessions",
        Scope.CLUSTER,
        "every 15 minutes",
        forget_leftovers,
        _l("Ended sessions"),
        _l("Forgets logins that have ended, uploads that nobody confirmed, and acts on many mails of long ago."),
    ),
    Job(
        "geoip",
        Scope.NODE,
        "daily at 04:10",
        look_at_geoip,
        _l("GeoIP database"),
        _l("Tells when the GeoIP database of this node is older than 60 days."),
        can_be_dry=True,
    ),
    Job(
        "retention",
        Scope.CLUSTER,
        "daily at 02:30",
        retention.run,
        _l("Retention"),
        _l("Lets copies and mails go that are old enough, by the rules of RETENTION_*."),
        can_be_dry=True,
    ),
    Job(
        "notices",
        Scope.CLUSTER,
        "every minute",
        notices.run,
        _l("Letters about kept mail"),
        _l("Tells recipients, and who watches domains, of mail that is kept for them, at the times that each wants."),
        can_be_dry=True,
    ),
    Job(
        "rollups",
        Scope.CLUSTER,
        "every 5 minutes",
        rollups.run,
        _l("Statistics"),
        _l("Counts what came by the hour, for the statistics; what came before there were any, bit by bit."),
        can_be_dry=True,
        can_be_whole=True,
    ),
    Job(
        "disk",
        Scope.NODE,
        "every 15 minutes",
        disk_budget.run,
        _l("Room on the disk"),
        _l("Lets the oldest copies of this node go where its disk is nearly full (RETENTION_MIN_FREE_BYTES)."),
        can_be_dry=True,
    ),
    Job(
        "sweep",
        Scope.NODE,
        "weekly on sunday at 04:40",
        look_at_store,
        _l("Files and mails that miss each other"),
        _l("Tells of files in the store that no mail refers to, and of mails whose file is gone. “flask store sweep --remove” mends it."),
        can_be_dry=True,
    ),
    Job(
        "spool",
        Scope.NODE,
        "every 15 minutes",
        replay_spool,
        _l("Spool"),
        _l("Brings in what dead processes left in the spool of this node, and tells when something there waits on."),
        can_be_dry=True,
    ),
    Job(
        "maps",
        Scope.NODE,
        "every hour",
        write_map_files,
        _l("Files of maps"),
        _l("Writes the maps into the folder MAPS_FILES_DIR. Changes are written within seconds in any case; this looks at all of them."),
    ),
    Job(
        "nodes",
        Scope.CLUSTER,
        "every 5 minutes",
        look_at_nodes,
        _l("Nodes"),
        _l("Tells when a node has been silent for five minutes, or mails wait in its spool for longer than ten."),
        can_be_dry=True,
    ),
)
JOBS = {job.name: job for job in _ALL}
