"""What the files for nginx write into its log."""

import http.client

import pytest

from tests.servers.nginx import Nginx
from tests.servers.process import wait_for

SECRET = "reset.1.2.3"


@pytest.mark.parametrize(("file", "below"), [("mailkeep.conf", ""), ("portal.conf", ""), ("below-a-path.conf", "/mailkeep")])
def test_the_key_of_a_mailed_link_is_in_no_log(file: str, below: str) -> None:
    with Nginx().begin_with(file) as nginx:
        for path in (f"{below}/password/choose?link={SECRET}", f"{below}/login/?next=/audit/"):
            connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=10)
            connection.request("GET", path)
            assert connection.getresponse().status == 502
            connection.close()
        # The line is written after the answer.
        wait_for(lambda: "next=/audit/" in nginx.asked.read_text())
        assert SECRET not in nginx.asked.read_text()
