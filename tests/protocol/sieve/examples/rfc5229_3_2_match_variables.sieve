# RFC 5229 §3.2
#= list: fileinto INBOX.lists.acme-users | fileinto INBOX.lists.acme-users/[fwd] version 1.0 is out | fileinto INBOX.business.ACME.Example[]coyote@ACME.Example.COM
require ["fileinto", "variables"];

if header :matches "List-ID" "*<*@*" {
    fileinto "INBOX.lists.${2}";
}

if header :matches "Subject" "[*] *" {
    # ${1} will hold "acme-users",
    # ${2} will hold "[fwd] version 1.0 is out"
    fileinto "INBOX.lists.${1}/${2}";
}

if address :matches ["To", "Cc"] ["coyote@**.com",
        "wile@**.com"] {
    # ${0} is the matching address
    # ${1} is always the empty string
    # ${2} is part of the domain name ("ACME.Example")
    fileinto "INBOX.business.${2}[${1}]${0}"; stop;
}
fileinto "${1}";
