"""What only the inside shows: names, files, owners, modes, packages, units, listeners, rules."""

from __future__ import annotations

import warnings

import pytest

from mailsim import Lab
from mailsim.model.stage import Stage

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import testinfra
    from testinfra.host import Host

pytestmark = pytest.mark.needs("inside")


@pytest.fixture
def inside(lab: Lab) -> Host:
    """The container, entered by the lab's own engine."""
    document = lab._about.document
    return testinfra.get_host(f"{document['shell'][0]}://{document['container']}")


def _said(inside: Host, command: str) -> str:
    done = inside.run(command)
    assert done.rc == 0, done.stderr
    return str(done.stdout).strip()


def _postconf(inside: Host, name: str) -> str:
    return _said(inside, f"postconf -h {name}")


# --- the machine


@pytest.mark.inventory("OS1", "OS2", "DNS2", "DNS3")
@pytest.mark.stages(since="dns")
def test_a_server_with_a_fixed_address_and_no_way_out(inside: Host) -> None:
    assert not inside.exists("Xorg")
    assert not inside.exists("Xwayland")
    assert "192.168.10.1/24" in inside.interface("eth0").addresses or "192.168.10.1" in inside.interface("eth0").addresses  # fmt: skip
    assert "default" not in _said(inside, "ip route")
    assert inside.file("/etc/resolv.conf").contains("^nameserver 192.168.10.1$")
    assert inside.file("/etc/resolv.conf").contains("^search minfo.sn$")
    assert inside.file("/etc/host.conf").exists
    assert inside.file("/etc/nsswitch.conf").contains(r"^hosts:\s*files dns$")


@pytest.mark.inventory("DNS1", "OS2", "MTA1")
@pytest.mark.stages(since="dns")
def test_its_names(inside: Host) -> None:
    assert _said(inside, "hostname") == "mail"
    assert _said(inside, "hostname --fqdn") == "mail.minfo.sn"
    assert inside.file("/etc/hosts").contains(r"^192\.168\.10\.1\s.*mail\.minfo\.sn")
    assert _said(inside, "cat /etc/mailname") == "minfo.sn"


@pytest.mark.inventory("DNS4", "DNS5", "DNS8")
@pytest.mark.stages(since="dns")
def test_the_name_server_s_files(inside: Host) -> None:
    assert inside.package("bind9").is_installed
    assert inside.service("named").is_running
    assert inside.service("named").is_enabled
    assert inside.run("named-checkconf -z").rc == 0
    assert inside.file("/etc/bind/named.conf").contains("named.conf.local")
    local = inside.file("/etc/bind/named.conf.local").content_string
    for zone in ("minfo.sn", "10.168.192.in-addr.arpa", "0.0.127.in-addr.arpa"):
        assert f'zone "{zone}"' in local
    assert "type primary" in local
    assert "/var/lib/bind/" in local
    assert inside.socket("udp://192.168.10.1:53").is_listening


# --- mail


@pytest.mark.inventory("MTA1", "MDA2")
def test_postfix_and_dovecot_are_set_as_the_thesis_wants(inside: Host, lab: Lab) -> None:
    assert _postconf(inside, "relayhost") == ""
    assert _postconf(inside, "mydestination").split(", ") == [
        *("minfo.sn", "mail.minfo.sn", "localhost.minfo.sn", "localhost"),
    ]
    trusted = "127.0.0.0/8" if lab.stage >= Stage.RELAY else "127.0.0.0/8, 192.168.10.0/24"
    assert _postconf(inside, "mynetworks") == trusted
    assert _postconf(inside, "mailbox_transport") == "lmtp:unix:private/dovecot-lmtp"
    assert inside.run("postfix check").rc == 0
    assert inside.run("doveconf -n").rc == 0
    assert inside.file("/etc/dovecot/dovecot.conf").contains("MDA2")
    for name in ("postfix", "dovecot", "apache2", "mariadb"):
        assert inside.service(name).is_enabled, name


@pytest.mark.inventory("SAS4")
@pytest.mark.stages(since="sasl")
def test_the_socket_by_which_postfix_asks_dovecot(inside: Host) -> None:
    there = inside.file("/var/spool/postfix/private/auth")
    assert there.is_socket
    assert (there.user, there.group, there.mode) == ("postfix", "postfix", 0o660)


@pytest.mark.inventory("TLS2")
@pytest.mark.stages(since="tls")
@pytest.mark.parametrize("name", ["smtpd", "imapd"])
def test_keys_are_root_s_alone(inside: Host, name: str) -> None:
    key = inside.file(f"/etc/ssl/mailsim/{name}-lab.key")
    assert (key.user, key.mode) == ("root", 0o600)
    chain = f"openssl verify -CAfile /etc/ssl/mailsim/ca.pem /etc/ssl/mailsim/{name}-lab.pem"
    assert inside.run(chain).rc == 0


# --- the webmail


