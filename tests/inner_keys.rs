//! Keys inside a value, header values as JSON arrays and objects, and Digest credentials between
//! quotes; beside each kind as many texts that only look similar.
//!
//! `LOGSCRUB_TEST_CASES` sets the number of cases of each test.

use crate::edges::{LETTERS, Numbers, longest_left, n_cases, scrub_lines, scrubber};

/// Lines made from `templates`: `§` is a machine-made value, `¶` a password, `¤` a hash.
fn lines(numbers: &mut Numbers, templates: &[&str], n_lines: usize) -> Vec<(String, Vec<String>)> {
    (0..n_lines)
        .map(|index| {
            let mut line = String::new();
            let mut secrets = Vec::new();
            for letter in templates[index % templates.len()].chars() {
                let secret = match letter {
                    '§' => numbers.text(LETTERS, 32),
                    '¶' => {
                        numbers.text("abcdefghijkmnp", 6)
                            + &numbers.text("0123456789", 3)
                            + &numbers.text(LETTERS, 4)
                    }
                    '¤' => numbers.text("0123456789abcdef", 32),
                    other => {
                        line.push(other);
                        continue;
                    }
                };
                line.push_str(&secret);
                secrets.push(secret);
            }
            (line, secrets)
        })
        .collect()
}

#[track_caller]
fn all_go(seed: u64, templates: &[&str], stays: &[&str]) {
    assert!(templates.len() >= 20, "{} variants", templates.len());
    let scrubber = scrubber();
    let lines = lines(&mut Numbers(seed), templates, n_cases(2_000).max(templates.len()));
    let texts: Vec<Vec<u8>> = lines.iter().map(|(line, _)| line.clone().into_bytes()).collect();
    let scrubbed = scrub_lines(&scrubber, &texts);
    for ((line, secrets), text) in lines.iter().zip(&scrubbed) {
        let shown = text.escape_ascii();
        assert!(
            secrets.iter().all(|secret| longest_left(secret.as_bytes(), text) == 0),
            "{line} became {shown}"
        );
        let keeps = |part: &&str| {
            line.contains(*part) == (memchr::memmem::find(text, part.as_bytes()).is_some())
        };
        assert!(stays.iter().all(keeps), "{line} became {shown}");
    }
    assert_eq!(scrub_lines(&scrubber, &scrubbed), scrubbed, "twice is once");
}

#[track_caller]
fn all_stay(templates: &[&str]) {
    assert!(templates.len() >= 20, "{} variants", templates.len());
    let lines: Vec<Vec<u8>> = templates.iter().map(|line| line.as_bytes().to_vec()).collect();
    for (line, text) in lines.iter().zip(scrub_lines(&scrubber(), &lines)) {
        assert_eq!(text.escape_ascii().to_string(), line.escape_ascii().to_string());
    }
}

#[test]
fn a_key_inside_a_value_counts() {
    all_go(
        11,
        &[
            r#"msg=password: "¶""#,
            "q=password%3A%20%22¶%22",
            "q=password%3A+¶",
            "msg=password: ¶",
            "text=token: §",
            "q=api_key%3A%20§",
            r#"msg=secret: "§""#,
            "m=passwd: ¶",
            "msg=password:¶",
            "note=db_password: ¶,",
            "msg=client_secret: ¶ user=bob",
            r#"err=password:"¶""#,
            "log=password: '¶'",
            r#"level=info msg=password: "¶" user=bob"#,
            r#"x=token:"§""#,
            "GET /s?q=password:%20¶ HTTP/1.1",
            "GET /s?q=password%3A%22¶%22 HTTP/1.1",
            r#"msg=password:\"¶\""#,
            "out=pwd: ¶",
            "body=API_KEY: §",
            r#"{"m":"q=password: ¶"}"#,
            "out=access_token: '§' expires=3600",
            "data=db_passphrase: “¶”",
        ],
        &["user=bob", "expires=3600", "HTTP/1.1", "level=info"],
    );
}

