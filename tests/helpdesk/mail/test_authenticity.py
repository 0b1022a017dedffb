from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
import time_machine

from helpdesk.mail import signatures
from helpdesk.mail.authenticity import aligned, judge, server_of
from helpdesk.mail.parse import parse
from helpdesk.models import InboundMail, MailAccount
from tests.servers.dns import SERVFAIL, SILENCE, name_server

from . import signed

NOW = datetime.now(UTC)
#: Of 768 bits, as nobody makes them any more.
SHORT_KEY = b"""\
-----BEGIN RSA PRIVATE KEY-----
MIIBygIBAAJhAOaGPPk2GdBMpq1FHvlJh9Uu36Xjne7gVpZ2wqpDkWzgllr3wW9B
AAUt2Lwws6J2+Ko0IbhmWDj/W/6sMgIU7ypkvP8yGq2YPWtyvvn9Yzkusf7uRkZh
NR2QugT7zSvujwIDAQABAmB6UB2ICVmW+SSy6OrvUEF/LpjB90y0E1o+CZNuLd26
jEuaxrxe4Hk3RkUqTRjzCfYSqiCd9G7XrUbTpVFiEgtCsVuAujlzt9n2NQPQvt/Q
Buen6ONo3kPTGrwjSrxMvDkCMQD9ghOSJQx7yLyrb0pAt3g/uKm8i0Krq9EMlbNV
jMCoXKS3PxTzbh2yoER30f7DU1sCMQDoylNpLPLdJEH7hKmu4/7yaZg5tXiHm8Rp
piWJUCv06rPJ2xcSoyJ66wvawLG1O90CMHq2uJqJ7J0O8qVZ3eut5DuUPDXUg5Vu
OmeJH6JN3ASjs+gwVQfxSdbp1braoCQU+QIxAJ7qN+TNxYGHle+g0cFNbaaIxV1n
778LbBr/TBKgA1HvwwpioS6c5RXqTS5paycglQIwTkNrF+LC+zFXfxXwx/3BwvLp
OfROK1AqH98PpbwNW9R0Ztd67ajg9PYgPVCvjGnW
-----END RSA PRIVATE KEY-----
"""


@pytest.fixture
def zone(settings):
    with name_server() as running:
        settings.HELPDESK = {**settings.HELPDESK, "DNS_SERVERS": [running.address]}
        running.records[signed.name("uni.example")] = [signed.record()]
        yield running


def mail(sender: str = "Uta <uta@uni.example>", **headers: str) -> bytes:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "support@desk.example"
    message["Subject"] = "Re: Printer"
    message["Date"] = NOW
    message["Message-ID"] = "<1@uni.example>"
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content("Please switch it on.\n\nUta\n")
    return message.as_bytes().replace(b"\n", b"\r\n")


def verdict(raw: bytes, *, server: str = "", now: datetime = NOW, **options: object):
    return judge(raw, parse(raw), server=server, now=now, **options)


def told(results: str, raw: bytes | None = None) -> bytes:
    return b"Authentication-Results: " + results.encode() + b"\r\n" + (raw or mail())


# --- by signature --------------------------------------------------------------------------------


def test_a_signature_of_the_senders_domain_holds(zone):
    found = verdict(signed.sign(mail(), "uni.example"))
    assert found.authentic
    assert found.evidence == "authentic: DKIM signature of uni.example (key s1) holds"


def test_a_key_in_several_strings_is_put_together(zone):
    pem = signed.private_key(2048)
    zone.records[signed.name("uni.example")] = [signed.record(pem)]
    assert verdict(signed.sign(mail(), "uni.example", pem=pem)).authentic


def test_the_parent_domain_signs_for_its_subdomains(zone):
    raw = signed.sign(mail("uta@staff.uni.example"), "uni.example")
    assert verdict(raw).authentic


def test_what_a_way_adds_on_top_does_not_matter(zone):
    raw = b"Return-Path: <uta@uni.example>\r\nReceived: from a by b\r\n"
    assert verdict(raw + signed.sign(mail(), "uni.example")).authentic


