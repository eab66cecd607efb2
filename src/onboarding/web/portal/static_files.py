"""The portal's own files: style, scripts, icon. Their address holds a digest of all of them, so they may be kept."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from onboarding.web.errors import not_found

router = APIRouter(include_in_schema=False)

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

# A fixed list, read once: no path that somebody sends ever reaches the file system.
_FILES = {
    path.name: path.read_bytes()
    for path in sorted((Path(__file__).parent / "static").iterdir())
    if path.suffix in _TYPES
}
_DIGEST = sha256(b"".join(name.encode() + content for name, content in _FILES.items())).hexdigest()[:12]


def address(name: str) -> str:
    """Where a file is served. Scripts import each other by relative addresses, so the digest holds for these too."""
    if name not in _FILES:
        raise KeyError(name)
    return f"/static/{_DIGEST}/{name}"


@router.get("/static/{digest}/{name}")
def serve(digest: str, name: str) -> Response:
    if name not in _FILES:
        raise not_found("file")
    # A page of an older version may still ask for its own files; what it gets now must not be kept under that name.
    kept = "public, max-age=31536000, immutable" if digest == _DIGEST else "no-store"
    return Response(_FILES[name], media_type=_TYPES[f".{name.rsplit('.', 1)[-1]}"], headers={"Cache-Control": kept})
