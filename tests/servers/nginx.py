"""An nginx with one of the files we ship, in front of a panel or of nobody."""

import pathlib
import re

from tests.servers.process import Server, answers, need

FILES = pathlib.Path(__file__).resolve().parent.parent.parent / "contrib/nginx"


class Nginx(Server):
    """Below /mailkeep/, and nowhere else."""

    name = "nginx"

    def begin_before(self, panel_port: int) -> "Nginx":
        block = (FILES / "below-a-path.conf").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{panel_port}")
        return self._begin(f"access_log off; server {{ listen 127.0.0.1:{self.port};\n{block} }}")

    def begin_with(self, file: str) -> "Nginx":
        """Nobody is behind it; what it was asked is in `asked`."""
        text = (FILES / file).read_text().replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};")
        text = re.sub(r"ssl_certificate(_key)? .*;|127\.0\.0\.1:80\d\d", lambda found: "" if ";" in found[0] else "127.0.0.1:1", text)
        text = text.replace("/var/log/nginx/access.log", str(self.asked))
        block = text if "\nserver {" in text else f"server {{ listen 127.0.0.1:{self.port};\n{text} }}"
        return self._begin(f"access_log {self.asked};\n{block}")

    def begin_as_told(self, manual: str, panel_port: int, folder: pathlib.Path) -> "Nginx":
        """The server that a page of the manual shows, with a certificate of `folder`."""
        text = re.search(r"^ +server \{.*?^ {7}\}", (FILES.parent.parent / "docs" / manual).read_text(), re.DOTALL | re.MULTILINE)
        assert text is not None
        block = (
            text[0].replace("listen 8443 ssl;", f"listen 127.0.0.1:{self.port} ssl;").replace("127.0.0.1:8080", f"127.0.0.1:{panel_port}")
        )
        block = re.sub(r"(ssl_certificate(?:_key)?) \S+(pem|key);", rf"\1 {folder}/server.\2;", block)
        return self._begin(f"access_log off; {re.sub('allow 192[^;]*;', 'allow 127.0.0.1;', block)}")

    @property
    def asked(self) -> pathlib.Path:
        return self.folder / "access.log"

    def _begin(self, servers: str) -> "Nginx":
        temporary = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/pid; error_log stderr;\nevents {{ }}\nhttp {{ {temporary}\n{servers}\n}}\n"
        )
        return self

    def command(self) -> list[str]:
        return [need("nginx", "/usr/sbin/nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]

    def is_ready(self) -> bool:
        return answers(self.port)
