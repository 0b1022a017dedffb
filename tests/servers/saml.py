"""A SAML identity provider in this process (pysaml2 with xmlsec1), which answers as one asks it to."""

from __future__ import annotations

import base64
import datetime
import shutil
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ENTITY = "https://idp.uni.example/idp/shibboleth"
SSO = "https://idp.uni.example/sso"


def write_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate and its RSA key as PEM files, and return their paths."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    public, private = folder / f"{name}.crt", folder / f"{name}.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return public, private


@dataclass
class IdentityProvider:
    """Answers requests of one service provider for whomever it is told."""

    folder: Path
    certificate: Path
    key: Path
    sp_metadata: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def metadata_file(self, *, entity: str = ENTITY, others: str = "") -> Path:
        """Write the provider's metadata and return the file."""
        lines = self.certificate.read_text().strip().splitlines()[1:-1]
        one = (
            f'<md:EntityDescriptor entityID="{entity}">'
            '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            '<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>'
            f"{''.join(lines)}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{SSO}"/></md:IDPSSODescriptor></md:EntityDescriptor>'
        )
        path = self.folder / "idp.xml"
        path.write_text(
            '<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{others}{one}</md:EntitiesDescriptor>'
        )
        return path

    def server(self) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from saml2.config import IdPConfig
            from saml2.server import Server

            settings = {
                "entityid": ENTITY,
                "key_file": str(self.key),
                "cert_file": str(self.certificate),
                "xmlsec_binary": shutil.which("xmlsec1"),
                "metadata": {"inline": [self.sp_metadata]},
                "service": {
                    "idp": {
                        "endpoints": {
                            "single_sign_on_service": [
                                (SSO, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect")
                            ]
                        },
                        "policy": {
                            "default": {
                                "lifetime": {"minutes": 15},
                                "attribute_restrictions": None,
                                "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
                            }
                        },
                    }
                },
            }
            return Server(config=IdPConfig().load(settings))

    def answer(self, url: str, attributes: dict[str, Any], **changed: Any) -> dict[str, str]:
        """Return the form that a browser posts back after the log-in that `url` asked for.

        `changed` goes into pysaml2's `create_authn_response`: sign_assertion, sign_response, destination, …
        """
        asked = parse_qs(urlsplit(url).query)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            server = self.server()
            request = server.parse_authn_request(
                asked["SAMLRequest"][0], "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
            )
            options = {
                **server.response_args(request.message),
                "userid": "transient",
                "authn": {
                    "class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
                    "authn_auth": ENTITY,
                },
                "sign_assertion": True,
                "sign_response": False,
                "sign_alg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                "digest_alg": "http://www.w3.org/2001/04/xmlenc#sha256",
                **changed,
            }
            options.pop("binding", None)
            response = str(server.create_authn_response(identity=attributes, **options))
        return {
            "SAMLResponse": base64.b64encode(response.encode()).decode(),
            "RelayState": asked.get("RelayState", [""])[0],
        }


def identity_provider(folder: Path) -> IdentityProvider:
    """Make a provider; skips the test by name where pysaml2, python3-saml or xmlsec1 is not installed."""
    if shutil.which("xmlsec1") is None:
        pytest.skip("xmlsec1 is not installed")
    pytest.importorskip("saml2", reason="pysaml2 is not installed")
    pytest.importorskip("onelogin.saml2", reason="python3-saml is not installed")
    certificate, key = write_pair(folder, "idp")
    return IdentityProvider(folder, certificate, key)
