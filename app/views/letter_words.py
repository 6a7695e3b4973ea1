"""What the letters of kept mail say: admins read, change, try and restore it."""

from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.errors import BadRequest, NotFound
from app.mime.mustache import TooMuch
from app.models import NoticeKind
from app.queries.settings import choices_of
from app.security.actor import actor
from app.services import notice_words_change as service
from app.services.notice_letter import Letter, picture_in_letters
from app.services.notice_samples import sample, send_sample
from app.services.notice_words import Words, current_words, edited_words, kind_of, names_offered, slug_of
from app.views.doing import done
from app.views.message import FRAME_POLICY, PRIVATE
from app.views.zone import viewer_zone

KINDS = {
    NoticeKind.AT_ONCE: _l("At once"),
    NoticeKind.DIGEST: _l("Digest"),
    NoticeKind.WATCH: _l("For who watches a domain"),
}
ABOUT = {
    NoticeKind.AT_ONCE: _l("Goes out as soon as a mail is kept, to who chose that."),
    NoticeKind.DIGEST: _l("Goes out at the times that somebody chose, of all that was kept since."),
    NoticeKind.WATCH: _l("Goes to a postmaster, or whoever watches the mail of whole domains."),
}
# Of the frame's document: it runs nothing, sends nothing and opens nothing; of pictures only the logo comes from elsewhere.
_POLICY = FRAME_POLICY.replace("img-src data:", "img-src data: https:")
_HEADERS = PRIVATE | {"Content-Security-Policy": _POLICY, "X-Frame-Options": "SAMEORIGIN"}
_LONGEST = 200_000


@dataclass(frozen=True, slots=True)
class Which:
    """One of the letters there are."""

    kind: NoticeKind
    language: str

    @property
    def slug(self) -> str:
        return slug_of(self.kind)

    @property
    def label(self) -> str:
        return f"{KINDS[self.kind]} · {current_app.config['LANGUAGES'][self.language]['name']}"


class NoticeWordsView(BaseView):
    route_base = "/notices/words"
    default_view = "list"

    @expose("/", methods=["GET"])
    @has_access
    @permission_name("edit")
    def list(self) -> Any:
        rows = [(kind, [(which, edited_words(kind, which.language)) for which in _languages(kind)]) for kind in NoticeKind]
        return self.render_template("notices/words.html", title=_("Words of the letters"), rows=rows, kinds=KINDS, about=ABOUT)

    @expose("/<slug>/<language>", methods=["GET"])
    @has_access
    @permission_name("edit")
    def words(self, slug: str, language: str) -> Any:
        which = _which(slug, language)
        return self._page(which, current_words(which.kind, language))

    @expose("/<slug>/<language>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def change(self, slug: str, language: str) -> Any:
        which, typed = _which(slug, language), _typed()
        if not done(lambda: service.set_words(which.kind, language, typed, actor=actor()), _("The letters say so from now on.")):
            return self._page(which, typed), 400
        return _back_to(which)

    @expose("/<slug>/<language>/test", methods=["POST"])
    @has_access
    @permission_name("edit")
    def test(self, slug: str, language: str) -> Any:
        """Of what is typed, kept or not, to who asks."""
        which, typed = _which(slug, language), _typed()
        said: list[str] = []
        if done(lambda: said.append(_send(which, typed)), _("A letter goes to %(address)s.", address=g.user.email)):
            flash(_("The relay said: %(words)s", words=said[0]), "info")
        return self._page(which, typed)

    @expose("/<slug>/<language>/restore", methods=["POST"])
    @has_access
    @permission_name("edit")
    def restore(self, slug: str, language: str) -> Any:
        which = _which(slug, language)
        done(lambda: service.reset_words(which.kind, language, actor=actor()), _("The letter says what it comes with."))
        return _back_to(which)

    @expose("/<slug>/<language>/preview", methods=["GET"])
    @has_access
    @permission_name("edit")
    def preview(self, slug: str, language: str) -> Response:
        which = _which(slug, language)
        return _shown(which, current_words(which.kind, language))

    @expose("/<slug>/<language>/preview", methods=["POST"])
    @has_access
    @permission_name("edit")
    def preview_typed(self, slug: str, language: str) -> Response:
        return _shown(_which(slug, language), _typed())

    def _page(self, which: Which, words: Words) -> Any:
        row = edited_words(which.kind, which.language)
        letter_names, mail_names = names_offered()
        return self.render_template(
            "notices/words_of.html",
            title=which.label,
            which=which,
            about=ABOUT[which.kind],
            words=words,
            row=row,
            letter_names=letter_names,
            mail_names=mail_names,
            limits=service.LIMITS,
            can_send=bool(current_app.config["SMTP_URL"]),
        )


def _languages(kind: NoticeKind) -> list[Which]:
    return [Which(kind, language) for language in current_app.config["LANGUAGES"]]


def _which(slug: str, language: str) -> Which:
    kind = kind_of(slug)
    if kind is None or language not in current_app.config["LANGUAGES"]:
        raise NotFound(_("There is no such letter."))
    return Which(kind, language)


def _typed() -> Words:
    """Whatever it is: what is kept is looked at first."""
    return Words(*(request.form.get(name, "")[:_LONGEST] for name in ("subject", "text", "html")))


def _back_to(which: Which) -> Any:
    return redirect(url_for("NoticeWordsView.words", slug=which.slug, language=which.language))


def _sample(which: Which, words: Words) -> Letter:
    try:
        return sample(which.kind, service.read_words(words.subject, words.text, words.html), *_reader(which))
    except TooMuch:
        raise BadRequest(_("This makes a letter that is too long.")) from None


def _send(which: Which, words: Words) -> str:
    return send_sample(which.kind, service.read_words(words.subject, words.text, words.html), *_reader(which))


def _reader(which: Which) -> tuple[str, str, str]:
    """To whom, in which language and zone."""
    return g.user.email, which.language, choices_of(g.user).zone or viewer_zone().key


def _shown(which: Which, words: Words) -> Response:
    """The document of the frame."""
    form = request.form.get("form") or request.args.get("form", "html")
    try:
        letter = _sample(which, words)
    except BadRequest as error:
        return _document(f'<p class="wrong">{Markup.escape(str(error))}</p>')
    if form == "text":
        return _document(f"<pre>{Markup.escape(letter.text)}</pre>")
    picture = picture_in_letters()
    html = letter.html.replace(f"cid:{picture.cid}", picture.as_url()) if picture else letter.html
    # Its links would load a page of ours into the frame: in a window of their own they lead nowhere, since the frame opens none.
    return Response(f'{html}<base target="_blank">', mimetype="text/html", headers=_HEADERS)


def _document(body: str) -> Response:
    style = (
        ":root { color-scheme: light dark; } body { margin: 16px; font: 14px/1.5 system-ui, sans-serif; } "
        "pre { font: 13px/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }"
    )
    html = f'<!doctype html><html><head><meta charset="utf-8"><title>-</title><style>{style}</style></head><body>{body}</body></html>'
    return Response(html, mimetype="text/html", headers=_HEADERS)
