"""The stored copy of a mail: text, HTML in a frame that can do nothing, source, attachments as downloads, by number and never by name."""

from typing import Any
from urllib.parse import quote

from flask import Response, g, request
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.errors import NotFound
from app.mime.headers import block_text
from app.mime.message import attachment_of, read_message, rendered
from app.mime.parts import Omitted
from app.mime.risks import Risk
from app.models import Mail, Verb
from app.queries.visibility import get_mail, scope_of
from app.security.actor import actor
from app.services.copies import raw_of
from app.services.reading import raw_for
from app.views.opening import opened

_MAX_SOURCE = 512 << 10
# Of the frame's own document. It runs nothing, loads nothing, sends nothing, and its links are text.
FRAME_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox"
)
PRIVATE = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-DNS-Prefetch-Control": "off",
}
OMITTED = {
    Omitted.PARTS: _l("It has more parts than are looked at; the rest is only in the source."),
    Omitted.DEPTH: _l("It is nested deeper than is looked at; what lies deeper is only in the source."),
    Omitted.TEXT: _l("Its text is longer than is shown."),
    Omitted.IMAGES: _l("Some of its pictures are larger than are shown."),
    Omitted.HTML: _l("Its HTML is too complex to be shown; see the text or the source."),
    Omitted.CONTENT: _l("Some attachments are only named, not looked into."),
}
RISKS = {
    Risk.EXECUTABLE: _l("program"),
    Risk.DOUBLE_ENDING: _l("double ending"),
    Risk.MACROS: _l("macros"),
    Risk.ENCRYPTED: _l("needs a password"),
    Risk.SCRIPTED: _l("may hold scripts"),
    Risk.DISGUISED: _l("is not what its name says"),
    Risk.ARCHIVED_EXECUTABLE: _l("archive with a program"),
    Risk.NESTED: _l("archive in an archive"),
}


class MessageView(BaseView):
    route_base = "/mails"
    default_view = "message"

    @expose("/<int:mail_id>/message")
    @has_access
    @permission_name("read")
    def message(self, mail_id: int) -> Any:
        """A page of its own, or the piece of one that the mail's page asks for."""
        mail = _opened(mail_id, Verb.MAIL_READ)
        read = read_message(raw_of(mail, actor=actor()))
        template = "message/_message.html" if "X-Fragment" in request.headers else "message/message.html"
        return self.render_template(template, title=_("Message"), mail=mail, message=read, notes=_notes(read.omitted), risk_words=RISKS)

    @expose("/<int:mail_id>/html")
    @has_access
    @permission_name("read")
    def html(self, mail_id: int) -> Response:
        """The document of the frame: made harmless, and under a policy that would stop what came through."""
        safe, omitted = rendered(raw_of(_opened(mail_id, Verb.MAIL_READ, is_piece=True), actor=actor()))
        document = self.render_template("message/frame.html", body=Markup(safe.text), blocked=safe.blocked, notes=_notes(omitted))  # noqa: S704 - safe_html made it
        return Response(
            document,
            mimetype="text/html",
            headers=PRIVATE | {"Content-Security-Policy": FRAME_POLICY, "X-Frame-Options": "SAMEORIGIN"},
        )

    @expose("/<int:mail_id>/source")
    @has_access
    @permission_name("read")
    def source(self, mail_id: int) -> Any:
        mail = _opened(mail_id, Verb.MAIL_READ)
        raw = raw_for(mail, scope_of(g.user), actor=actor())
        text = block_text(raw[:_MAX_SOURCE])
        return self.render_template("message/source.html", title=_("Source"), mail=mail, source=text, is_cut=len(raw) > _MAX_SOURCE)

    @expose("/<int:mail_id>/download")
    @has_access
    @permission_name("download")
    def download(self, mail_id: int) -> Response:
        """Byte for byte as it came, but for what the header tells one recipient of the others."""
        mail = _opened(mail_id, Verb.MAIL_DOWNLOADED)
        return _file(raw_for(mail, scope_of(g.user), actor=actor()), _mail_name(mail))

    @expose("/<int:mail_id>/part/<int:index>")
    @has_access
    @permission_name("download")
    def part(self, mail_id: int, index: int) -> Response:
        found = attachment_of(raw_of(_opened(mail_id, Verb.MAIL_DOWNLOADED), actor=actor()), index)
        if found is None:
            raise NotFound(_("This mail has no such part."))
        return _file(*found)


def _opened(mail_id: int, verb: Verb, *, is_piece: bool = False) -> Mail:
    mail = get_mail(g.user, mail_id)
    opened(mail, verb, is_piece=is_piece)
    return mail


def _notes(omitted: frozenset[Omitted]) -> list[Any]:
    return [sentence for kind, sentence in OMITTED.items() if kind in omitted]


def _mail_name(mail: Mail) -> str:
    return f"mail-{mail.id}.eml"


def _file(content: bytes, name: str) -> Response:
    """Always to be saved, never to be shown, whatever it claims to be."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    response = Response(content, mimetype="application/octet-stream", headers=PRIVATE)
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
