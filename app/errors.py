"""What can go wrong on purpose; views/errors.py maps each to an HTTP answer."""


class MailkeepError(Exception):
    """Base of ours: the message is a sentence that may be shown to whoever asked."""


class BadRequest(MailkeepError):
    """What was sent cannot be understood (400)."""


class NotAuthenticated(MailkeepError):
    """Who asks is not known (401)."""


class NotAllowed(MailkeepError):
    """Who asks is known and may not (403)."""


class NotFound(MailkeepError):
    """There is no such thing, or not for this user: the two look alike (404)."""


class Conflict(MailkeepError):
    """Somebody was faster, or the state does not allow it (409)."""


class TooLarge(MailkeepError):
    """More than the configured limit (413)."""


class Unsupported(MailkeepError):
    """A format or encoding we do not read (415)."""


class TooManyTries(MailkeepError):
    """So many wrong passwords that this one is not even looked at (429)."""


class Unavailable(MailkeepError):
    """A part we need is away; asking again later may work (503)."""
