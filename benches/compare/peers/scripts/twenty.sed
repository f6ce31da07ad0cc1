# Twenty substitutions, as many deployments have them. sed -E -f twenty.sed
s~[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}~REDACTED-email~g
s~(://[^[:space:]/:@]*:)[^[:space:]/@]+@~\1REDACTED-url-password@~g
s~(password|passwd|pwd)=[^[:space:]"',;&*]+~\1=REDACTED-password~g
s~("(password|passwd|pwd)": ?")[^"*]+"~\1REDACTED-password"~g
s~([Aa]uthorization: ?(Bearer|Basic|Token) )[^[:space:]"',;]+~\1REDACTED-authorization~g
s~([?&](access_token|refresh_token|id_token)=)[^[:space:]&#"']+~\1REDACTED-url-token~g
s~([?&](api_key|apikey|key|sig|signature)=)[^[:space:]&#"']+~\1REDACTED-url-key~g
s~eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}~REDACTED-jwt~g
s~gh[pousr]_[A-Za-z0-9]{36,255}~REDACTED-github-token~g
s~github_pat_[A-Za-z0-9_]{22,255}~REDACTED-github-fine-grained-token~g
s~(AKIA|ASIA)[A-Z2-7]{16}~REDACTED-aws-access-key-id~g
s~xox[abprs]-[A-Za-z0-9-]{10,250}~REDACTED-slack-token~g
s~[rs]k_(live|test)_[A-Za-z0-9]{16,250}~REDACTED-stripe-key~g
s~glpat-[A-Za-z0-9_-]{20,64}~REDACTED-gitlab-token~g
s~npm_[A-Za-z0-9]{36}~REDACTED-npm-token~g
s~SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}~REDACTED-sendgrid-key~g
s~AIza[A-Za-z0-9_-]{35}~REDACTED-google-api-key~g
s~sk-ant-[A-Za-z0-9_-]{24,200}~REDACTED-anthropic-key~g
s~dop_v1_[0-9a-f]{64}~REDACTED-digitalocean-token~g
s~hvs\.[A-Za-z0-9_-]{24,200}~REDACTED-vault-token~g
