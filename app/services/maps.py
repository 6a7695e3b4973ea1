"""Maps: made, changed, copied, deleted. Their entries are services/map_entries' business."""

import math
import re
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import delete, exists, select

from app.actor import Actor
from app.clock import stored_now
from app.errors import BadRequest, Conflict
from app.extensions import db
from app.mime.text import clean
from app.models import Colour, Editors, Map, MapEntry, MapFetch, MapRevision, MapUpload, MapUploadPart, RevisionVerb, Verb
from app.models.maps import ALIVE
from app.queries.maps import has_entries
from app.rspamd.map_kinds import SENDERS, MapKind, MapPart, may_be
from app.services.audit import record
from app.services.map_change import changing, locked, writing

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_TAKEN = {"find", "own", "conflicts", "fetched", "new"}
"""Pages of the panel."""
_SYMBOL = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LARGEST_SCORE = 10_000.0
_PLACES = 4
"""Behind the point, as entries have them: what an entry's own score is divided by is never next to nothing."""
_FIXED = ("name", "kind", "part", "header", "symbol", "colour")
"""Of a ready-made map: files and symbols are known by them."""


@dataclass(frozen=True, slots=True)
class Definition:
    """All of a map but its entries."""

    name: str
    title: str
    kind: MapKind
    part: MapPart = MapPart.NONE
    colour: Colour = Colour.NEUTRAL
    header: str = ""
    symbol: str = ""
    score: float = 0.0
    needs_proof: bool = False
    editors: Editors = Editors.ADMINS
    description: str = ""
    enabled: bool = True

    def checked(self, *, ready_made: bool = False) -> "Definition":
        """As it is kept; BadRequest for what no map may be. A ready-made one may be without a title: it has one in each language."""
        name, title, header, symbol = self.name.strip().lower(), self.title.strip(), self.header.strip(), self.symbol.strip().upper()
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise BadRequest(_("A map's name has letters a to z, digits, - and _, and no more than 64 of them."))
        if len(title) > 200 or not title.isprintable() or not (title or ready_made):
            raise BadRequest(_("A map has a title of at most 200 characters."))
        if not may_be(self.kind, self.part):
            raise BadRequest(_("Values of this kind cannot be compared with that part of a mail."))
        if bool(header) != (self.part is MapPart.HEADER):
            raise BadRequest(_("A map of headers names one header, and no other map does."))
        if header and not _HEADER.fullmatch(header):
            raise BadRequest(_("The name of a header has letters A to Z, digits, - and _."))
        if bool(symbol) != (self.part is not MapPart.NONE) or (symbol and not _SYMBOL.fullmatch(symbol)):
            raise BadRequest(_("A map that is compared with mails has a symbol of letters A to Z, digits and _, and no other map does."))
        if not math.isfinite(self.score) or abs(self.score) > _LARGEST_SCORE:
            raise BadRequest(_("A score is a number between -10000 and 10000."))
        if self.part is not MapPart.NONE and self.score * {Colour.ALLOW: 1, Colour.DENY: -1}.get(self.colour, 0) > 0:
            raise BadRequest(_("The score of what is allowed is not above zero, and of what is blocked not below."))
        if self.editors is Editors.EVERYBODY and self.kind is not MapKind.PAIR:
            raise BadRequest(_("Only maps of pairs are for everybody to edit."))
        proves = self.needs_proof and self.part in SENDERS and self.colour is Colour.ALLOW
        description, score = clean(self.description).strip(), round(self.score, _PLACES) + 0.0  # no -0.0
        return replace(self, name=name, title=title, header=header, symbol=symbol, score=score, needs_proof=proves, description=description)

    @property
    def in_files(self) -> tuple[object, ...]:
        """What of it stands in Rspamd's files."""
        used = (self.name, self.kind, self.part, self.header, self.symbol, self.score, self.needs_proof)
        return used if self.part is not MapPart.NONE else ()


def definition_of(found: Map) -> Definition:
    return Definition(
        found.name,
        found.title,
        MapKind(found.kind),
        MapPart(found.part),
        Colour(found.colour),
        found.header,
        found.symbol,
        found.score,
        bool(found.needs_proof),
        Editors(found.editors),
        found.description,
        bool(found.enabled),
    )


