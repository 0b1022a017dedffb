"""A directory on this machine: OpenLDAP's slapd in a folder of its own, with people, groups and memberOf."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .ports import free_ports, stop, wait_for

BASE = "dc=uni,dc=example"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "r3ader"
CONF = """
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
pidfile {folder}/pid
argsfile {folder}/args
modulepath {modules}
moduleload back_mdb
moduleload memberof
{tls}
database mdb
suffix "{base}"
rootdn "cn=admin,{base}"
rootpw adm1n
directory {folder}/data
index objectClass,uid eq
overlay memberof
memberof-group-oc groupOfNames
memberof-member-ad member
memberof-memberof-ad memberOf
{limits}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * auth
"""


@dataclass
class Directory:
    """A running directory; people log in with the password `p-` and their uid."""

    port: int
    folder: Path
    #: where it speaks TLS from the start, if it does
    safe_port: int = 0

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    def settings(self, **more: str) -> dict[str, str]:
        """Return the variables LDAP_… for it."""
        from portal.doors.config import LDAP_DEFAULTS

        return {
            **LDAP_DEFAULTS,
            "URL": self.url,
            "BIND_DN": READER,
            "BIND_PASSWORD": READER_PASSWORD,
            "SEARCH_BASE": PEOPLE,
            "ATTR_MAIL": "mail,mailLocalAddress",
            "TIMEOUT": "2",
            **more,
        }

    def change(self, ldif: str) -> None:
        """Change entries, as `ldapmodify` does."""
        subprocess.run(
            ["ldapmodify", "-x", "-H", self.url, "-D", f"cn=admin,{BASE}", "-w", "adm1n"],
            input=ldif,
            text=True,
            check=True,
            capture_output=True,
        )

    def person(self, uid: str, first: str, last: str, *mail: str, password: str = "") -> None:
        """Add a person."""
        lines = [
            f"dn: uid={uid},{PEOPLE}",
            "changetype: add",
            "objectClass: inetOrgPerson",
            f"uid: {uid}",
            f"cn: {first} {last}",
            f"givenName: {first}",
            f"sn: {last}",
            f"userPassword: {password or 'p-' + uid}",
            *(f"mail: {one}" for one in mail),
        ]
        self.change("\n".join(lines) + "\n")

    def remove(self, uid: str) -> None:
        """Remove a person."""
        self.change(f"dn: uid={uid},{PEOPLE}\nchangetype: delete\n")

    def group(self, name: str, *uids: str) -> str:
        """Add a group and return its DN."""
        dn = f"cn={name},{GROUPS}"
        members = "\n".join(f"member: uid={uid},{PEOPLE}" for uid in uids)
        self.change(
            f"dn: {dn}\nchangetype: add\nobjectClass: groupOfNames\ncn: {name}\n{members}\n"
        )
        return dn

    def drop_group(self, name: str) -> None:
        """Remove a group."""
        self.change(f"dn: cn={name},{GROUPS}\nchangetype: delete\n")


@contextmanager
def directory(*, tls: str = "", limits: str = "", also: str = "") -> Iterator[Directory]:
    """Run a directory; skips the test by name where slapd is not installed."""
    program = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap")
    if program is None or shutil.which("ldapmodify") is None:
        pytest.skip("slapd and ldap-utils are not installed")
    pytest.importorskip("ldap", reason="python-ldap is not installed")
    schema = next(
        (one for one in ("/etc/ldap/schema", "/etc/openldap/schema") if Path(one).is_dir()), ""
    )
    modules = next(
        (one for one in ("/usr/lib/ldap", "/usr/lib64/openldap") if Path(one).is_dir()), ""
    )
    port, safe_port = free_ports(2)
    folder = Path(tempfile.mkdtemp(prefix="stelze-slapd-"))
    (folder / "data").mkdir()
    conf = folder / "slapd.conf"
    conf.write_text(
        CONF.format(
            schema=schema,
            modules=modules,
            folder=folder,
            base=BASE,
            reader=READER,
            tls=tls,
            limits=limits,
        )
    )
    places = [f"ldap://127.0.0.1:{port}", *([f"{also}://127.0.0.1:{safe_port}"] if also else [])]
    process = subprocess.Popen(
        [program, "-d", "0", "-f", str(conf), "-h", " ".join(places)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port, process)
        found = Directory(port, folder, safe_port)
        found.change(
            f"dn: {BASE}\nchangetype: add\nobjectClass: dcObject\nobjectClass: organization\n"
            f"dc: uni\no: University\n\n"
            f"dn: {PEOPLE}\nchangetype: add\nobjectClass: organizationalUnit\nou: people\n\n"
            f"dn: {GROUPS}\nchangetype: add\nobjectClass: organizationalUnit\nou: groups\n\n"
            f"dn: {READER}\nchangetype: add\nobjectClass: organizationalRole\n"
            f"objectClass: simpleSecurityObject\ncn: reader\nuserPassword: {READER_PASSWORD}\n"
        )
        yield found
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)
