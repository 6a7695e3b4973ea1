"""Many entries at once: pasted or uploaded, looked at line by line, and written once that is confirmed."""

import io
import re
from collections.abc import Iterator
from typing import IO, Any

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext

from app.errors import BadRequest, Conflict, MailkeepError
from app.forms.map_values import KIND_EXAMPLES, caution_of, sentence_of
from app.forms.map_words import COLUMNS, FORMS, MODES, VERDICTS
from app.models import Map, MapUpload
from app.queries.map_reach import MapReach
from app.rspamd.map_forms import ENOUGH, form_of
from app.rspamd.map_kinds import MapKind
from app.rspamd.map_lines import Line, read_lines
from app.security.actor import actor
from app.services.map_import import import_lines, must_import, preview
from app.services.map_room import upload_bytes
from app.services.map_tally import Judged, Mode, Tally, Verdict
from app.services.map_uploads import forget_upload, keep_upload, pieces_of, text_of, upload_of
from app.views.map_page import asked_map, page_values

_MENDED_IN_PLACE = 1_000_000
"""Bytes of a text that is shown again, to be mended."""


class MapImportView(BaseView):
    route_base = "/lists"
    default_view = "bring"
    class_permission_name = "MapView"

    @expose("/<name>/import", methods=["GET"])
    @has_access
    @permission_name("edit")
    def bring(self, name: str) -> Any:
        reach, found = asked_map(name)
        must_import(reach, found, Mode.ADD)
        return self._form(reach, found)

    @expose("/<name>/import", methods=["POST"])
    @has_access
    @permission_name("edit")
    def take(self, name: str) -> Any:
        """Kept until it is confirmed; nothing is written yet."""
        reach, found = asked_map(name)
        mode = _mode(request.form.get("mode", ""))
        must_import(reach, found, mode)
        try:
            upload = _kept(found, upload_bytes(reach, found))
        except MailkeepError as error:
            return self._form(reach, found, str(error)), 400
        return redirect(_address(found, upload, mode))

    def _form(self, reach: MapReach, found: Map, error: str = "") -> Any:
        return self.render_template(
            "maps/import.html",
            title=_("Import"),
            error=error,
            most=upload_bytes(reach, found),
            modes=_modes(reach.edits_whole(found)),
            mode=request.form.get("mode", "add"),
            forms=FORMS,
            form=request.form.get("form", ""),
            text=request.form.get("text", ""),
            example=KIND_EXAMPLES[MapKind(found.kind)],
            **page_values(self, reach, found, "import"),
        )

    @expose("/<name>/import/<token>", methods=["GET"])
    @has_access
    @permission_name("edit")
    def review(self, name: str, token: str) -> Any:
        reach, found = asked_map(name)
        mode = _mode(request.args.get("mode", "add"))
        upload = upload_of(found, g.user.id, token)
        tally = preview(reach, found, _lines(found, upload), mode, form=upload.form)
        return self.render_template(
            "maps/review.html",
            title=_("Import"),
            upload=upload,
            tally=tally,
            counts=_counts(tally),
            rows=[_row(judged) for judged in tally.notable],
            modes=_modes(reach.edits_whole(found)),
            mode=mode,
            good=tally.good(mode) + tally.removed,
            verdicts=VERDICTS,
            text=text_of(upload, _MENDED_IN_PLACE),
            **page_values(self, reach, found, "import"),
        )

    @expose("/<name>/import/<token>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def decide(self, name: str, token: str) -> Any:
        reach, found = asked_map(name)
        mode = _mode(request.form.get("mode", ""))
        upload = upload_of(found, g.user.id, token)
        number = upload.id
        match request.form.get("act"):
            case "confirm":
                return self._write(reach, found, upload, mode)
            case "again":
                mended = keep_upload(found, g.user.id, _typed(), upload_bytes(reach, found), name=upload.name, form=upload.form)
                forget_upload(number)
                return redirect(_address(found, mended, mode))
            case "drop":
                forget_upload(number)
                return redirect(url_for("MapImportView.bring", name=found.name))
        raise BadRequest(_("Say what is to be done."))

    def _write(self, reach: MapReach, found: Map, upload: MapUpload, mode: Mode) -> Any:
        back = _address(found, upload, mode)
        lines, form, name = _lines(found, upload), upload.form, upload.name
        try:
            tally = import_lines(reach, found, lines, mode, form=form, actor=actor(), name=name, upload=upload)
        except (BadRequest, Conflict) as error:
            flash(str(error), "danger")
            return redirect(back)
        if tally.revision is None:
            flash(_("Nothing was changed."), "info")
            return redirect(back)
        flash(_done(tally, mode), "success")
        return redirect(url_for("MapHistoryView.revision", name=found.name, number=tally.revision))


def _kept(found: Map, most: int) -> MapUpload:
    file = request.files.get("file")
    name = re.split(r"[/\\]", file.filename or "")[-1] if file else ""
    stream: IO[bytes] = file.stream if file and name else _typed()
    form = request.form.get("form", "")
    if form not in FORMS:
        raise BadRequest(_("Entries come as text, CSV or JSON."))
    beginning = stream.read(ENOUGH)
    stream.seek(0)
    shown = "".join(character for character in name if character.isprintable())
    return keep_upload(found, g.user.id, stream, most, name=shown, form=form or form_of(name, beginning))


def _typed() -> IO[bytes]:
    """What browsers send of a text has CRLF at the end of its lines, whatever was typed."""
    text = request.form.get("text", "").replace("\r\n", "\n")
    return io.BytesIO(text.encode("utf-8", "replace") if text.strip() else b"")


def _lines(found: Map, upload: MapUpload) -> Iterator[Line]:
    return read_lines(MapKind(found.kind), upload.form, pieces_of(upload))


def _address(found: Map, upload: MapUpload, mode: Mode) -> str:
    return url_for("MapImportView.review", name=found.name, token=upload.token, mode=mode.value)


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise BadRequest(_("Entries are added, updated or replaced.")) from None


def _modes(may_replace: bool) -> dict[str, Any]:
    return {name: words for name, words in MODES.items() if may_replace or name != Mode.REPLACE}


def _counts(tally: Tally) -> dict[str, int]:
    counts = {verdict.value: count for verdict, count in tally.counts.items()}
    more = {"against": tally.contradicting, "caution": tally.cautions, "removed": tally.removed}
    return {name: count for name in VERDICTS if (count := (counts | more)[name])}


def _row(judged: Judged) -> dict[str, Any]:
    """Of a notable line, what is to be said."""
    line, why = judged.line, [judged.why] if judged.why else []
    if line.wrong is not None:
        why.append(sentence_of(line.wrong))
    if judged.verdict is Verdict.TWICE:
        why.append(_("An earlier line says it."))
    if judged.differs:
        why.append(_("What differs: %(names)s.", names=", ".join(str(COLUMNS[name]) for name in judged.differs)))
    if judged.against:
        why.append(_("The opposite stands in %(names)s.", names=", ".join(judged.against)))
    if line.value is not None and judged.is_cautioned:
        why += [caution_of(caution) for caution in line.value.warnings]
    kind = "against" if judged.against else "caution" if judged.is_cautioned else judged.verdict.value
    return {"number": line.number, "text": line.text, "kind": kind, "why": " ".join(why)}


def _done(tally: Tally, mode: Mode) -> str:
    """What was done, not what had been foreseen."""
    counts = {verdict.value: count for verdict, count in tally.counts.items()}
    told = [ngettext("%(num)s entry was added.", "%(num)s entries were added.", counts["new"])]
    if counts["other"] and mode is not Mode.ADD:
        told.append(ngettext("%(num)s was changed.", "%(num)s were changed.", counts["other"]))
    if tally.removed:
        told.append(ngettext("%(num)s was removed.", "%(num)s were removed.", tally.removed))
    if left := counts["wrong"] + counts["not_yours"]:
        told.append(ngettext("%(num)s line was left out.", "%(num)s lines were left out.", left))
    return " ".join(told)
