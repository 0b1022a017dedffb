"""Customers: people who ask."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from helpdesk import addressing, conf

from .base import NONE, PERSON


class Organisation(models.Model):
    """A company or an institute for which several customers ask.

    Belonging to it shows nobody anything: a request is seen by the others only where its customer shared it.
    """

    name = models.CharField(_("name"), max_length=200, unique=True)
    is_active = models.BooleanField(_("in use"), default=True)

    privacy = {"name": NONE}

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Customer(models.Model):
    """A person who asks. May have an account, a log-in name and several addresses."""

    name = models.CharField(_("name"), max_length=200, blank=True)
    login_name = models.CharField(
        _("log-in name"), max_length=150, unique=True, null=True, blank=True
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("account"),
        null=True,
        blank=True,
        related_name="helpdesk_customer",
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        choices=conf.language_choices,
        default=conf.site_language,
    )
    phone = models.CharField(_("phone"), max_length=50, blank=True)
    is_blocked = models.BooleanField(_("blocked"), default=False)
    organisation = models.ForeignKey(
        Organisation,
        models.SET_NULL,
        verbose_name=_("organisation"),
        null=True,
        blank=True,
        related_name="customers",
    )
    # what two customers were merged into; the row stays so that what points here is understood
    merged_into = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="merged_from", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    #: No column: the only address of a customer who was just made.
    first_address: CustomerAddress | None = None

    privacy = {"name": PERSON, "login_name": PERSON, "language": NONE, "phone": PERSON}

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name or self.main_address() or _("customer %(id)s") % {"id": self.pk}

    def all_addresses(self) -> list[CustomerAddress]:
        """Return the rows of the addresses."""
        return [self.first_address] if self.first_address else list(self.addresses.all())

    def has_address(self, normalised: str) -> bool:
        """Tell whether an address (canonical) is one of this customer's, proved or not. One query at most."""
        return any(row.normalised == normalised for row in self.all_addresses())

    def main_address(self) -> str:
        """Return the address to write to (the main one, else the first verified one, else the first), or ''."""
        rows = sorted(
            self.addresses.all(),
            key=lambda row: (not row.is_main, row.verified_at is None, row.pk),
        )
        return rows[0].address if rows else ""


class Proof(models.TextChoices):
    """How an address was proved."""

    ACCOUNT = "account", _("confirmed by mail")
    CODE = "code", _("code sent by mail")
    DIRECTORY = "directory", _("by the directory")


class CustomerAddress(models.Model):
    """A mail address of a customer. Only a verified one shows mails' tickets in *My requests*."""

    customer = models.ForeignKey(
        Customer, models.CASCADE, verbose_name=_("customer"), related_name="addresses"
    )
    address = models.EmailField(_("address"), max_length=254)
    normalised = models.CharField(max_length=254, unique=True, editable=False)
    verified_at = models.DateTimeField(_("verified"), null=True, blank=True)
    verified_by = models.CharField(
        _("verified by"), max_length=10, choices=Proof.choices, blank=True
    )
    # the one to write to, chosen by the customer among the verified ones
    is_main = models.BooleanField(_("main address"), default=False)

    privacy = {"address": PERSON, "normalised": PERSON, "verified_by": NONE}

    class Meta:
        verbose_name = _("customer's address")
        verbose_name_plural = _("customers' addresses")

    def __str__(self) -> str:
        return self.address

    def save(self, *args: object, **kwargs: object) -> None:
        self.normalised = addressing.canonical(self.address)
        super().save(*args, **kwargs)  # type: ignore[arg-type]


def is_persons_own(address: str, *, besides: Customer | None = None) -> bool:
    """Tell whether a mail address is an account's, or that of a customer who has an account or proved an address.

    No queue can have such a one: mail to that person would be taken for mail to ourselves. Any mailbox that ever wrote
    to us is a customer's, also one that many people share, and that alone says nothing. The customer `besides` does not count.
    """
    users = get_user_model()._default_manager.filter(email__iexact=address.strip())
    if users.exists():
        return True
    try:
        normalised = addressing.canonical(address)
    except addressing.BadAddress:
        return False
    proved = CustomerAddress.objects.filter(
        customer=models.OuterRef("pk"), verified_at__isnull=False
    )
    found = Customer.objects.filter(addresses__normalised=normalised)
    if besides is not None:
        found = found.exclude(pk=besides.pk)
    return found.filter(models.Q(user__isnull=False) | models.Exists(proved)).exists()


def _nonce() -> str:
    return get_random_string(16)


class AddressClaim(models.Model):
    """An address that a customer says is theirs: a mail with a link went there and waits for its answer.

    Until then nothing is known of it and nothing is shown; several customers may claim the same one.
    """

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="claims")
    address = models.EmailField(_("address"), max_length=254)
    normalised = models.CharField(max_length=254, editable=False)
    # part of the link: a new mail makes the link of the one before worthless
    nonce = models.CharField(max_length=16, default=_nonce)
    asked_at = models.DateTimeField(_("mail sent"))

    privacy = {"address": PERSON, "normalised": PERSON, "nonce": NONE}

    class Meta:
        verbose_name = _("address to be confirmed")
        verbose_name_plural = _("addresses to be confirmed")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "normalised"], name="helpdesk_claim_once")
        ]

    def __str__(self) -> str:
        return self.address

    def renew(self) -> None:
        """Let the next link be the only one that holds."""
        self.nonce = _nonce()
