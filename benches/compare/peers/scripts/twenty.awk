# The substitutions of twenty.sed for mawk, which has no repetition counts and no groups in
# replacements. mawk -f twenty.awk
BEGIN {
    word = "[A-Za-z0-9]"; url = "[A-Za-z0-9_-]"; name = "[A-Za-z0-9-]"
    email = "[A-Za-z0-9._%+-]+@" name "+([.]" name "+)*[.][A-Za-z][A-Za-z]+"
    jwt = "eyJ" times(url, 8) "+[.]eyJ" times(url, 8) "+[.]" times(url, 8) "+"
    github = "gh[pousr]_" times(word, 36) "+"
    github_fine = "github_pat_" times("[A-Za-z0-9_]", 22) "+"
    aws = "(AKIA|ASIA)" times("[A-Z2-7]", 16)
    slack = "xox[abprs]-" times(name, 10) "+"
    stripe = "[rs]k_(live|test)_" times(word, 16) "+"
    gitlab = "glpat-" times(url, 20) "+"
    npm = "npm_" times(word, 36)
    sendgrid = "SG[.]" times(url, 22) "[.]" times(url, 43)
    google = "AIza" times(url, 35)
    anthropic = "sk-ant-" times(url, 24) "+"
    digitalocean = "dop_v1_" times("[0-9a-f]", 64)
    vault = "hvs[.]" times(url, 24) "+"
}
{
    if (index($0, "@")) gsub(email, "REDACTED-email")
    if (index($0, "://")) keep("://[^ \t/:@]*:[^ \t/@]+@", "^://[^ \t/:@]*:", "REDACTED-url-password@")
    if (index($0, "=")) keep("(password|passwd|pwd)=[^ \t\"',;&*]+", "^(password|passwd|pwd)=", "REDACTED-password")
    if (index($0, "\":")) keep("\"(password|passwd|pwd)\": ?\"[^\"*]+", "^\"(password|passwd|pwd)\": ?\"", "REDACTED-password")
    if (index($0, "uthorization:")) keep("[Aa]uthorization: ?(Bearer|Basic|Token) [^ \t\"',;]+", "^[Aa]uthorization: ?(Bearer|Basic|Token) ", "REDACTED-authorization")
    if (index($0, "_token=")) keep("[?&](access_token|refresh_token|id_token)=[^ \t&#\"']+", "^[?&][a-z_]+=", "REDACTED-url-token")
    if (index($0, "?") || index($0, "&")) keep("[?&](api_key|apikey|key|sig|signature)=[^ \t&#\"']+", "^[?&][a-z_]+=", "REDACTED-url-key")
    if (index($0, "eyJ")) gsub(jwt, "REDACTED-jwt")
    if (index($0, "gh")) gsub(github, "REDACTED-github-token")
    if (index($0, "github_pat_")) gsub(github_fine, "REDACTED-github-fine-grained-token")
    if (index($0, "AKIA") || index($0, "ASIA")) gsub(aws, "REDACTED-aws-access-key-id")
    if (index($0, "xox")) gsub(slack, "REDACTED-slack-token")
    if (index($0, "k_")) gsub(stripe, "REDACTED-stripe-key")
    if (index($0, "glpat-")) gsub(gitlab, "REDACTED-gitlab-token")
    if (index($0, "npm_")) gsub(npm, "REDACTED-npm-token")
    if (index($0, "SG.")) gsub(sendgrid, "REDACTED-sendgrid-key")
    if (index($0, "AIza")) gsub(google, "REDACTED-google-api-key")
    if (index($0, "sk-ant-")) gsub(anthropic, "REDACTED-anthropic-key")
    if (index($0, "dop_v1_")) gsub(digitalocean, "REDACTED-digitalocean-token")
    if (index($0, "hvs.")) gsub(vault, "REDACTED-vault-token")
    print
}
function times(class, n,    text) {
    while (n-- > 0) text = text class
    return text
}
# The part of a match that `head` matches stays.
function keep(pattern, head, label,    rest, clean, found) {
    if ($0 !~ pattern) return
    rest = $0
    while (match(rest, pattern)) {
        found = substr(rest, RSTART, RLENGTH)
        clean = clean substr(rest, 1, RSTART - 1)
        rest = substr(rest, RSTART + RLENGTH)
        match(found, head)
        clean = clean substr(found, 1, RLENGTH) label
    }
    $0 = clean rest
}
