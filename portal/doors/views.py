"""The way to a provider and back. All of it stands at addresses without a language: providers know one each."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

import requests
from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.openid_connect import views as openid
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from . import config, faults, saml
from .config import SLUG
from .social import refusal_page

logger = logging.getLogger(__name__)

PROVIDERS = {"oidc": "openid_connect", "saml": "saml"}
#: What a provider that is down, or says nonsense, makes of the libraries.
FAULTS = (
    requests.RequestException,
    SocialApp.DoesNotExist,
    saml.BadMetadata,
    saml.SamlFault,
    AttributeError,
    ImproperlyConfigured,  # allauth's word for a subject longer than its column
    KeyError,
    SyntaxError,  # lxml's word for what is no XML
    TypeError,
    ValueError,
)

View = Callable[..., Any]


def _guarded(door: str) -> Callable[[View], View]:
    """Give a view the languageless address's language, and a page instead of an error for what a provider does."""

    def around(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if door not in config.doors():
                raise Http404
            try:
                with translation.override(settings.LANGUAGE_CODE):
                    response = view(request, *args, **kwargs)
            except (
                PermissionDenied
            ):  # an answer to no question of this browser, or the same one again
                logger.warning("%s: no-state", door)
                return refusal_page(request, "no-state")
            except FAULTS as fault:
                name = type(fault).__name__
                if isinstance(fault, requests.RequestException):
                    logger.warning("%s: %s (%s)", door, name, faults.of_error(fault))
                elif isinstance(fault, saml.BadMetadata):
                    logger.warning("%s: %s (%s)", door, name, fault)
                else:
                    logger.warning("%s: %s", door, name, exc_info=fault)
                return refusal_page(request, "provider-down")
            add_never_cache_headers(response)
            return response

        return guarded

    return around


@require_POST
def go(request: HttpRequest, door: str) -> HttpResponse:
    """Send the browser to a provider, remembering where to go after (?next=, within the site).

    A page that leads on, and no redirect: the answer to a form may be forbidden to leave the site
    (Content-Security-Policy, form-action). Only by POST with its token, so that no other site begins a log-in.
    """
    if door not in PROVIDERS:
        raise Http404
    return _guarded(door)(_go)(request, door)


def _go(request: HttpRequest, door: str) -> HttpResponse:
    target = request.POST.get("next", "")
    if not get_account_adapter(request).is_safe_url(target):
        target = ""
    options: dict[str, Any] = {}
    if door == "oidc":
        nonce = secrets.token_urlsafe(24)
        options = {"data": {"nonce": nonce}, "auth_params": {"nonce": nonce}}
    elif (found := config.saml()) is not None:
        saml.prime(found)
    provider = get_adapter(request).get_provider(request, PROVIDERS[door])
    answer = provider.redirect(request, AuthProcess.LOGIN, next_url=target or None, **options)
    if answer.status_code != 302:
        return answer
    return render(request, "socialaccount/go.html", {"url": answer["Location"]})


@require_GET
def oidc_callback(request: HttpRequest) -> Any:
    """Take the answer of the OpenID provider."""
    return _guarded("oidc")(openid.callback)(request, provider_id=SLUG)


def _saml_view(name: str) -> View:
    """Return one of allauth's views for SAML; it needs python3-saml, which may not be installed."""
    try:
        from allauth.socialaccount.providers.saml import views
    except ImportError:
        raise Http404 from None
    found: View = getattr(views, name)
    return found


@csrf_exempt
@require_POST
def saml_acs(request: HttpRequest) -> Any:
    """Take the answer of the SAML provider, which the browser posts here from the provider's page."""
    return _guarded("saml")(_saml_view("acs"))(request, organization_slug=SLUG)


@require_GET
def saml_finish(request: HttpRequest) -> Any:
    """Read the answer, now with the session: a post from elsewhere comes without its cookie."""

    def finish(request: HttpRequest, **slug: str) -> Any:
        if (found := config.saml()) is not None:
            saml.prime(found)
        return _saml_view("finish_acs")(request, **slug)

    return _guarded("saml")(finish)(request, organization_slug=SLUG)


@require_GET
def saml_metadata(request: HttpRequest) -> HttpResponse:
    """Show what the SAML provider must know about this site."""

    def metadata(request: HttpRequest) -> HttpResponse:
        if (found := config.saml()) is not None:
            saml.prime(found)
        return HttpResponse(saml.own_metadata(request), content_type="application/samlmetadata+xml")

    return _guarded("saml")(metadata)(request)


def closed(request: HttpRequest, **_parts: str) -> HttpResponse:
    """Close what allauth offers besides: beginning a log-in elsewhere, connecting accounts by hand, log-out by SAML."""
    if request.method == "GET" and request.path.endswith("/login/"):
        return redirect("account_login")
    raise Http404
