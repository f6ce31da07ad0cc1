//! The properties of the filter, as flags of the program. Anything that would be ignored is an
//! error.

/// Properties, and the flags that they set.
pub const PROPERTIES: [(&str, &str); 8] = [
    ("config", "--config"),
    ("rules", "--rules"),
    ("only", "--only"),
    ("except", "--except"),
    ("also", "--also"),
    ("own_domain", "--own-domain"),
    ("style", "--style"),
    ("on_error", "--on-error"),
];

/// Properties of a filter that Fluent Bit itself reads.
const OF_FLUENT_BIT: [&str; 2] = ["active", "condition"];

/// The flags for all `given` properties, in their order. A property may be given several times, as
/// Fluent Bit does for a YAML list, and may have several values, separated by commas.
///
/// # Errors
///
/// A property is unknown or has no value.
pub fn flags(given: &[(String, String)]) -> Result<Vec<String>, String> {
    let mut flags = Vec::new();
    for (name, value) in given {
        if OF_FLUENT_BIT.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        let known = PROPERTIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let (name, flag) = known.ok_or_else(|| unknown(name))?;
        let n_before = flags.len();
        // One argument, so that a value is never taken for a flag.
        let values = value.split(',').map(str::trim).filter(|value| !value.is_empty());
        flags.extend(values.map(|value| format!("{flag}={value}")));
        if flags.len() == n_before {
            return Err(format!("property {name}: no value"));
        }
    }
    Ok(flags)
}

fn unknown(name: &str) -> String {
    let known = PROPERTIES.map(|(name, _)| name).join(", ");
    format!("unknown property {name:?}; the properties are {known}")
}

#[cfg(test)]
mod tests {
    use super::{PROPERTIES, flags};

    fn given(pairs: &[(&str, &str)]) -> Result<Vec<String>, String> {
        flags(
            &pairs
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn every_value_of_every_known_property_becomes_a_flag() {
        for (name, flag) in PROPERTIES {
            let upper = name.to_uppercase();
            let expected = Ok(["a", "b", "c"].map(|value| format!("{flag}={value}")).to_vec());
            assert_eq!(given(&[(name, "a"), (&upper, " b , c,")]), expected);
        }
        assert_eq!(given(&[("active", "true"), ("Condition", "x")]), Ok(Vec::new()));
    }

    #[test]
    fn nothing_is_ignored() {
        let wrong = [
            "exept",
            "on-error",
            "own-domain",
            "onerror",
            "only ",
            " only",
            "rule",
            "configs",
            "styles",
            "mask",
            "",
            "match_tag",
            "o",
            "alsó",
            "only\n",
            "except.",
            "format",
            "max_record",
            "hold",
            "verify",
        ];
        for name in wrong {
            let error = given(&[("only", "email"), (name, "email")]).expect_err(name);
            assert!(error.starts_with(&format!("unknown property {name:?}")), "{error}");
        }
        for value in ["", " ", ",", " , ,"] {
            assert_eq!(given(&[("only", value)]), Err("property only: no value".to_owned()));
        }
    }
}
