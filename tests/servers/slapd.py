"""A private slapd with a few people in it, and a certificate authority of its own."""

import base64
import pathlib
import subprocess
import tempfile

from tests.servers.process import Server, answers, free_port, need

BASE = "dc=example,dc=com"
READER = f"cn=reader,{BASE}"
READER_PASSWORD = "reads-only-1"
PASSWORD = "Directory-Horse-1"
ADMINS, HELPDESK = f"cn=admins,ou=groups,{BASE}", f"cn=Help\\2C desk,ou=groups,{BASE}"

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {tls}/ca.pem
TLSCertificateFile {tls}/server.pem
TLSCertificateKeyFile {tls}/server.key
allow bind_anon_dn
security simple_bind={strength}
database mdb
maxsize 8388608
suffix "{base}"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=hidden,{base}" by * none
access to * by dn.exact="{reader}" read by * none
"""

Person = tuple[str, dict[str, list[str]]]


def person(rdn: str, uid: str, mail: list[str] | None = None, ou: str = "people", **more: list[str]) -> Person:
    """`rdn` as it stands in the DN, with its escapes."""
    fields = {"uid": [uid], "sn": [uid.title()], "cn": [uid], "mail": mail if mail is not None else [f"{uid}@example.com"]}
    return f"{rdn},ou={ou},{BASE}", fields | more


PEOPLE = (
    person("uid=alice", "alice", ["alice@example.com"], givenName=["Alice"], sn=["Liddell"], memberOf=[ADMINS]),
    person("uid=bob", "bob", ["robert@example.com", "bob@example.com", "Bobby@Example.com"], memberOf=[HELPDESK]),
    person("uid=carol", "carol", ["carol@example.com"], displayName=["Carol of the Directory"]),
    person("uid=nomail", "nomail", []),
    person("cn=Müller\\, Jörg \\28IT\\29+uid=jm\\2Aller", "jm*ller", ["jm@example.com"], cn=["Müller, Jörg (IT)"]),
    person("cn=back\\5Cslash\\22\\3B\\3C", "back\\slash", ["back@example.com"], cn=['back\\slash";<']),
    person("uid=größe", "größe", ["groesse@example.com"]),
    person("uid=twin", "twin", ["twin1@example.com"]),
    person("uid=twin", "twin", ["twin2@example.com"], ou="others"),
    person("uid=hidden", "hidden", ou="hidden"),
)


class Authority:
    """ca.pem, and server.pem with server.key for 127.0.0.1 or somebody else."""

    def __init__(self, names: str = "IP:127.0.0.1") -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mailkeep-ca-"))
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        (self.folder / "names").write_text(f"subjectAltName={names}\n")
        self._openssl("req", "-x509", *key, "-subj", "/CN=Tests CA", "-keyout", "ca.key", "-out", "ca.pem")
        self._openssl("req", *key[:4], "-nodes", "-subj", "/CN=server.example", "-keyout", "server.key", "-out", "server.csr")
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
        self._openssl("x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")

    @property
    def file(self) -> str:
        return str(self.folder / "ca.pem")

    def _openssl(self, *arguments: str) -> None:
        subprocess.run([need("openssl"), *arguments], cwd=self.folder, check=True, capture_output=True)


class Slapd(Server):
    """`strength` 128 takes no password without TLS."""

    name = "slapd"

    def __init__(self, authority: Authority, people: tuple[Person, ...] = PEOPLE, strength: int = 0) -> None:
        self.program = need("slapd", "/usr/sbin/slapd")
        super().__init__()
        self.tls_port = free_port()
        (self.folder / "data").mkdir()
        values = {"folder": self.folder, "tls": authority.folder, "base": BASE, "reader": READER, "strength": strength}
        (self.folder / "slapd.conf").write_text(_CONFIG.format(**values))
        (self.folder / "people.ldif").write_text("\n".join(_ldif(*entry) for entry in [*_ground(), *map(_as_entry, people)]))
        self.run(self.program, "-T", "add", "-q", "-f", f"{self.folder}/slapd.conf", "-l", f"{self.folder}/people.ldif")

    def command(self) -> list[str]:
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        return [self.program, "-d", "0", "-f", f"{self.folder}/slapd.conf", "-h", urls]

    def is_ready(self) -> bool:
        return answers(self.port) and answers(self.tls_port)

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"


def _ground() -> list[tuple[str, dict[str, list[str]]]]:
    units = [
        (f"ou={name},{BASE}", {"objectClass": ["organizationalUnit"], "ou": [name]}) for name in ("people", "others", "hidden", "groups")
    ]
    reader = {"objectClass": ["organizationalRole", "simpleSecurityObject"], "cn": ["reader"], "userPassword": [READER_PASSWORD]}
    return [(BASE, {"objectClass": ["dcObject", "organization"], "dc": ["example"], "o": ["Tests"]}), *units, (READER, reader)]


def _as_entry(entry: Person) -> Person:
    dn, fields = entry
    kept = {name: values for name, values in fields.items() if values}
    return dn, {"objectClass": ["inetOrgPerson"], "userPassword": [PASSWORD]} | kept


def _ldif(dn: str, fields: dict[str, list[str]]) -> str:
    lines = [f"dn:: {_base64(dn)}", *(f"{name}:: {_base64(value)}" for name, values in fields.items() for value in values)]
    return "\n".join(lines) + "\n"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
