"""The flask commands: thin doors over services."""

from flask import Flask

import app.cli.learning
import app.cli.mail_acts
import app.cli.notice_words
import app.cli.partitions  # noqa: F401 - commands of groups that are there already
from app.cli.audit import audit
from app.cli.demo import demo
from app.cli.domains import domains
from app.cli.holds import hold
from app.cli.jobs import jobs
from app.cli.mail import mail
from app.cli.mailkeep import mailkeep
from app.cli.maps import maps
from app.cli.nodes import nodes
from app.cli.notices import notices
from app.cli.retention import retention
from app.cli.rspamd import rspamd
from app.cli.spool import spool
from app.cli.store import store
from app.cli.users import users


def register(app: Flask) -> None:
    app.cli.add_command(retention)
    for group in (audit, demo, domains, hold, jobs, mail, mailkeep, maps, nodes, notices, rspamd, spool, store, users):
        app.cli.add_command(group)
