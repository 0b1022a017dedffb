"""Log-in by a real directory (slapd)."""

from __future__ import annotations

import logging

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.urls import reverse

from helpdesk import actions
from helpdesk.models import AuditEntry, AuditKind, Channel, Customer, CustomerAddress, Proof
from portal.models import NameFrom, User
from tests import factories as f
from tests.servers.certificates import write_certificate
from tests.servers.ldap import GROUPS, PEOPLE, directory

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def log_in(client, name: str, password: str = ""):
    return client.post(LOGIN, {"login": name, "password": password or f"p-{name}"})


def who(client) -> str:
    """Return the log-in name of whoever is logged in, ''."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


def test_the_first_log_in_makes_the_account(client, ldap_door):
    answer = log_in(client, "ada01")
    assert answer.url == reverse("helpdesk_customers:list")
    user = User.objects.get()
    assert (user.username, user.get_full_name()) == ("ada01", "Ada Lovelace")
    assert (user.email, user.name_from) == ("ada.lovelace@uni.example", NameFrom.DOOR)
    assert not user.has_usable_password()
    rows = EmailAddress.objects.filter(user=user, verified=True)
    assert {row.email for row in rows} == {"ada.lovelace@uni.example", "a.lovelace@uni.example"}
    assert rows.get(primary=True).email == "ada.lovelace@uni.example"
    proofs = CustomerAddress.objects.values_list("verified_by", flat=True)
    assert list(proofs) == [Proof.DIRECTORY] * 2


@pytest.mark.parametrize("typed", ["ADA01", " ada01 ", "Ada01"])
def test_a_name_is_the_same_in_any_spelling(client, ldap_door, typed):
    log_in(client, "ada01")
    client.logout()
    log_in(client, typed, "p-ada01")
    assert who(client) == "ada01"
    assert User.objects.count() == 1


@pytest.mark.parametrize("password", ["wrong", " ", "p-bob02", "\x00"])
def test_a_wrong_password_does_not(client, ldap_door, password):
    log_in(client, "ada01", password)
    assert who(client) == ""
    assert not User.objects.exists()


def test_an_empty_password_is_never_sent_to_the_directory(ldap_door):
    from django.contrib.auth import authenticate

    assert authenticate(None, username="ada01", password="") is None


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "ada*",
        "ada01)(uid=*",
        "*)(objectClass=*",
        "ada01)(|(uid=bob02",
        "\\61da01",
        "a\\2a",
        "%(user)s",
        "{name}",
    ],
)
def test_no_name_is_a_filter(client, ldap_door, name):
    for password in ("p-ada01", "p-bob02", "p-eve03"):
        log_in(client, name, password)
        assert who(client) == ""
    assert not User.objects.exists()


def test_two_entries_for_one_name_open_nothing(client, ldap_door, settings):
    settings.LDAP["USER_FILTER"] = "(|(uid={name})(sn=*))"
    log_in(client, "ada01")
    assert who(client) == ""


def test_log_in_by_mail_address_if_the_filter_says_so(client, ldap_door, settings):
    settings.LDAP["USER_FILTER"] = "(|(uid={name})(mail={name}))"
    log_in(client, "ada.lovelace@uni.example", "p-ada01")
    assert who(client) == "ada01"


def test_a_directory_that_is_down_is_logged_and_the_next_door_is_tried(
    client, settings, slapd, caplog
):
    settings.LDAP = slapd.settings(URL="ldap://127.0.0.1:9")
    user = f.UserFactory(username="amsel")
    with caplog.at_level(logging.WARNING):
        log_in(client, "amsel", "secret")
    assert who(client) == user.username
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("portal")]
    assert lines == ["ldap: SERVER_DOWN (search_for_user_dn)"]
    client.logout()
    answer = log_in(client, "ada01")
    assert answer.status_code == 200
    assert "Der Verzeichnisdienst antwortet gerade nicht" in answer.content.decode()


def test_a_wrong_account_of_the_help_desk_itself_is_no_error_page(
    client, ldap_door, settings, caplog
):
    settings.LDAP["BIND_PASSWORD"] = "wrong"
    assert log_in(client, "ada01").status_code == 200
    assert "ldap: INVALID_CREDENTIALS (search_for_user_dn)" in caplog.text
    assert "p-ada01" not in caplog.text


def test_who_may_not_log_in_is_told_so_and_not_that_the_password_was_wrong(
    client, ldap_door, settings
):
    settings.LDAP["REQUIRED_GROUP"] = "cn=nobody,dc=uni,dc=example"
    text = log_in(client, "ada01").content.decode()
    assert "required-group" in text
    assert "Passwort sind leider falsch" not in text
    line = AuditEntry.objects.filter(kind=AuditKind.LOGIN_FAILED, data__by="ldap").get()
    assert line.data["code"] == "required-group"
    # whoever does not know the password learns nothing of it
    text = log_in(client, "ada01", "wrong-word").content.decode()
    assert "required-group" not in text
    assert "Passwort sind leider falsch" in text


def test_the_audit_log_says_by_which_door_and_each_change_once(client, ldap_door, settings):
    Group.objects.create(name="IT")
    settings.LDAP["GROUPS"] = f"{ldap_door.group('audited', 'ada01')} => IT"
    log_in(client, "ada01")
    ldap_door.drop_group("audited")
    assert AuditEntry.objects.get(kind=AuditKind.LOGIN).data == {"by": "ldap"}
    assert AuditEntry.objects.get(kind=AuditKind.MEMBER_ADDED).data["by"] == "ldap"


def test_who_has_no_mail_address_is_let_in(client, ldap_door):
    log_in(client, "nomail")
    assert who(client) == "nomail"


def test_the_session_gets_a_new_key(client, ldap_door):
    client.get(LOGIN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    before = (
        client.cookies["sessionid"].value if "sessionid" in client.cookies else session.session_key
    )
    client.cookies["sessionid"] = before
    log_in(client, "ada01")
    assert client.cookies["sessionid"].value != before


@pytest.mark.parametrize(
    ("target", "landed"),
    [
        ("/en/search/", True),
        ("https://evil.example/", False),
        ("//evil.example", False),
        ("javascript:alert(1)", False),
    ],
)
def test_next_stays_on_the_site(client, ldap_door, target, landed):
    answer = client.post(
        f"{LOGIN}?next={target}", {"login": "ada01", "password": "p-ada01", "next": target}
    )
    assert (answer.url == target) is landed
    assert "evil" not in answer.url


# --- on the way to the directory -----------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A directory with a certificate of its own."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = write_certificate(folder)
    lines = [f"TLSCertificateFile {certificate}", f"TLSCertificateKeyFile {key}"]
    with directory(tls="\n".join(lines), also="ldaps") as found:
        found.person("ada01", "Ada", "Lovelace", "ada.lovelace@uni.example")
        yield found, str(certificate)


@pytest.mark.parametrize("scheme", ["starttls", "ldaps"])
@pytest.mark.parametrize("known", [True, False])
def test_a_certificate_is_always_checked(client, guarded, settings, scheme, known):
    server, certificate = guarded
    settings.LDAP = server.settings(CA_FILE=certificate if known else "")
    if scheme == "ldaps":
        settings.LDAP["URL"] = f"ldaps://127.0.0.1:{server.safe_port}"
    else:
        settings.LDAP["STARTTLS"] = "yes"
    assert log_in(client, "ada01").status_code == (302 if known else 200)
    assert (who(client) == "ada01") is known


# --- groups --------------------------------------------------------------------------------------


@pytest.fixture
def mapped(ldap_door, settings):
    """Two groups of the directory give two groups here; the third here is given by hand."""
    ldap_door.group("it", "ada01")
    settings.LDAP["GROUPS"] = f"CN=it, {GROUPS} => IT service; cn=office,{GROUPS} => Office"
    for name in ("IT service", "Office", "By hand"):
        Group.objects.create(name=name)
    yield ldap_door
    ldap_door.drop_group("it")


def groups_of(name: str) -> set[str]:
    return set(get_user_model().objects.get(username=name).groups.values_list("name", flat=True))


def test_only_mapped_groups_are_mirrored(client, mapped):
    user = f.UserFactory(username="ada01")
    user.set_unusable_password()
    user.save()
    user.groups.set(Group.objects.filter(name__in=["Office", "By hand"]))
    log_in(client, "ada01")
    assert groups_of("ada01") == {"IT service", "By hand"}
    kinds = AuditEntry.objects.filter(subject_name="ada01").values_list("kind", "data__group")
    assert (AuditKind.MEMBER_ADDED, "IT service") in kinds
    assert (AuditKind.MEMBER_REMOVED, "Office") in kinds


def test_a_group_left_there_is_left_here_at_the_next_log_in(client, mapped):
    log_in(client, "ada01")
    assert groups_of("ada01") == {"IT service"}
    mapped.drop_group("it")
    mapped.group("it", "bob02")
    client.logout()
    log_in(client, "ada01")
    assert groups_of("ada01") == set()


def test_groups_are_found_by_their_members_too(client, mapped, settings):
    settings.LDAP.update(ATTR_MEMBER_OF="", GROUP_BASE=GROUPS)
    log_in(client, "ada01")
    assert groups_of("ada01") == {"IT service"}


def test_a_group_that_does_not_exist_here_is_not_made(client, mapped, caplog):
    Group.objects.filter(name="IT service").delete()
    log_in(client, "ada01")
    assert who(client) == "ada01"
    assert not Group.objects.filter(name="IT service").exists()
    assert "1 groups of its map do not exist here" in caplog.text


def test_nobody_becomes_a_superuser(client, mapped):
    log_in(client, "ada01")
    user = User.objects.get()
    assert not user.is_superuser
    assert not user.is_staff


@pytest.mark.parametrize(("setting", "inside"), [("REQUIRED_GROUP", True), ("DENIED_GROUP", False)])
def test_required_and_denied_groups(client, mapped, settings, setting, inside):
    settings.LDAP[setting] = f"cn=IT,{GROUPS}"
    log_in(client, "ada01")
    assert (who(client) == "ada01") is inside
    client.logout()
    log_in(client, "bob02")
    assert (who(client) == "bob02") is not inside


def test_groups_that_cannot_be_read_open_nothing(client, mapped, settings):
    settings.LDAP.update(GROUP_BASE="ou=nowhere,dc=uni,dc=example")
    log_in(client, "ada01")
    assert who(client) == ""


# --- people who left -----------------------------------------------------------------------------


def test_who_left_the_directory_comes_in_no_more(client, ldap_door):
    ldap_door.person("gone04", "Gone", "Away", "gone@uni.example")
    log_in(client, "gone04")
    assert who(client) == "gone04"
    client.logout()
    ldap_door.remove("gone04")
    log_in(client, "gone04")
    assert who(client) == ""
    # neither by a password that the account got in the meantime
    user = User.objects.get(username="gone04")
    user.set_password("secret")
    user.save()
    log_in(client, "gone04", "secret")
    assert who(client) == ""


def test_an_account_switched_off_here_stays_shut(client, ldap_door):
    log_in(client, "ada01")
    User.objects.update(is_active=False)
    client.logout()
    log_in(client, "ada01")
    assert who(client) == ""


def test_a_session_ends_when_the_account_is_switched_off(client, ldap_door):
    log_in(client, "ada01")
    url = reverse("helpdesk_customers:list")
    assert client.get(url).status_code == 200
    User.objects.update(is_active=False)
    assert client.get(url).status_code == 302


# --- matching ------------------------------------------------------------------------------------


def test_an_account_made_ahead_without_a_password_is_theirs(client, ldap_door):
    ahead = f.UserFactory(username="Ada01", email="")
    ahead.set_unusable_password()
    ahead.save()
    log_in(client, "ada01")
    ahead.refresh_from_db()
    assert who(client) == "Ada01"
    assert (ahead.name_from, ahead.last_name) == (NameFrom.DOOR, "Lovelace")


def test_an_address_that_an_order_typed_is_not_confirmed_by_a_door_that_gives_none(
    client, ldap_door
):
    """Whoever orders a queue types the addresses of its people: the door says nothing of them."""
    typed = "somebody.else@uni.example"
    user = User(username="nomail", email=typed)
    user.set_unusable_password()
    user.save()
    log_in(client, "nomail")
    assert who(client) == "nomail"
    assert not EmailAddress.objects.filter(email__iexact=typed).exists()
    assert not CustomerAddress.objects.filter(normalised=typed).exists()


def test_an_administrator_makes_an_account_ahead_in_the_admin(
    client, admin_client, ldap_door, settings
):
    settings.WAGTAILUSERS_PASSWORD_REQUIRED = False
    team = Group.objects.create(name="Desk")
    form = {
        "username": "ada01",
        "email": "a@b.example",
        "first_name": "A",
        "last_name": "L",
        "is_active": "on",
        "groups": team.pk,
    }
    answer = admin_client.post(reverse("wagtailusers_users:add"), form)
    assert answer.status_code == 302, answer.context["form"].errors
    assert not User.objects.get(username="ada01").has_usable_password()
    log_in(client, "ada01")
    assert who(client) == "ada01"
    assert groups_of("ada01") == {"Desk"}


def test_an_account_with_a_password_of_its_own_is_not_taken_over(client, ldap_door):
    own = f.UserFactory(username="ada01")
    answer = log_in(client, "ada01")
    assert who(client) == ""
    assert "schon ein Konto mit eigenem Passwort" in answer.content.decode()
    own.refresh_from_db()
    assert own.name_from == ""
    assert own.check_password("secret")


def test_it_is_joined_once_both_have_been_shown(client, ldap_door):
    own = f.UserFactory(username="ada01")
    log_in(client, "ada01")
    log_in(client, "ada01", "secret")
    assert who(client) == "ada01"
    own.refresh_from_db()
    assert own.name_from == NameFrom.DOOR
    assert not own.has_usable_password()
    assert client.get(reverse("helpdesk_customers:list")).status_code == 200  # the session holds
    client.logout()
    log_in(client, "ada01")
    assert who(client) == "ada01"
    client.logout()
    log_in(client, "ada01", "secret")
    assert who(client) == ""


def test_another_browser_does_not_join_it(client, ldap_door):
    from django.test import Client

    own = f.UserFactory(username="ada01")
    log_in(Client(), "ada01")
    log_in(client, "ada01", "secret")
    own.refresh_from_db()
    assert own.name_from == ""


def test_a_superuser_keeps_the_password_for_emergencies(client, ldap_door, settings):
    own = f.UserFactory(username="ada01", is_superuser=True)
    log_in(client, "ada01")
    log_in(client, "ada01", "secret")
    own.refresh_from_db()
    assert own.name_from == NameFrom.DOOR
    client.logout()
    settings.LDAP["URL"] = "ldap://127.0.0.1:9"
    settings.LOGIN_DOORS = ["ldap"]
    log_in(client, "ada01", "secret")
    assert who(client) == "ada01"


def test_a_self_made_account_without_a_password_is_not_taken_over(client, ldap_door):
    own = f.UserFactory(username="ada01", name_from=NameFrom.SELF)
    own.set_unusable_password()
    own.save()
    log_in(client, "ada01")
    assert who(client) == ""


def test_never_by_mail_address_alone(client, ldap_door):
    other = f.UserFactory(username="other", email="ada.lovelace@uni.example")
    EmailAddress.objects.create(user=other, email=other.email, verified=True, primary=True)
    actions.verify_address(user=other, address=other.email)
    log_in(client, "ada01")
    assert who(client) == "ada01"
    assert User.objects.count() == 2
    held = CustomerAddress.objects.get(normalised="ada.lovelace@uni.example")
    assert held.customer.user == other
    assert EmailAddress.objects.get(email="ada.lovelace@uni.example").user == other


def test_local_password_hidden_is_for_superusers_only(client, ldap_door, settings):
    settings.LOGIN_DOORS = ["ldap"]
    f.UserFactory(username="fink")
    f.UserFactory(username="amsel", is_superuser=True)
    log_in(client, "fink", "secret")
    assert who(client) == ""
    log_in(client, "amsel", "secret")
    assert who(client) == "amsel"


def test_sign_up_is_closed_where_the_local_password_is_hidden(client, ldap_door, settings):
    assert b'name="password1"' in client.get("/accounts/signup/").content
    settings.LOGIN_DOORS = ["ldap"]
    assert b'name="password1"' not in client.get("/accounts/signup/").content


# --- requests (S15, S16) -------------------------------------------------------------------------


def test_mails_from_the_directorys_addresses_are_in_my_requests(client, ldap_door):
    def mailed(address):
        return f.make_ticket(
            customer=actions.customer_for_address(address), contact=address, channel=Channel.EMAIL
        )

    mine = [mailed("Ada.Lovelace@uni.example"), mailed("a.lovelace@uni.example")]
    other = mailed("ada.lovelace@gmail.example")
    log_in(client, "ada01")
    for ticket in mine:
        assert (
            client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).status_code
            == 200
        )
    assert client.get(reverse("helpdesk_customers:detail", args=[other.number])).status_code == 404
    page = client.get(reverse("helpdesk_customers:list")).content.decode()
    assert all(ticket.number in page for ticket in mine)
    assert other.number not in page


def test_a_customer_whom_an_agent_took_from_the_directory_is_theirs(client, ldap_door):
    customer = Customer.objects.create(name="Ada", login_name="ada01")
    ticket = f.make_ticket(customer=customer, contact="")
    log_in(client, "ada01")
    customer.refresh_from_db()
    assert customer.user == User.objects.get()
    assert client.get(reverse("helpdesk_customers:detail", args=[ticket.number])).status_code == 200


def test_a_new_main_address_of_the_directory_is_the_main_one_here(client, ldap_door):
    ldap_door.person("mov05", "Mo", "Vera", "mo.vera@uni.example")
    log_in(client, "mov05")
    client.logout()
    ldap_door.change(
        f"dn: uid=mov05,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: mo.mann@uni.example\n"
    )
    log_in(client, "mov05")
    ldap_door.remove("mov05")
    user = User.objects.get(username="mov05")
    assert user.email == "mo.mann@uni.example"
    rows = EmailAddress.objects.filter(user=user, verified=True)
    assert {row.email: row.primary for row in rows} == {
        "mo.vera@uni.example": False,
        "mo.mann@uni.example": True,
    }


def test_only_named_domains_count_as_proved(client, ldap_door, settings):
    settings.LOGIN_MAIL_DOMAINS = ["uni.example"]
    log_in(client, "eve03")
    assert [row.address for row in CustomerAddress.objects.all()] == ["eve@uni.example"]