def test_an_unsigned_mail_is_not_authentic_and_nothing_is_looked_up(zone):
    found = verdict(mail())
    assert not found.authentic
    assert found.evidence == "not authentic: no signature of this domain"
    assert zone.asked == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw.replace(b"switch it on", b"send money"), "the body was changed"),
        (lambda raw: raw + b"More.\r\n", "the body was changed"),
        (lambda raw: raw.replace(b"uta@uni", b"eve@uni"), "does not fit"),
        (lambda raw: raw.replace(b"Re: Printer", b"Re: Money"), "does not fit"),
        (lambda raw: b"From: Eve <eve@uni.example>\r\n" + raw, "exactly one"),
        (
            lambda raw: raw.replace(b"\r\n\r\n", b"\r\nFrom: e@uni.example\r\n\r\n", 1),
            "one",
        ),
        (lambda raw: raw.replace(b"From: Uta", b"From: e@uni.example, Uta"), "one From address"),
        (lambda raw: raw.replace(b"From: Uta", b"From : Uta"), "one"),
        (lambda raw: b"no header\r\n" + raw, "cannot be read"),
    ],
)
def test_what_was_changed_on_the_way_is_refused(zone, change, reason):
    found = verdict(change(signed.sign(mail(), "uni.example")))
    assert not found.authentic
    assert reason in found.evidence


def test_a_signature_taken_from_another_mail_does_not_fit(zone):
    genuine = signed.sign(mail(), "uni.example")
    signature = genuine[: genuine.index(b"From:")]
    other = mail().replace(b"switch it on", b"wire the money")
    assert not verdict(signature + other).authentic


@pytest.mark.parametrize("domain", ["evil.example", "staff.uni.example", "example", "xuni.example"])
def test_a_signature_of_another_domain_proves_nothing(zone, domain):
    zone.records[signed.name(domain)] = [signed.record()]
    found = verdict(signed.sign(mail(), domain))
    assert not found.authentic
    assert zone.asked == []


def test_a_good_signature_below_a_bad_one_holds(zone):
    raw = signed.sign(mail(), "uni.example")
    other = signed.sign(mail().replace(b"switch", b"turn"), "uni.example")
    broken = other[: other.index(b"From:")]
    assert verdict(broken + raw).authentic


def test_only_some_signatures_are_tried(zone):
    other = signed.sign(mail().replace(b"switch", b"turn"), "uni.example")
    raw = other[: other.index(b"From:")] * 10 + signed.sign(mail(), "uni.example")
    assert not verdict(raw).authentic
    assert len(zone.asked) == signatures.LIMIT_SIGNATURES


def test_a_body_signed_in_part_is_refused(zone):
    found = verdict(signed.sign(mail(), "uni.example", length=True))
    assert "(l=)" in found.evidence


def test_an_old_algorithm_is_refused(zone):
    raw = signed.sign(mail(), "uni.example", algorithm="rsa-sha1")
    assert "not rsa-sha256" in verdict(raw).evidence


def test_a_short_key_is_refused(zone):
    zone.records[signed.name("uni.example")] = [signed.record(SHORT_KEY)]
    found = verdict(signed.sign(mail(), "uni.example", pem=SHORT_KEY))
    assert not found.authentic
    assert "too short" in found.evidence


def test_what_must_be_signed_is_named(zone):
    raw = signed.sign(mail(), "uni.example", headers=("from", "date"))
    assert verdict(raw).authentic
    assert "does not cover to" in verdict(raw, covering=("to",)).evidence
    raw = signed.sign(mail(), "uni.example", headers=("from", "to"))
    assert "does not cover date" in verdict(raw).evidence


def test_a_second_field_of_what_must_be_signed_is_refused(zone):
    # of two, a signature covers the lower one, and people read the upper
    raw = b"To: other@desk.example\r\n" + signed.sign(mail(), "uni.example")
    assert verdict(raw).authentic
    assert "exactly one field to" in verdict(raw, covering=("to",)).evidence


