"""Static files of the portal. Their path contains a digest of all files, so browsers may cache them permanently."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import Response

from onboarding.web.errors import not_found

router = APIRouter(include_in_schema=False)

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

# All files are read at import, so that no path of a request reaches the file system.
_FILES = {
    path.name: path.read_bytes()
    for path in sorted((Path(__file__).parent / "static").iterdir())
    if path.suffix in _TYPES
}
_DIGEST = sha256(b"".join(name.encode() + content for name, content in _FILES.items())).hexdigest()[:12]


def static_url(name: str) -> str:
    """Return the path of a file. Scripts import each other by relative paths, which contain the digest too."""
    if name not in _FILES:
        raise KeyError(name)
    return f"/static/{_DIGEST}/{name}"


@router.get("/static/{digest}/{name}")
def serve_file(digest: str, name: str) -> Response:
    """Return a static file."""
    if name not in _FILES:
        raise not_found("file")
    # A page of an older version may request its own files; the browser must not cache this version under that path.
    cache_control = "public, max-age=31536000, immutable" if digest == _DIGEST else "no-store"
    return Response(
        _FILES[name], media_type=_TYPES[f".{name.rsplit('.', 1)[-1]}"], headers={"Cache-Control": cache_control}
    )
