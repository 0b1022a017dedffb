"""Dovecot with IMAP and POP3 on one maildir, as root or as an ordinary user."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from .certificates import write_certificate
from .ports import free_ports, stop, wait_for

USER = "desk"
SECRET = "gull-and-wagtail"
NOBODY = 65534  # dovecot refuses to read mail as root

CONFIG = """
protocols = imap pop3
listen = 127.0.0.1
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
instance_name = {base}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0 secs
mail_location = maildir:{home}
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = {uid}
first_valid_gid = {gid}
maildir_very_dirty_syncs = no
pop3_uidl_format = %g
mail_max_userip_connections = 100
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
passdb {{
  driver = static
  args = password={secret} user={user}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  chroot = {chroot}
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  chroot = {chroot}
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{extra}
"""


# the token is shown to `{url}`, which knows whose it is (RFC 7662 by its simplest means: a 401 refuses)
OAUTH = """
introspection_mode = auth
introspection_url = {url}
username_attribute = sub
"""
OAUTH_EXTRA = """
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {base}/oauth2.conf
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server with one user."""

    home: Path
    certificate: Path
    log: Path
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    uid: int
    user: str = USER
    secret: str = SECRET
    _numbers: Iterator[int] = field(default_factory=count, repr=False)

    @property
    def imap_uri(self) -> str:
        """Address without the secret."""
        return f"imap://{self.user}@127.0.0.1:{self.imap}/"

    @property
    def pop3_uri(self) -> str:
        """Address without the secret."""
        return f"pop3://{self.user}@127.0.0.1:{self.pop3}/"

    @property
    def imaps_uri(self) -> str:
        """Address of the TLS port; its certificate signs itself."""
        return f"imap+ssl://{self.user}@127.0.0.1:{self.imaps}/"

    @property
    def pop3s_uri(self) -> str:
        """Address of the TLS port; its certificate signs itself."""
        return f"pop3+ssl://{self.user}@127.0.0.1:{self.pop3s}/"

    def deliver(self, raw: bytes, folder: str = "") -> str:
        """Put a mail byte by byte into the maildir, as a delivery agent does, and return its file's name."""
        name = f"{int(time.time())}.M{next(self._numbers):06d}P{os.getpid()}.test"
        root = self._folder(folder)
        for part in (root, root / "tmp", root / "new", root / "cur"):
            if not part.is_dir():
                part.mkdir(mode=0o700)
                os.chown(part, self.uid, -1)
        draft = root / "tmp" / name
        draft.write_bytes(raw)
        os.chown(draft, self.uid, -1)
        draft.rename(root / "new" / name)
        return name

    def remaining(self, folder: str = "") -> list[bytes]:
        """Return the mails in the inbox or a folder, oldest first, those marked as deleted included."""
        root = self._folder(folder)
        files = [path for part in ("new", "cur") for path in root.glob(f"{part}/*")]
        return [path.read_bytes() for path in sorted(files, key=lambda path: path.name)]

    def empty(self) -> None:
        """Delete every mail; folders and the numbers given so far stay.

        By the server's own means: it may trust its index for a second after a change.
        """
        with imaplib.IMAP4("127.0.0.1", self.imap, timeout=20) as client:
            client.login(self.user, self.secret)
            for line in client.list()[1]:
                client.select(line.partition(b') "/" ')[2].decode("ascii"))
                client.uid("STORE", "1:*", "+FLAGS.SILENT", r"(\Deleted)")
                client.expunge()

    def _folder(self, name: str) -> Path:
        return self.home / f".{name.replace('/', '.')}" if name else self.home


@contextmanager
def dovecot(*, extra: str = "", userinfo: str = "") -> Iterator[Dovecot]:
    """Start a server with an empty inbox; skips the test where dovecot is not installed.

    `extra` is added to the configuration, for example `imap_capability = IMAP4rev1` for a server that can do less.
    With `userinfo` it also takes tokens (XOAUTH2) that this address of an OpenID provider accepts.
    """
    program = shutil.which(
        "dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    )
    if program is None:
        pytest.skip("dovecot is not installed")
    base = Path(tempfile.mkdtemp(prefix="dovecot-"))
    try:
        if userinfo:
            (base / "oauth2.conf").write_text(OAUTH.format(url=userinfo))
            extra += OAUTH_EXTRA.format(base=base)
        yield from _running(program, base, extra)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _running(program: str, base: Path, extra: str) -> Iterator[Dovecot]:
    root = os.geteuid() == 0
    uid, gid = (NOBODY, NOBODY) if root else (os.geteuid(), os.getegid())
    base.chmod(0o755)  # dovecot's own users pass through it
    home = base / "mail"
    for part in (home, home / "tmp", home / "new", home / "cur"):
        part.mkdir(mode=0o700)
        os.chown(part, uid, gid)
    certificate, key = write_certificate(base)
    imap, imaps, pop3, pop3s = free_ports(4)
    me, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    config = base / "dovecot.conf"
    config.write_text(
        CONFIG.format(
            base=base, home=home, certificate=certificate, key=key, uid=uid, gid=gid,
            user=USER, secret=SECRET, imap=imap, imaps=imaps, pop3=pop3, pop3s=pop3s,
            internal="dovecot" if root else me,
            group="dovecot" if root else group,
            login="dovenull" if root else me,
            chroot="login" if root else "",
            extra=extra,
        )
    )  # fmt: skip
    process = subprocess.Popen([program, "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        for port in (imap, imaps, pop3, pop3s):
            wait_for(port, process)
        yield Dovecot(home, certificate, base / "log", imap, imaps, pop3, pop3s, uid)
    finally:
        stop(process)