def make_map(wanted: Definition, *, actor: Actor, copy_of: Map | None = None) -> Map:
    """With the entries of another, where it is a copy; they stay whose they were."""
    wanted = wanted.checked()
    if copy_of is not None and wanted.kind != copy_of.kind:
        raise BadRequest(_("A copy holds values of the same kind."))
    now = stored_now()
    source, copied_name = (copy_of.id, copy_of.name) if copy_of is not None else (None, "")
    with writing() as session:
        _must_be_free(wanted)
        made = Map(revision=0, version=1, ready_made=False, created_at=now, changed_at=now, **_columns(wanted))
        session.add(made)
        session.flush()
        record(actor, Verb.MAP_MADE, "map", made.name, after=_columns(wanted))
        session.commit()
    number = made.id
    if source is not None:
        with changing(number, RevisionVerb.COPIED, actor=actor) as change:
            change.note = {"from": copied_name}
            change.put_again(MapEntry.until == ALIVE, source=source)
    return cast(Map, session.get(Map, number))


def change_map(found: Map, version: int, wanted: Definition, *, actor: Actor) -> int:
    """Conflict where somebody else has saved since `version` was read. The revision that comes of it, or the present one."""
    wanted = wanted.checked(ready_made=bool(found.ready_made))
    with changing(found.id, RevisionVerb.SETTINGS, actor=actor) as change:
        there = change.map
        if there.version != version:
            raise Conflict(_("Somebody else has changed this map meanwhile; look at it again."))
        before, after = _columns(definition_of(there)), _columns(wanted)
        changed = [name for name in after if after[name] != before[name]]
        if there.ready_made and set(changed) & set(_FIXED):
            raise BadRequest(_("Of a ready-made map name, kind, part, colour and symbol stay as they are."))
        if "kind" in changed and has_entries(there):
            raise Conflict(_("The kind of a map can only be changed while it is empty."))
        # Of pairs everybody sees their own, of other kinds whoever sees the map sees all, its past too.
        if "kind" in changed and there.is_personal and db.session.scalar(select(exists().where(MapEntry.map_id == there.id))):
            raise Conflict(_("A map that has held pairs stays one of pairs: others would see in its history what was somebody's own."))
        if set(changed) & {"name", "symbol"}:
            _must_be_free(wanted, besides=there.id)
        if changed:
            for name in changed:
                setattr(there, name, after[name])
            there.version += 1
            change.note = {"before": {name: before[name] for name in changed}, "after": {name: after[name] for name in changed}}
    return int(found.revision)


def delete_map(found: Map, version: int, *, actor: Actor) -> None:
    """With its entries and its history. A ready-made one stays: it can be disabled."""
    if found.ready_made:
        raise BadRequest(_("A ready-made map cannot be deleted; disable it."))
    number = found.id
    with writing() as session:
        there = locked(number)
        if there.version != version:
            raise Conflict(_("Somebody else has changed this map meanwhile; look at it again."))
        before = _columns(definition_of(there)) | {"revision": there.revision}
        for uploaded in db.session.scalars(select(MapUpload.id).where(MapUpload.map_id == number)).all():
            db.session.execute(delete(MapUploadPart).where(MapUploadPart.upload_id == uploaded))
        for model in (MapUpload, MapFetch, MapRevision, MapEntry):
            db.session.execute(delete(model).where(model.map_id == number))  # type: ignore[attr-defined]
        name = there.name
        session.delete(there)
        record(actor, Verb.MAP_DELETED, "map", name, before=before)
        session.commit()


def _columns(wanted: Definition) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, str) else value for name, value in asdict(wanted).items()}


def _must_be_free(wanted: Definition, besides: int = 0) -> None:
    same = (Map.name == wanted.name) | ((Map.symbol == wanted.symbol) & (Map.symbol != ""))
    if db.session.scalar(select(Map.id).where(same, Map.id != besides).limit(1)) is not None:
        raise Conflict(_("There is a map of the name %(name)s or with its symbol already.", name=wanted.name))