#[test]
fn a_word_behind_an_equals_sign_is_no_key() {
    all_stay(&[
        "magic=key:0a1b",
        "magic=key:0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "sort=password:asc",
        "sort=token:desc",
        "filter=password:required",
        "fields=password:1",
        "q=secret:",
        "msg=password: required",
        "msg=password: must be at least 8 characters long",
        "msg=token: expired",
        "err=secret: not found",
        r#"msg=password: "must not be empty""#,
        "reason=key: duplicate",
        "type=auth:basic",
        "role=token:reader",
        "index=key:12",
        "kind=secret:opaque",
        "err=password: invalid for user bob",
        "q=password%3A%20required",
        "scope=token:read",
        "state=auth: failed",
        "cache=token:users:17",
        "msg=api_key: missing",
        "route=password:reset",
    ]);
}

#[test]
fn header_values_in_arrays_and_objects_go() {
    all_go(
        12,
        &[
            r#"{"X-Api-Key":["§"]}"#,
            r#"{"X-Api-Key": [ "§" ]}"#,
            r#"{"X-Api-Key":["§","§"]}"#,
            r#"{"h":{"x-auth-token":["§"]}}"#,
            r#""token":{"value":"§"}"#,
            r#"{"token":{"value":"§","id":"n17"}}"#,
            r#"{"token":[{"value":"§"}]}"#,
            r#"{"m":"{\"X-Api-Key\":[\"§\"]}"}"#,
            r#"{"api_key":[["§"]]}"#,
            r#"{"api_key":[null,"§"]}"#,
            r#"{"secret":{"data":"§","type":"opaque"}}"#,
            r#"{"Authorization":["Bearer §"]}"#,
            r#"{"Authorization":["Bearer §","Bearer §"]}"#,
            r#"{"Authorization":{"value":"Bearer §"}}"#,
            r#"{"Authorization":[{"key":"Authorization","value":"Bearer §"}]}"#,
            r#"{"Proxy-Authorization":["Basic §=="]}"#,
            r#"{"Cookie":["a=§; b=§"]}"#,
            r#"{"Cookie":["a=§","b=§"]}"#,
            r#"{"Cookie":{"sid":"§","theme":"dark"}}"#,
            r#"{"Set-Cookie":["a=§; Path=/","b=§; Secure"]}"#,
            r#"{"set-cookie":[null,"a=§; Path=/"]}"#,
            r#"{"password":["¶","¶"]}"#,
            r#"{"auth":{"user":"bob","passwords":["¶","¶"]}}"#,
            r#"{"auth":{"refreshTokens":["§"]}}"#,
            r#"{"tokens":{"prod":"§","dev":"§"}}"#,
            r#"{"token": "Bearer §"}"#,
        ],
        &["\"n17\"", "opaque", "dark", "Path=/", "Secure", "\"bob\"", "Bearer "],
    );
}

#[test]
fn arrays_and_objects_without_credentials_stay() {
    all_stay(&[
        r#"{"Accept":["application/json"],"X-Api-Key":[]}"#,
        r#"{"X-Api-Key":["missing"]}"#,
        r#"{"token":{"type":"access","expires_in":3600}}"#,
        r#"{"token":{"id":"550e8400-e29b-41d4-a716-446655440000"}}"#,
        r#"{"token":{"user":"550e8400-e29b-41d4-a716-446655440000"}}"#,
        r#"{"keys":["name","type","created_at"]}"#,
        r#"{"key":{"name":"users","columns":["id","email"]}}"#,
        r#"{"auth":{"method":"oidc","provider":"google"}}"#,
        r#"{"auth":["basic","digest"]}"#,
        r#"{"secret":{"name":"db-credentials","namespace":"prod"}}"#,
        r#"{"api_key":{"status":"active","scopes":["read","write"]}}"#,
        r#"{"Authorization":["required"]}"#,
        r#"{"Authorization":{"type":"string","in":"header"}}"#,
        r#"{"Authorization":null,"Cookie":null}"#,
        r#"{"Cookie":{"secure":true,"sameSite":"strict","path":"/"}}"#,
        r#"{"Set-Cookie":["a=; Path=/"]}"#,
        r#"{"tokens":[1,2,3]}"#,
        r#"{"token":{"count":17,"valid":true}}"#,
        r#"{"signature":{"algorithm":"RS256","index":"3f2a9c81d0b74e65"}}"#,
        r#"{"credentials":{"source":"Environment","region":"eu-central-1"}}"#,
        r#"{"token":[]}"#,
        r#"{"token":{}}"#,
        r#"{"secret":["not found","expired"]}"#,
        r#"{"key":"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDLOoLSVPwG1OSgVSeEXNbfIofYdxR5zs3u4Pry"}"#,
        r#"{"auth":{"session":{"id":"3f2a9c81d0b74e653f2a9c81d0b74e65"}}}"#,
        r#"{"token":{"message":"Ungültig ","code":401}}"#,
    ]);
}

