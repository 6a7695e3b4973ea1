"""Our own addresses as others have to write them."""

from typing import Any
from urllib.parse import urljoin

from flask import current_app, request, url_for


def outside_url(endpoint: str, **values: Any) -> str:
    """By PUBLIC_URL where it is set: else by the name that the visitor asked for, which he may have made up."""
    public: str = current_app.config.get("PUBLIC_URL") or ""
    if not public:
        return url_for(endpoint, _external=True, **values)
    path = url_for(endpoint, **values).removeprefix(request.script_root)
    return urljoin(public.rstrip("/") + "/", path.lstrip("/"))
