"""Imports every model, FAB's first, so that Alembic and the mappers see them all."""

import flask_appbuilder.security.sqla.models  # noqa: F401

from app.models.access_key import AccessKey
from app.models.audit import AuditEvent, AuditHead, Verb
from app.models.bulk import BulkResult, BulkRun, ResultKind, RunState
from app.models.deletion import OUTLIVE_A_MAIL, PARTS_OF_A_MAIL, CopyRemoval, Deletion, Extent, Fate
from app.models.domain import DomainAlias
from app.models.hold import Held, LegalHold
from app.models.jobs import JobRun, JobState
from app.models.lesson import MailLesson, MailRescan
from app.models.mail import CopyState, Direction, Listing, Mail, MailDetail, MailRecipient, NoticeState, ReleaseState
from app.models.maps import Colour, Editors, Map, MapEntry, MapFetch, MapRevision, MapUpload, MapUploadPart, RevisionVerb
from app.models.node import Node, NodeNonce
from app.models.notice import (
    Notice,
    NoticeChoice,
    NoticeDomain,
    NoticeDue,
    NoticeKind,
    NoticeLine,
    NoticeOwner,
    NoticeRefusal,
    NoticeStep,
    NoticeText,
    NoticeUse,
    OwnerKind,
)
from app.models.people import UserAddress, UserDomain, UserSetting, UserWay
from app.models.release import Mode, Release, Step
from app.models.request import Asks, Decision, MailRequest
from app.models.retention import RetentionMark
from app.models.search import SavedSearch
from app.models.second_factor import RecoveryCode, SecondFactor
from app.models.session import LoginSession
from app.models.stats import Counted, CountState, DailyCount, HourlyCount, LateMail

__all__ = [
    "OUTLIVE_A_MAIL",
    "PARTS_OF_A_MAIL",
    "AccessKey",
    "Asks",
    "AuditEvent",
    "AuditHead",
    "BulkResult",
    "BulkRun",
    "Colour",
    "CopyRemoval",
    "CopyState",
    "CountState",
    "Counted",
    "DailyCount",
    "Decision",
    "Deletion",
    "Direction",
    "DomainAlias",
    "Editors",
    "Extent",
    "Fate",
    "Held",
    "HourlyCount",
    "JobRun",
    "JobState",
    "LateMail",
    "LegalHold",
    "Listing",
    "LoginSession",
    "Mail",
    "MailDetail",
    "MailLesson",
    "MailRecipient",
    "MailRequest",
    "MailRescan",
    "Map",
    "MapEntry",
    "MapFetch",
    "MapRevision",
    "MapUpload",
    "MapUploadPart",
    "Mode",
    "Node",
    "NodeNonce",
    "Notice",
    "NoticeChoice",
    "NoticeDomain",
    "NoticeDue",
    "NoticeKind",
    "NoticeLine",
    "NoticeOwner",
    "NoticeRefusal",
    "NoticeState",
    "NoticeStep",
    "NoticeText",
    "NoticeUse",
    "OwnerKind",
    "RecoveryCode",
    "Release",
    "ReleaseState",
    "ResultKind",
    "RetentionMark",
    "RevisionVerb",
    "RunState",
    "SavedSearch",
    "SecondFactor",
    "Step",
    "UserAddress",
    "UserDomain",
    "UserSetting",
    "UserWay",
    "Verb",
]
