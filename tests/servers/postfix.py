"""A private Postfix: one listener on loopback, and a maildir for each of a few addresses."""

import os
import pathlib
import pwd

import pytest

from tests.servers.process import Server, answers, need

_MAIN = """
compatibility_level = 3.6
queue_directory = %(folder)s/queue
data_directory = %(folder)s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = %(folder)s/maillog
maillog_file_prefixes = %(folder)s
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
alias_maps =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
local_header_rewrite_clients =
cleanup_replace_stray_cr_lf = no
virtual_mailbox_domains = example.com
virtual_mailbox_base = %(folder)s/mail
virtual_mailbox_maps = inline:{ %(boxes)s }
virtual_uid_maps = static:%(uid)s
virtual_gid_maps = static:%(gid)s
"""
_MASTER = """
127.0.0.1:%(port)s inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    """`addresses` are those that it takes mail for; the case of what stands before the @ does not count."""

    name = "postfix"

    def __init__(self, *addresses: str, milter: int = 0) -> None:
        """`milter`: the port of one that is asked about each mail."""
        self.program = need("postfix")
        if os.geteuid():
            pytest.skip("Postfix starts as root only")
        super().__init__()
        self.folder.chmod(0o755)
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        for name, owner in (("queue", 0), ("data", postfix.pw_uid), ("mail", nobody.pw_uid), ("config", 0)):
            (self.folder / name).mkdir(mode=0o755)
            os.chown(self.folder / name, owner, -1)
        boxes = " ".join(f"{{{address} = {address}/}}" for address in addresses)
        values = {"folder": self.folder, "port": self.port, "boxes": boxes, "uid": nobody.pw_uid, "gid": nobody.pw_gid}
        asked = f"smtpd_milters = inet:127.0.0.1:{milter}\nmilter_default_action = tempfail\n" if milter else ""
        (self.folder / "config/main.cf").write_text(_MAIN % values + asked)
        (self.folder / "config/master.cf").write_text(_MASTER % values)

    def command(self) -> list[str]:
        """Postfix's master itself: the command that starts it would leave it behind."""
        return ["/usr/lib/postfix/sbin/master", "-c", str(self.folder / "config"), "-d"]

    def start(self, seconds: float = 30) -> None:
        self.run(self.program, "-c", str(self.folder / "config"), "check")  # makes what is not there
        super().start(seconds)

    def is_ready(self) -> bool:
        return answers(self.port)

    def mails_of(self, address: str) -> list[bytes]:
        return [path.read_bytes() for path in sorted(pathlib.Path(self.folder, "mail", address, "new").glob("*"))]
