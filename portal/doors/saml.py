"""The SAML provider (Shibboleth and others): its settings for allauth, and the person of its attributes.

Needs python3-saml (requirements/saml.txt). Metadata are read from a file or an address that the environment names.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from allauth.socialaccount.models import SocialApp
from django.core.cache import cache
from django.http import HttpRequest

from . import config, faults, person
from .config import SLUG, Saml
from .person import Proven, Refused

METADATA_SECONDS = 4 * 3600
TIMEOUT = 10
MAX_METADATA = 20_000_000


try:
    from onelogin.saml2.errors import OneLogin_Saml2_Error as SamlFault
except ImportError:  # requirements/saml.txt is not installed; the system check says so

    class SamlFault(Exception):  # type: ignore[no-redef]
        """Never raised."""


class BadMetadata(Exception):
    """The metadata cannot be had or read; the words say why."""


def app() -> SocialApp | None:
    """Return the provider as allauth takes it, None if there is none."""
    door = config.saml()
    if door is None or "saml" not in config.doors():
        return None
    return SocialApp(
        provider="saml",
        provider_id="saml",
        name="SAML",
        client_id=SLUG,
        settings={
            "attribute_mapping": {"uid": list(door.names.name)},
            "idp": {"metadata_url": door.metadata, "entity_id": door.idp_entity_id or None},
            "sp": {"entity_id": door.entity_id},
            "advanced": {
                "strict": True,
                "want_assertion_signed": door.signed == "assertion",
                "want_message_signed": door.signed == "response",
                "reject_idp_initiated_sso": True,
                "reject_deprecated_algorithm": True,
                "allow_single_label_domains": True,  # http://helpdesk/ on a network of one's own
                "authn_request_signed": bool(door.private_key),
                "metadata_signed": False,
                "x509cert": read(door.certificate) or None,
                "private_key": read(door.private_key) or None,
                "name_id_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
            },
        },
    )


def read(value: str) -> str:
    """Return a PEM text given as such, or in the file of that name; '' if it cannot be read."""
    if not value or "-----BEGIN" in value:
        return value.replace("\\n", "\n")
    try:
        return Path(value).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def pem(text: str) -> str:
    """Return the base64 of metadata as a certificate in PEM form."""
    lines = "\n".join(textwrap.wrap("".join(text.split()), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def prime(door: Saml) -> None:
    """Put the provider's parsed metadata where allauth looks for them, so that it fetches none itself.

    Raises `BadMetadata`.
    """
    url, entity = door.metadata, door.idp_entity_id or None
    name = f"saml.metadata.{url}.{entity}"
    ours = "portal.saml." + hashlib.sha256(name.encode()).hexdigest()
    parsed = cache.get(ours)
    if parsed is None:
        parsed = parse(fetch(url), door.idp_entity_id)
        cache.set(ours, parsed, METADATA_SECONDS)
    cache.set(name, parsed, METADATA_SECONDS)


def fetch(place: str) -> bytes:
    """Return the metadata of a file or an https address, following no redirects. Raises `BadMetadata`."""
    if "://" not in place:
        try:
            return Path(place).read_bytes()
        except OSError as error:
            raise BadMetadata(f"the file cannot be read ({type(error).__name__})") from None
    try:
        answer = requests.get(place, timeout=TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise BadMetadata(faults.of_error(error)) from None
    if answer.status_code != 200:
        raise BadMetadata(f"it answers with {answer.status_code}")
    if len(answer.content) > MAX_METADATA:
        raise BadMetadata("too large")
    return answer.content


def parse(xml: bytes, entity_id: str) -> dict[str, Any]:
    """Return what of a provider's metadata is needed. Raises `BadMetadata`."""
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

    try:
        parsed = Parser.parse(xml, entity_id=entity_id or None)
    except Exception as error:  # noqa: BLE001  whatever lxml says of foreign XML
        raise BadMetadata(f"no metadata of SAML ({type(error).__name__})") from None
    provider = parsed.get("idp") or {}
    certificates = provider.get("x509cert") or provider.get("x509certMulti", {}).get("signing")
    if not provider.get("singleSignOnService", {}).get("url") or not certificates:
        named = " (SAML_IDP_ENTITY_ID)" if entity_id else ""
        raise BadMetadata(f"no such provider with address and certificate in it{named}")
    if entity_id and provider.get("entityId") != entity_id:
        raise BadMetadata("not the provider named by SAML_IDP_ENTITY_ID")
    return dict(parsed)


def proven(attributes: Mapping[str, Any], stashed: Mapping[str, Any]) -> Proven:
    """Return the person of an assertion that the library has verified. Raises `Refused`: no-name, other-scope."""
    door = config.saml()
    if door is None:
        raise Refused("no-door")
    return person.build("saml", attributes, door.names, door.groups)


def own_metadata(request: HttpRequest) -> bytes:
    """Return this site's own metadata. Log-out at the provider is not offered, so it is not named."""
    from allauth.socialaccount.providers.saml.utils import build_saml_config
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    provider = app()
    if provider is None:
        raise BadMetadata("SAML is not set up")
    found = build_saml_config(request, provider.settings, SLUG)
    del found["sp"]["singleLogoutService"]
    ours = OneLogin_Saml2_Settings(settings=found, sp_validation_only=True)
    metadata = ours.get_sp_metadata()
    wrong = ours.validate_metadata(metadata)
    if wrong:
        raise BadMetadata(", ".join(wrong))
    return metadata if isinstance(metadata, bytes) else metadata.encode()
