"""What the demo's mails are about. All names are from the domains and networks set aside for examples."""

from dataclasses import dataclass

DOMAINS = ("example.com", "example.org", "school.example", "shop.example", "clinic.example")
PEOPLE = (
    "anna.berg", "b.papadopoulos", "carlos", "d.okafor", "eleni", "f.meyer", "grace", "h.tanaka", "info", "j.novak",
    "kontakt", "lena.wolf", "m.rossi", "nikos", "office", "p.dubois", "sales", "s.kaya", "support", "t.virtanen",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A sort of mail: how often it comes, what Rspamd makes of it, and what it says."""

    weight: int
    action: str
    score: tuple[float, float]
    senders: tuple[str, ...]
    subjects: tuple[str, ...]
    symbols: tuple[tuple[str, float, str], ...]
    """Name, score, option; {domain} is the sender's."""
    text: str
    html: bool = False
    virus: str = ""
    outgoing: bool = False
    honest: bool = False
    """It came from where it says."""
    picture: bool = False
    pixel: bool = False
    """A picture from elsewhere, which tells the sender who reads."""
    attachment: str = ""


GOOD = (
    ("R_SPF_ALLOW", -0.2, "+ip4:198.51.100.0/24"),
    ("R_DKIM_ALLOW", -0.2, "{domain}:s=mail"),
    ("DMARC_POLICY_ALLOW", -0.5, "{domain},none"),
    ("ARC_NA", 0.0, ""),
    ("BAYES_HAM", -2.8, "99.9%"),
    ("RCVD_IN_DNSWL_MED", -0.2, "198.51.100.7:from"),
    ("MIME_GOOD", -0.1, "text/plain"),
)
UNPROVEN = (
    ("R_SPF_SOFTFAIL", 0.5, "~all"),
    ("R_DKIM_ALLOW", -0.2, "{domain}:s=bulk"),
    ("DMARC_NA", 0.0, "{domain}"),
    ("ARC_NA", 0.0, ""),
    ("MIME_GOOD", -0.1, "multipart/alternative"),
    ("BAYES_SPAM", 5.1, "100%"),
)
BAD = (
    ("R_SPF_FAIL", 1.0, "-all"),
    ("R_DKIM_REJECT", 1.0, "{domain}:s=mail"),
    ("DMARC_POLICY_REJECT", 2.0, "{domain},reject"),
    ("ARC_NA", 0.0, ""),
    ("BAYES_SPAM", 5.1, "100%"),
    ("URIBL_BLACK", 7.5, "bad.example"),
    ("RCVD_COUNT_ONE", 0.0, "1"),
    ("MIME_GOOD", -0.1, "multipart/alternative"),
)

KINDS = (
    Kind(26, "no action", (-6.5, 2.0), ("colleague@partner.example", "anna@supplier.example", "team@club.example"),
         ("Minutes of Tuesday's meeting", "Re: offer for the new windows", "Termin am Donnerstag", "Σχετικά με την παραγγελία σας", "Fotos vom Ausflug"),
         GOOD, "Hello,\r\n\r\nplease find below what we agreed on. Let me know if anything is missing.\r\n\r\nKind regards", honest=True),
    Kind(4, "no action", (-12.0, -6.0), ("colleague@partner.example",), ("Contract, second draft", "Re: Re: contract"),
         (*GOOD, ("LOCAL_WL", -6.0, "partner.example"), ("REPLY", -2.0, "")), "See my remarks in the text below.", honest=True),
    Kind(14, "no action", (-3.0, 4.0), ("news@garden.example", "letters@museum.example", "hello@books.example"),
         ("Your newsletter for this month", "New in the garden: autumn bulbs", "Neu im Museum: die Sammlung", "Νέα από το βιβλιοπωλείο"),
         (*GOOD, ("MAILLIST", -0.2, "generic")), "You receive this because you subscribed. This month: what to plant before the frost.",
         html=True, honest=True, picture=True, pixel=True),
    Kind(8, "no action", (-8.0, -1.0), ("me",), ("Quote 2214", "Re: delivery on Monday", "Invoice for October", "Antwort auf Ihre Anfrage"),
         (("LOCAL_OUTBOUND", 0.0, ""), ("MIME_GOOD", -0.1, "text/plain")), "Dear customer,\r\n\r\nattached you find what you asked for.", outgoing=True),
    Kind(9, "greylist", (4.0, 5.9), ("noreply@first-contact.example", "hr@jobs.example"), ("Your application", "Rückfrage zu Ihrer Bestellung"),
         (("GREYLIST", 0.0, "greylisted"), ("R_SPF_NA", 0.0, "no SPF record"), ("R_DKIM_NA", 0.0, ""), ("DMARC_NA", 0.0, "{domain}")),
         "We write to you for the first time."),
    Kind(11, "add header", (6.0, 11.0), ("offers@bulk.example", "win@prizes.example", "promo@travel.example"),
         ("Last chance: 70% off", "You were chosen", "Η προσφορά λήγει απόψε", "旅行特惠 仅限今天", "Только сегодня: скидки"),
         (*UNPROVEN, ("HTML_SHORT_LINK_IMG_1", 2.0, ""), ("SUBJ_ALL_CAPS", 1.1, "9")), "Click here before midnight. You cannot miss this.",
         html=True, honest=True, picture=True, pixel=True),
    Kind(6, "rewrite subject", (9.0, 13.0), ("deal@bulk.example",), ("CHEAP WATCHES", "Re: your order 99812"), (*UNPROVEN, ("URIBL_BLACK", 7.5, "bad.example")),
         "Best price. Best quality. Order now.", html=True, pixel=True),
    Kind(12, "reject", (15.1, 38.0), ("security@bank-alert.test", "service@paypa1.test", "admin@mail-quota.test", "ceo@examp1e.test"),
         ("Your account is locked", "Unusual sign-in attempt", "Mailbox full: confirm your password", "Dringend: Überweisung heute noch", "Επιβεβαιώστε τον λογαριασμό σας"),
         (*BAD, ("PHISHING", 6.0, "bank.example->bank-alert.test"), ("FUZZY_DENIED", 11.9, "1:8f6c1d2ab3:1.00:txt")),
         "We noticed a problem. Sign in at once at http://bank-alert.test/login or your account is closed.", html=True),
    Kind(2, "reject", (18.0, 25.0), ("offers@pushy.example",), ("Final offer", "Did you get my last mail?"),
         (*UNPROVEN, ("LOCAL_BL", 10.0, "pushy.example")), "I have written to you four times now.", html=True, honest=True),
    Kind(3, "reject", (20.0, 31.0), ("billing@invoices.test", "scan@copier.test"), ("Invoice 88213 overdue", "Scanned document", "Rechnung Nr. 4471"),
         (*BAD[:5], ("CLAM_VIRUS", 15.0, "Win.Trojan.Demo-1"), ("MIME_DOUBLE_BAD_EXTENSION", 3.0, ".pdf.exe")), "See the attached document.",
         virus="Win.Trojan.Demo-1", attachment="document.pdf.exe"),
    Kind(2, "discard", (50.0, 75.0), ("x@botnet.test",), ("(no subject)", "hi"), (*BAD, ("IP_REPUTATION_SPAM", 9.0, "0.99")), "hi"),
    Kind(2, "soft reject", (5.0, 8.0), ("queue@slow.example",), ("Delayed report",), (("RATELIMIT_CHECK", 0.0, "to_ip"),), "Please try again later."),
    Kind(3, "no action", (-1.0, 1.0), ("",), ("Undelivered Mail Returned to Sender", "Automatic reply: out of office"),
         (("BOUNCE", -0.1, ""), ("RCPT_COUNT_ONE", 0.0, "1")), "I am out of the office until Monday.", honest=True),
)  # fmt: skip
