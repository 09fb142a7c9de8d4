"""The page on deployment: its commands exist as written, and its nginx serves a page over TLS."""

from __future__ import annotations

import datetime
import ipaddress
import re
import shlex
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from huggingface_hub import SpaceHardware
from playwright.sync_api import Browser, expect
from serving import ROOT, Server, free_port, serving
from thorough import THOROUGH
from ui.browsing import CHROMIUM, Watched, shoot, wait_for_state, wait_for_step
from written import commands_of

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
HUB = re.findall(r"^hf .*$|(?<=`)hf [^`]+ [^`]+(?=`)", PAGE, re.M)
DEPTH = {"repos": 2, "buckets": 2, "spaces": 3, "auth": 2}  # words of a command that has others


@cache
def hub_help(*command: str) -> str:
    """What the installed `hf` says of a command."""
    hf = Path(sys.executable).with_name("hf")
    done = subprocess.run([str(hf), *command, "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


def test_the_commands_of_the_hub_are_those_that_it_knows() -> None:
    assert len(HUB) >= 6
    for line in HUB:
        words = shlex.split(line)
        command = words[1 : 1 + DEPTH.get(words[1], 1)]
        if command[:2] == ["spaces", "settings"]:
            command.pop()  # which has no others
        told = hub_help(*command)
        options = dict(pairwise([*words, ""]))
        for option, value in options.items():
            if option.startswith("--"):
                assert re.search(rf"{option}[ ,]", told), f"{option} of {line}"
            if option == "--hardware":
                assert value in [one.value for one in SpaceHardware]
            if option == "--repo-type":
                assert re.search(rf"--repo-type \[[a-z|]*\b{value}\b", told)


def test_what_is_said_of_the_container_is_in_its_file() -> None:
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.M))
    for name in re.findall(r"--build-arg (\w+)=", PAGE):
        assert name in arguments
    assert arguments["BASE"] == "python:3.11-slim" and arguments["TORCH_BACKEND"] == "cpu"
    assert "--uid 1000" in DOCKERFILE and re.search(r"^USER gtt$", DOCKERFILE, re.M)
    assert re.search(r"^VOLUME /data$", DOCKERFILE, re.M) and "GTT_HOME=/data" in DOCKERFILE
    assert re.search(r"^EXPOSE 7860$", DOCKERFILE, re.M)
    assert "HEALTHCHECK" in DOCKERFILE and "/healthz" in DOCKERFILE


def test_the_image_holds_what_the_program_needs_and_nothing_else() -> None:
    """What is copied is let through by `.dockerignore`; dependencies come before the code."""
    copied = [
        name for line in re.findall(r"^COPY (.+)$", DOCKERFILE, re.M) for name in line.split()[:-1]
    ]
    assert copied[0] == "requirements.txt"
    let_through = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.M)
    assert sorted(copied) == sorted(let_through) and all((ROOT / name).exists() for name in copied)


def write_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started with the variables of the line that the page gives for it."""
    (line,) = [one for one in commands_of(PAGE) if "GRADIO_ROOT_PATH" in one.variables]
    assert line.words == ["python", "app.py"] and len(line.variables) == 3
    with serving(
        tmp_path_factory.mktemp("deploy") / "home",
        **line.variables,
        OMP_NUM_THREADS="1",
    ) as one:
        yield one


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[tuple[str, Path]]:
    """The settings as they stand, on a free port; its address, and whom to trust."""
    tmp_path = tmp_path_factory.mktemp("nginx")
    certificate, port = write_certificate(tmp_path), free_port()
    (block,) = re.findall(r"```nginx\n(.*?)```", PAGE, re.S)
    for before, after in {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/gpt.example.org.pem": str(certificate),
        "/etc/ssl/gpt.example.org.key": str(certificate.with_suffix(".key")),
        "http://127.0.0.1:7860/": f"{server.url}/",
    }.items():
        assert block.count(before) == 1
        block = block.replace(before, after)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/errors;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{block}\n}}\n"
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield f"https://127.0.0.1:{port}/gtt", certificate
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx (nginx-light)")
def test_the_page_is_served_over_tls_under_a_sub_path(nginx: tuple[str, Path]) -> None:
    """Also what only a browser does: a click that carries the page's origin."""
    url, certificate = nginx
    trust = ssl.create_default_context(cafile=str(certificate))
    transport = httpx.HTTPTransport(verify=trust, retries=5)
    with httpx.Client(transport=transport, timeout=60) as http:
        page = http.get(f"{url}/")
        assert page.status_code == 200 and f'"root":"{url}"' in page.text
        origin = {"Origin": url.removesuffix("/gtt")}
        kept = http.post(f"{url}/api/config", json={"recipe": "beginner"}, headers=origin)
        assert kept.status_code == 200, kept.text
        foreign = {"Origin": "https://elsewhere.example"}
        refused = http.post(f"{url}/api/config", json={"recipe": "beginner"}, headers=foreign)
        assert refused.status_code == 403


@pytest.mark.skipif(shutil.which("nginx") is None, reason="needs nginx (nginx-light)")
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine")
@pytest.mark.parametrize(
    ("theme", "width"), [("light", 1200), ("dark", 390)][: 2 if THOROUGH else 1]
)
def test_a_run_is_watched_in_a_browser_over_tls(
    nginx: tuple[str, Path], browser: Browser, theme: str, width: int
) -> None:
    """The certificate signs itself, which a browser is told to accept; all else is as written."""
    url = f"{nginx[0]}/?__theme={theme}"
    small = "&recipe=quickstart&set=model.n_embed:32&set=training.batch_size:4"
    watched = Watched(browser, url + small, width, ignore_https_errors=True)
    page = watched.open()
    assert page.evaluate("isSecureContext && location.pathname") == "/gtt/"
    page.locator("#start").click()
    wait_for_state(page, "running")
    seen = wait_for_step(page, 5)
    line = page.locator("#live .curve.training path.line")
    expect(line).to_have_attribute("d", re.compile(r"^M.*[LC]"))
    drawn = line.get_attribute("d")
    wait_for_step(page, seen + 5)
    expect(line).not_to_have_attribute("d", str(drawn))  # it grows as the run goes on
    shoot(page, f"tls-{theme}")
    page.locator("#stop").click()
    wait_for_state(page, "stopped")
    watched.require_calm()
