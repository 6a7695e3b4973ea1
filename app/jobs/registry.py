"""The jobs there are: what each does, where, and when if nobody says otherwise."""

from flask_babel import lazy_gettext as _l

from app.jobs.geoip import look_at_geoip
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
)
JOBS = {job.name: job for job in _ALL}
