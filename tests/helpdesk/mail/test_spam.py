from __future__ import annotations

import pytest

from helpdesk.mail.parse import parse
from helpdesk.mail.spam import Spam, judge

pytestmark = pytest.mark.pure


def judged(*headers: str) -> Spam | None:
    lines = ["From: Ada <ada@mail.example>", *headers, "Subject: Hello", "", "Text"]
    return judge(parse("\r\n".join(lines).encode()))


@pytest.mark.parametrize(
    ("header", "score"),
    [
        ("X-Spam-Flag: YES", None),
        ("x-spam-flag:yes", None),
        ("X-Spam: Yes", None),
        ("X-Spam-Status: Yes, score=7.3 required=5.0 tests=BAYES_99,\r\n\tURIBL", 7.3),
        ("X-Spam-Status: Yes, hits=12.1 required=5.0", 12.1),
        ("X-Spam-Status: No, score=5.0 required=8.0", 5.0),  # the setting decides: 5
        ("X-Spam-Score: 5.0", 5.0),
        ("X-Spam-Score: 8.25 (++++++++)", 8.25),
        ("X-Spam-Level: *****", 5.0),
        ("X-Spam-Level: ssssss", 6.0),
        ("X-Spam-Bar: +++++++", 7.0),
        ("X-Rspamd-Score: 15.20", 15.2),
        ("X-Rspamd-Action: add header", None),
        ("X-Rspamd-Action: reject", None),
        ("X-Spamd-Result: default: True [7.30 / 6.00];\r\n\tBAYES_SPAM(5.10)[100.00%]", 7.3),
        ("X-Spamd-Result: default: False [5.50 / 15.00]; DMARC_NA(0.00)[]", 5.5),
        ("X-MS-Exchange-Organization-SCL: 5", None),
        ("X-MS-Exchange-Organization-SCL: 9", None),
        ("X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:DE;LANG:de;SCL:5;SRV:;SFV:SPM;", None),
        ("X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:6;SRV:", None),
        ("X-Forefront-Antispam-Report: SFV:SKB;SCL:-1", None),
        ("X-Proofpoint-Spam-Details: rule=spam policy=default score=100 spamscore=100", None),
        ("X-Proofpoint-Spam-Details: rule=inbound_spam policy=inbound score=99", None),
        ("X-Barracuda-Spam-Status: Yes, SCORE=6.00 using global scores", None),
        ("X-Bogosity: Spam, tests=bogofilter, spamicity=0.999", None),
        ("X-DSPAM-Result: Spam", None),
        ("X-purgate-type: spam", None),
    ],
)
def test_spam_is_recognised_with_its_score_and_evidence(header, score):
    found = judged(header)
    assert found is not None
    assert found.score == score
    name, _colon, value = header.partition(":")
    assert found.evidence.lower().startswith(f"{name.lower()}: {value.split()[0].lower()}")
    assert len(found.evidence) <= 300
    assert "\n" not in found.evidence


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Flag: NO",
        "X-Spam-Flag:",
        "X-Spam-Status: No, score=4.9 required=5.0 tests=none",
        "X-Spam-Status: No, score=-1.5 required=5.0 tests=USER_SAYS_YES",
        "X-Spam-Score: 4.99",
        "X-Spam-Score: -7.1",
        "X-Spam-Score: none",
        "X-Spam-Score: 1.2.3",
        "X-Spam-Level: ****",
        "X-Spam-Level:",
        "X-Spam-Bar: ----------",
        "X-Rspamd-Score: -0.50",
        "X-Rspamd-Action: no action",
        "X-Rspamd-Action: greylist",
        "X-Spamd-Result: default: False [4.50 / 15.00]; R_SPF_ALLOW(-0.20)[9 / 2]",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-MS-Exchange-Organization-SCL: 4",
        "X-MS-Exchange-Organization-SCL: 5000",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:1;SRV:;SFV:NSPM;H:mx;CAT:NONE",
        "X-Forefront-Antispam-Report-Untrusted: SCL:9;SFV:SPM",
        "X-Proofpoint-Spam-Details: rule=inbound_notspam policy=inbound score=0 spamscore=0",
        "X-Proofpoint-Spam-Details: rule=notspam policy=default score=0",
        "X-Barracuda-Spam-Status: No, SCORE=0.00 using global scores",
        "X-Bogosity: Ham, tests=bogofilter",
        "X-purgate-type: clean",
        "X-Spam-Report: this is no spam at all, score=99",
        "Subject: X-Spam-Flag: YES",
    ],
)
def test_other_mail_is_not(header):
    assert judged(header) is None


def test_yes_is_believed_against_no():
    forged = judged("X-Spam-Flag: NO", "X-Spam-Status: No, score=0.0", "X-Rspamd-Action: reject")
    assert forged is not None
    twice = judged("X-Spam-Flag: NO", "X-Spam-Flag: YES")
    assert twice is not None


def test_exims_score_without_its_point_is_divided_by_ten():
    """cPanel writes 31 for 3.1, and a bar beside it."""
    assert judged("X-Spam-Score: 31", "X-Spam-Bar: +++") is None
    found = judged("X-Spam-Score: 73", "X-Spam-Bar: +++++++")
    assert found is not None
    assert found.score == 7.3
    assert judged("X-Spam-Score: 31") is not None


def test_threshold_is_a_setting(settings):
    header = "X-Spam-Score: 6.5"
    assert judged(header) is not None
    settings.HELPDESK = {**settings.HELPDESK, "SPAM_SCORE": 7}
    assert judged(header) is None
    assert judged(header, "X-Spam-Flag: YES") is not None


@pytest.mark.parametrize("value", ["*" * 60_000, "score=" * 9_000, "rule=" * 9_000, "[" * 60_000])
@pytest.mark.parametrize(
    "name", ["X-Spam-Status", "X-Spam-Level", "X-Proofpoint-Spam-Details", "X-Spamd-Result"]
)
def test_long_values_are_no_trouble(name, value):
    assert judged(f"{name}: {value}") is None or name == "X-Spam-Level"
