# RFC 5260 §4
#= a: fileinto urgent
#= list: implicit keep
require ["date", "relational", "fileinto"];
if allof(header :is "from" "coyote@desert.example.org",
         date :value "ge" :originalzone "date" "hour" "09",
         date :value "lt" :originalzone "date" "hour" "17")
{ fileinto "urgent"; }
if anyof(date :is "received" "weekday" "0",
         date :is "received" "weekday" "6")
{ fileinto "weekend"; }
