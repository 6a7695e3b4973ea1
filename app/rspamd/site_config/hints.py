"""local.d/worker-controller.inc: remarks only, as it holds a site's own secrets."""

_HINTS = """\
# For `flask rspamd check`, the statistics and learning Mailkeep asks the controller. It has to listen where Mailkeep reaches it, and
# to know who asks. The lines are for you to fill in, in a file of your own, or here without the #.
#
# bind_socket = "0.0.0.0:11334";          # or the address of an inner network; let a firewall keep everybody else away
# secure_ip = "192.0.2.10";               # Mailkeep's address: it needs no password then, and may do everything
# password = "...";                       # to read: what `rspamadm pw` prints
# enable_password = "...";                # to learn and to change
"""


def controller_hints() -> str:
    return _HINTS