@pytest.mark.inventory("WEB3", "WEB7")
def test_the_webmail_s_folders_and_site(inside: Host) -> None:
    for folder in ("/var/lib/roundcube/temp", "/var/log/roundcube"):
        there = inside.file(folder)
        assert (there.user, there.group, there.mode) == ("www-data", "www-data", 0o750)
    settings = inside.file("/etc/roundcube/config.inc.php")
    assert (settings.group, settings.mode) == ("www-data", 0o640)
    assert inside.file("/etc/apache2/sites-enabled/webmail.conf").is_symlink
    assert inside.run("apache2ctl configtest").rc == 0
    assert inside.service("apache2").is_running
    assert not inside.file("/usr/share/roundcube/installer").exists


@pytest.mark.inventory("WEB4", "WEB5", "DEM8")
def test_the_webmail_s_database_and_its_user(inside: Host) -> None:
    assert "webmail" in _said(inside, "mysql -N -e 'SHOW DATABASES'").split()
    grants = _said(inside, "mysql -N -e \"SHOW GRANTS FOR 'webmail'@'localhost'\"")
    assert "ALL PRIVILEGES ON `webmail`.*" in grants
    assert " ON *.* " not in grants.replace("GRANT USAGE ON *.* ", "")
    assert "users" in _said(inside, "mysql -N webmail -e 'SHOW TABLES'").split()
    assert not inside.socket("tcp://3306").is_listening


# --- the firewall


@pytest.mark.inventory("FW2", "FW4", "FW5")
@pytest.mark.stages(since="firewall")
def test_the_rules_are_there_and_come_back(inside: Host) -> None:
    rules = _said(inside, "nft list ruleset")
    assert "table inet mailsim" in rules
    assert rules.count("policy drop") == 3
    assert 'iif "lo" accept' in rules
    assert "icmp accept" in rules
    assert "ipv6-icmp" in rules
    assert inside.service("nftables").is_enabled
    assert inside.file("/etc/nftables.d/50-firewall.nft").exists


# --- the filters


@pytest.mark.inventory("CLM1", "CLM2")
@pytest.mark.stages(since="clamav")
def test_clamav_and_what_it_unpacks_with(inside: Host) -> None:
    for name in ("clamav-daemon", "7zip", "arj", "bzip2", "cabextract", "cpio", "lzop", "unzip"):
        assert inside.package(name).is_installed, name
    assert "amavis" in inside.user("clamav").groups
    assert inside.service("clamav-daemon").is_running
    assert inside.file("/run/clamav/clamd.ctl").is_socket


@pytest.mark.inventory("SPA2", "SPA3", "SPA4", "SPA6")
@pytest.mark.stages(since="spamassassin")
def test_spamassassin_s_settings(inside: Host) -> None:
    for name in ("spamassassin", "libnet-dns-perl", "razor", "pyzor"):
        assert inside.package(name).is_installed, name
    assert inside.run("spamassassin --lint").rc == 0
    local = inside.file("/etc/spamassassin/local.cf").content_string.splitlines()
    assert {
        *("report_safe 0", "lock_method flock", "use_bayes 1", "bayes_auto_learn 1"),
        *("bayes_file_mode 0770", "use_razor2 0", "use_pyzor 1"),
    } <= set(local)
    # SPA3: nightly, by a timer; in the lab there is no internet to ask.
    assert inside.file("/usr/lib/systemd/system/spamassassin-maintenance.timer").exists


@pytest.mark.inventory("SPA7", "SPA6")
@pytest.mark.stages(since="spamassassin")
def test_pyzor_asks_the_lab_s_own_server(inside: Host) -> None:
    servers = inside.file("/var/lib/amavis/.pyzor/servers")
    assert (servers.user, servers.content_string.split()[-1]) == ("amavis", "127.0.0.1:24441")
    assert inside.service("mailsim-pyzord").is_running
    asked = inside.run("runuser -u amavis -- pyzor --homedir /var/lib/amavis/.pyzor ping")
    assert "(200, 'OK')" in asked.stdout


@pytest.mark.inventory("SIE5", "SIE4")
@pytest.mark.stages(since="sieve")
def test_the_global_script_s_owner_and_rights(inside: Host) -> None:
    script = inside.file("/etc/dovecot/global_script/dovecot.sieve")
    assert (script.user, script.mode) == ("root", 0o644)
    assert inside.file("/etc/dovecot/global_script/dovecot.svbin").exists
    assert inside.run("sievec -D /etc/dovecot/global_script/dovecot.sieve /dev/null").rc == 0


@pytest.mark.inventory("CLM4")
@pytest.mark.stages(since="clamav")
def test_where_viruses_are_kept_aside(inside: Host) -> None:
    kept = inside.file("/var/lib/amavis/virusmails")
    assert kept.is_directory
    assert (kept.user, kept.mode & 0o007) == ("amavis", 0)


@pytest.mark.inventory("OS5")
def test_users_have_homes_and_nobody_s_password_is_in_clear(inside: Host) -> None:
    for name in ("user", "autre_user", "cheikh", "mactar", "admin"):
        there = inside.user(name)
        assert there.home == f"/home/{name}"
        assert there.password.startswith("$6$")
        assert inside.file(there.home).user == name
