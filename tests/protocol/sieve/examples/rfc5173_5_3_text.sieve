# RFC 5173 §5.3
#= list: fileinto project/schedule
#= a: implicit keep
require ["body", "fileinto"];

# Save messages mentioning the project schedule in the
# project/schedule folder.
if body :text :contains "project schedule" {
        fileinto "project/schedule";
}
