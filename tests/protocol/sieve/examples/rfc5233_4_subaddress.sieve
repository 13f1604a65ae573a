# RFC 5233 §4
#= a to=postmaster+x@example.com: fileinto inbox.postmaster
#= a to=ken+mta-filters@example.com: fileinto inbox.ietf-mta-filters
#= a to=ken+foo@example.com: redirect ken@example.net
#= a to=ken@example.com: implicit keep
require ["envelope", "subaddress", "fileinto"];

# File all messages to postmaster into a single mailbox,
# ignoring the :detail part.
if envelope :user "to" "postmaster" {
    fileinto "inbox.postmaster";
    stop;
}

# File mailing list messages (subscribed as "ken+mta-filters").
if envelope :detail "to" "mta-filters" {
    fileinto "inbox.ietf-mta-filters";
}

# Redirect all mail sent to "ken+foo".
if envelope :detail "to" "foo" {
    redirect "ken@example.net";
}
