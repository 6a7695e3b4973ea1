"""An nginx with one of the files we ship, in front of a panel."""

import pathlib

from tests.servers.process import Server, answers, need

FILES = pathlib.Path(__file__).resolve().parent.parent.parent / "contrib/nginx"


class Nginx(Server):
    """Below /mailkeep/, and nowhere else."""

    name = "nginx"

    def begin_before(self, panel_port: int) -> "Nginx":
        block = (FILES / "below-a-path.conf").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{panel_port}")
        temporary = "\n".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/pid; error_log stderr;\n"
            f"events {{ }}\nhttp {{ access_log off; {temporary}\nserver {{ listen 127.0.0.1:{self.port};\n{block} }} }}\n"
        )
        return self

    def command(self) -> list[str]:
        return [need("nginx", "/usr/sbin/nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", "stderr"]

    def is_ready(self) -> bool:
        return answers(self.port)