/// `D` is replaced by the parameters of a Digest credential, with quotes at the depth that the line
/// needs.
#[test]
fn the_response_of_a_digest_goes_between_quotes() {
    const AROUND: [(&str, &str); 22] = [
        ("Authorization: Digest D", "\""),
        ("curl -H 'Authorization: Digest D'", "\""),
        ("'Authorization: Digest D'", "\""),
        ("`Authorization: Digest D`", "\""),
        ("{'Authorization': 'Digest D'}", "\""),
        ("\"Authorization: Digest D\"", "\\\""),
        ("{\"m\":\"Authorization: Digest D\"}", "\\\""),
        ("{\"Authorization\":\"Digest D\"}", "\\\""),
        ("{\"Authorization\":[\"Digest D\"]}", "\\\""),
        ("curl -H \"Authorization: Digest D\" http://x", "\\\""),
        ("\"Authorization: Digest D\"", "\""),
        ("{\"m\":\"{\\\"h\\\":\\\"Authorization: Digest D\\\"}\"}", "\\\\\\\""),
        ("{\"m\":\"{\\\"Authorization\\\":\\\"Digest D\\\"}\"}", "\\\\\\\""),
        ("msg=\"Authorization: Digest D\" a=b", "\\\""),
        ("[\"Authorization: Digest D\",\"x\"]", "\\\""),
        ("{\"headers\":[\"Host: h\",\"Authorization: Digest D\"]}", "\\\""),
        ("\"Proxy-Authorization: Digest D\"", "\\\""),
        ("-H \"Proxy-Authorization: Digest D\"", "\\\""),
        ("header='Authorization: Digest D'", "\""),
        ("\"authorization: digest D\"", "\\\""),
        ("{\"log\":\"> Authorization: Digest D\\r\\n\"}", "\\\""),
        ("Headers { \"authorization\": \"Digest D\" }", "\\\""),
    ];
    let templates: Vec<String> = AROUND
        .iter()
        .map(|(line, quote)| {
            let parameters =
                r#"username="bob", realm="staff", uri="/x", response="¤", nc=00000001, qop="auth", cnonce="¤""#;
            line.replace('D', "\0").replace("\0igest", "Digest").replace('\0', &parameters.replace('"', quote))
        })
        .collect();
    let templates: Vec<&str> = templates.iter().map(String::as_str).collect();
    all_go(13, &templates, &["bob", "staff", "/x", "nc=00000001", "username=", "realm="]);
}

#[test]
fn quotes_around_a_header_end_it() {
    all_stay(&[
        r#""Authorization: required" next="value""#,
        r#""Authorization: Digest" response="200""#,
        r#"{"m":"Authorization: none","response":"ok"}"#,
        r#"msg="Authorization: missing" response="unauthorized""#,
        r#"'Authorization: Digest' failed, response='401'"#,
        r#"curl -H "Authorization: $TOKEN" -d response="a b""#,
        r#"curl -H 'Authorization: Bearer <token>' --data 'response=x'"#,
        r#"{"WWW-Authenticate":"Digest realm=\"staff\", qop=\"auth\""}"#,
        r#""Digest realm=\"staff\"""#,
        r#"["Authorization: none","x"]"#,
        r#""Authorization:", "response""#,
        r#"headers=["Accept","Authorization"] response="x""#,
        r#""Authorization: Bearer ${TOKEN}" user="bob""#,
        r#"{"Authorization":"Digest"}"#,
        r#"{"Authorization":"Digest username=\"bob\", realm=\"staff\""}"#,
        r#""Authorization: Digest username=\"bob\", realm=\"staff\"" response="x""#,
        r#"'Authorization: Digest username="bob"' mac=none"#,
        r#"msg="Authorization: Digest username=\"bob\"" token=none"#,
        r#"{"m":"Authorization: Digest realm=\"staff\"","sig":"none"}"#,
        r#""Proxy-Authorization: negotiate" cnonce="""#,
        r#""Authorization: Digest uri=\"/x\"" signature="""#,
        r#"`Authorization: Digest uri="/x"` sig=`x`"#,
    ]);
}
