"""The name server: the thesis's zone and its reverse, the lab's own root, the block list."""

from __future__ import annotations

import pytest

from mailsim import Lab

pytestmark = pytest.mark.stages(since="dns")


@pytest.mark.inventory("DEM1", "DNS6")
def test_all_about_minfo_sn(lab: Lab) -> None:
    with lab.dns() as dns:
        step = dns.query("minfo.sn", "ANY")
    assert "AA" in step.flags
    found = {one.type: one.data for one in step.answer}
    assert found["SOA"].split()[:3] == ["mail.minfo.sn.", "root.minfo.sn.", "2"]
    assert found["NS"] == "mail.minfo.sn."
    assert found["MX"] == "10 mail.minfo.sn."
    assert {one.ttl for one in step.answer} == {604800}


@pytest.mark.inventory("DEM1", "DNS6", "OS3")
def test_the_server_and_its_alias(lab: Lab) -> None:
    with lab.dns() as dns:
        assert dns.query("mail.minfo.sn", "A").texts == ("192.168.10.1",)
        assert dns.query("www.minfo.sn", "CNAME").texts == ("mail.minfo.sn.",)


@pytest.mark.inventory("DEM1", "DNS7")
@pytest.mark.parametrize(
    ("address", "name"),
    [("192.168.10.1", "mail.minfo.sn."), ("192.168.10.50", "poste.minfo.sn.")],
)
def test_addresses_have_names(lab: Lab, address: str, name: str) -> None:
    with lab.dns() as dns:
        assert dns.reverse(address).texts == (name,)


@pytest.mark.inventory("CON11")
@pytest.mark.parametrize(
    ("domain", "server"), [("ugb.sn", "mx.ugb.sn."), ("miage.sn", "mx.miage.sn.")]
)
def test_who_takes_a_foreign_domain_s_mail(lab: Lab, domain: str, server: str) -> None:
    with lab.dns() as dns:
        assert dns.mx(domain).texts == (f"10 {server}",)


@pytest.mark.inventory("DEM2")
def test_what_the_lab_does_not_know_does_not_exist(lab: Lab) -> None:
    with lab.dns() as dns:
        assert dns.query("kelkpart.com", "MX").rcode == "NXDOMAIN"


@pytest.mark.inventory("REL5")
def test_the_block_list_names_the_spammer_and_nobody_else(lab: Lab) -> None:
    with lab.dns() as dns:
        assert dns.dnsbl("192.168.66.66", "dnsbl.minfo.sn").texts == ("127.0.0.2",)
        assert dns.dnsbl("192.168.20.1", "dnsbl.minfo.sn").rcode == "NXDOMAIN"


@pytest.mark.inventory("DEM1")
def test_it_answers_by_tcp_too(lab: Lab) -> None:
    with lab.dns() as dns:
        assert dns.query("mail.minfo.sn", "A", tcp=True).texts == ("192.168.10.1",)