def test_an_expired_signature_is_refused(zone, monkeypatch):
    class Expiring(signed.dkim.DKIM):
        def gen_header(self, fields, *args, **options):
            fields.insert(-1, (b"x", str(int(time.time()) + 3600).encode()))
            return super().gen_header(fields, *args, **options)

    monkeypatch.setattr(signed.dkim, "DKIM", Expiring)
    raw = signed.sign(mail(), "uni.example")
    monkeypatch.undo()
    assert verdict(raw).authentic
    assert "expired" in verdict(raw, now=NOW + timedelta(hours=2)).evidence
    with time_machine.travel(NOW + timedelta(days=2), tick=True):
        assert not verdict(raw).authentic


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], "there is no such key"),
        ([SILENCE], "could not be looked up"),
        ([SERVFAIL], "could not be looked up"),
        (["v=DKIM1; p="], "withdrawn"),
        (["nonsense"], "faulty"),
        (["v=DKIM1; k=rsa; p=AAAA"], "not authentic"),
        (["v=DKIM1; p=%"], "not authentic"),
        (["KEY", "n=2; KEY"], "not exactly one key"),
        (["t=y; KEY"], "only tests"),
        (["s=tlsrpt; KEY"], "not for mail"),
        (["h=sha1; KEY"], "not for sha256"),
        (["KEY; n=" + "x" * 2000], "not exactly one key"),
    ],
)
def test_a_key_that_is_not_to_be_had_means_not_authentic(zone, monkeypatch, records, reason):
    monkeypatch.setattr(signatures, "LOOKUP_SECONDS", 0.3)
    key = signed.record()
    zone.records[signed.name("uni.example")] = [one.replace("KEY", key) for one in records]
    found = verdict(signed.sign(mail(), "uni.example"))
    assert not found.authentic
    assert reason in found.evidence
    assert zone.asked


def test_a_name_server_that_is_not_there_means_not_authentic(settings, monkeypatch):
    monkeypatch.setattr(signatures, "LOOKUP_SECONDS", 0.3)
    settings.HELPDESK = {**settings.HELPDESK, "DNS_SERVERS": ["127.0.0.1:9"]}
    assert "looked up" in verdict(signed.sign(mail(), "uni.example")).evidence


@pytest.mark.parametrize(
    "body",
    [b" \t" * 600_000, b"\r\n" * 600_000, b"a" * 13_000_000, (b" " * 99 + b"a\r\n") * 100_000],
    ids=["blanks", "lines", "size", "stretches"],
)
def test_no_mail_keeps_it_busy(zone, body):
    raw = signed.sign(mail(), "uni.example") + body
    began = time.process_time()
    assert not verdict(raw).authentic
    assert time.process_time() - began < 20


# --- by our own server ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "results",
    [
        "dmarc=pass (p=none dis=none) header.from=uni.example",
        "spf=fail smtp.mailfrom=a@b.example; dkim=pass header.d=uni.example header.b=AbC=",
        "dkim=pass header.i=@uni.example",
        "spf=pass smtp.mailfrom=bounce+x=y@uni.example",
        "dkim=fail header.d=evil.example; dmarc=pass header.from=UNI.Example",
    ],
)
def test_what_our_server_says_is_believed(results):
    raw = told(f"mx.uni.example; {results}")
    found = verdict(raw, server="MX.uni.example")
    assert found.authentic
    assert "mx.uni.example says" in found.evidence
    assert not verdict(raw, server="").authentic
    assert not verdict(raw, server="mx.other.example").authentic


@pytest.mark.parametrize(
    "results",
    [
        "none",
        "dmarc=pass",
        "dmarc=pass header.from=evil.example",
        "dmarc=pass header.from=staff.uni.example",
        "dmarc=none header.from=uni.example",
        "dkim=pass header.d=evil.example header.i=@uni.example",
        "dkim=pass header.d=example",
        "dkim=neutral header.d=uni.example",
        "spf=pass smtp.helo=uni.example",
        'spf=pass smtp.mailfrom="x@uni.example; dkim=pass header.d=uni.example"@evil.example',
        "spf=pass (dmarc=pass header.from=uni.example) smtp.mailfrom=evil.example",
        "arc=pass header.d=uni.example",
        "dkim=pass header.d=uni.example; dmarc=fail header.from=uni.example",
        "dkim=pass header.d=uni.example; (never closed",
    ],
)
def test_what_our_server_does_not_say_is_not_read_into_it(results):
    assert not verdict(told(f"mx.uni.example; {results}"), server="mx.uni.example").authentic


