"""A stand-in of the sign-in with Hugging Face: an OpenID provider on this machine."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "the-space", "its-secret"


class OpenIDStandin:
    """Signs in `name` at once, and gives `token`; `asked` are the scopes that were asked for."""

    def __init__(self, name: str, token: str) -> None:
        self.name, self.token = name, token
        self.asked: list[str] = []
        self.nonces: dict[str, str] = {}
        self.key = RSAKey.generate_key(2048, {"kid": "1"})
        self.url = ""

    def identity(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 3600,
            "nonce": nonce,
            "name": self.name.title(),
            "preferred_username": self.name,
            "profile": f"{self.url}/{self.name}",
            "picture": "",
        }
        return str(jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.key))


class _Handler(BaseHTTPRequestHandler):
    provider: OpenIDStandin

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _send(self, values: dict[str, Any]) -> None:
        data = json.dumps(values).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        provider, parts = self.provider, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._send(
                {
                    "issuer": provider.url,
                    "authorization_endpoint": f"{provider.url}/oauth/authorize",
                    "token_endpoint": f"{provider.url}/oauth/token",
                    "userinfo_endpoint": f"{provider.url}/oauth/userinfo",
                    "jwks_uri": f"{provider.url}/jwks",
                    "id_token_signing_alg_values_supported": ["RS256"],
                }
            )
        elif parts.path == "/jwks":
            self._send({"keys": [provider.key.as_dict(private=False)]})
        elif parts.path == "/oauth/authorize":
            provider.asked.append(query["scope"])
            code = secrets.token_hex(8)
            provider.nonces[code] = query["nonce"]
            back = query["redirect_uri"]
            mark = "&" if "?" in back else "?"
            place = f"{back}{mark}{urlencode({'code': code, 'state': query['state']})}"
            self.send_response(302)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        code = parse_qs(body)["code"][0]
        self._send(
            {
                "access_token": self.provider.token,
                "token_type": "bearer",
                "expires_in": 3600,
                "scope": self.provider.asked[-1],
                "id_token": self.provider.identity(self.provider.nonces.pop(code)),
            }
        )


@contextmanager
def openid_standin(name: str, token: str) -> Iterator[OpenIDStandin]:
    """The provider on a free port of this machine, for the length of a `with` block."""
    provider = OpenIDStandin(name, token)
    handler = type("Handler", (_Handler,), {"provider": provider})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