def test_a_forged_result_below_another_servers_is_not_believed():
    forged = told("mx.uni.example; dmarc=pass header.from=uni.example")
    raw = told("relay.example; dmarc=fail header.from=uni.example", forged)
    assert not verdict(raw, server="mx.uni.example").authentic
    raw = told("mx.uni.example; dmarc=fail header.from=uni.example", forged)
    assert "says dmarc=fail" in verdict(raw, server="mx.uni.example").evidence
    # ours says nothing of use, and theirs stands below
    raw = told("mx.uni.example; spf=none", forged)
    assert not verdict(raw, server="mx.uni.example").authentic


def test_a_forged_result_above_ours_hides_ours_and_says_nothing():
    raw = told("evil.example; none", told("mx.uni.example; dmarc=pass header.from=uni.example"))
    assert not verdict(raw, server="mx.uni.example").authentic


def test_an_encoded_word_in_the_field_is_no_result():
    raw = told("mx.uni.example; =?utf-8?Q?dmarc=3Dpass_header=2Efrom=3Duni=2Eexample?=")
    assert not verdict(raw, server="mx.uni.example").authentic


def test_our_servers_failure_is_final_though_a_signature_holds(zone):
    raw = told(
        "mx.uni.example; dmarc=fail header.from=uni.example", signed.sign(mail(), "uni.example")
    )
    assert not verdict(raw, server="mx.uni.example").authentic
    assert verdict(raw).authentic


@pytest.mark.parametrize(
    ("domain", "from_domain", "is_aligned"),
    [
        ("uni.example", "uni.example", True),
        ("UNI.example.", "uni.example", True),
        ("uni.example", "a.b.uni.example", True),
        ("a.uni.example", "uni.example", False),
        ("ni.example", "uni.example", False),
        ("example", "uni.example", False),
        ("uni.example", "uni.example.evil", False),
        ("", "uni.example", False),
        ("uni.example", "", False),
        ("münchen.example", "xn--mnchen-3ya.example", True),
    ],
)
def test_alignment(domain, from_domain, is_aligned):
    assert aligned(domain, from_domain) is is_aligned


@pytest.mark.django_db
def test_the_name_believed_is_the_mailboxes_own(settings):
    from django_mailbox.models import Mailbox

    from tests import factories as f

    settings.HELPDESK = {**settings.HELPDESK, "AUTHSERV_ID": "mx.site.example"}
    mailbox = Mailbox.objects.create(name="desk", uri="imap://desk:x@mail.example")
    assert server_of(InboundMail()) == "mx.site.example"
    assert server_of(InboundMail(mailbox=mailbox)) == ""
    account = MailAccount.objects.create(mailbox=mailbox, queue=f.QueueFactory())
    assert server_of(InboundMail(mailbox=mailbox)) == ""
    account.authserv_id = "imap.example"
    account.save()
    assert server_of(InboundMail(mailbox=mailbox)) == "imap.example"


@pytest.mark.parametrize(
    "again", ["To: support+t1-x@desk.example", "Date: Tue, 1 Dec 2026 10:00:00 +0000"]
)
def test_our_servers_word_is_not_for_what_was_put_above_a_signed_field(again):
    """A signature covers the lower one of two fields, and our server says that it holds."""
    results = "mx.desk.example; dkim=pass header.d=uni.example"
    raw = told(results, again.encode() + b"\r\n" + mail())
    found = verdict(raw, server="mx.desk.example", covering=("to", "message-id"))
    assert not found.authentic
    assert found.evidence.startswith("not authentic: not exactly one field ")
    assert verdict(told(results), server="mx.desk.example", covering=("to", "message-id")).authentic
