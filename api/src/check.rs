//! What a field of a request may be. Each check answers the cleaned value, or a refusal that names
//! the field and says the rule.

use crate::refusal::Refusal;
use std::borrow::Cow;
use url::Url;

pub type Field = Cow<'static, str>;

/// One line of text, without spaces around it.
pub fn line(field: impl Into<Field>, text: &str, max_chars: usize) -> Result<String, Refusal> {
    let (field, text) = (field.into(), text.trim());
    if text.chars().any(char::is_control) {
        return Err(Refusal::field(field, "bad_character", "This is one line of text, without control characters."));
    }
    within(field, text, max_chars)
}

/// The same where nothing will not do.
pub fn some_line(field: impl Into<Field>, text: &str, max_chars: usize) -> Result<String, Refusal> {
    let field = field.into();
    let text = line(field.clone(), text, max_chars)?;
    match text.is_empty() {
        true => Err(Refusal::field(field, "empty", "This cannot be empty.")),
        false => Ok(text),
    }
}

/// Lines of text.
pub fn text(field: impl Into<Field>, text: &str, max_chars: usize) -> Result<String, Refusal> {
    let (field, text) = (field.into(), text.trim().replace("\r\n", "\n"));
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(Refusal::field(field, "bad_character", "This has control characters in it."));
    }
    within(field, &text, max_chars)
}

fn within(field: Field, text: &str, max_chars: usize) -> Result<String, Refusal> {
    match text.chars().count() > max_chars {
        true => Err(Refusal::field(field, "too_long", format!("This has at most {max_chars} characters."))),
        false => Ok(text.to_owned()),
    }
}

/// No more than `max` of them.
pub fn count(field: impl Into<Field>, len: usize, max: usize) -> Result<(), Refusal> {
    match len > max {
        true => Err(Refusal::field(field, "too_many", format!("There are at most {max}."))),
        false => Ok(()),
    }
}

/// A number within bounds.
pub fn between(field: impl Into<Field>, number: u32, min: u32, max: u32) -> Result<u32, Refusal> {
    match (min..=max).contains(&number) {
        true => Ok(number),
        false => Err(Refusal::field(field, "out_of_range", format!("This is a number from {min} to {max}."))),
    }
}

/// An address that a page may link to.
pub fn link(field: impl Into<Field>, text: &str) -> Result<String, Refusal> {
    let field = field.into();
    let url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(url) if url.username().is_empty() && url.password().is_none() => within(field, url.as_str(), 500),
        _ => Err(Refusal::field(field, "bad_url", "This is no address that begins with https:// or http://.")),
    }
}

/// A language tag as in `de` or `pt-BR`; empty is none.
pub fn language(field: impl Into<Field>, text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or_default();
    let primary = (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
    let rest = parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    match text.is_empty() || (primary && rest && text.len() <= 20) {
        true => Ok(text.to_owned()),
        false => Err(Refusal::field(field, "bad_language", "This is no language tag such as `de` or `pt-BR`.")),
    }
}

/// A colour as in `#1e90ff`; empty is none.
pub fn color(field: impl Into<Field>, text: &str) -> Result<String, Refusal> {
    let text = text.trim().to_ascii_lowercase();
    let digits =
        text.strip_prefix('#').is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    match text.is_empty() || digits {
        true => Ok(text),
        false => Err(Refusal::field(field, "bad_color", "A colour is `#` and six hexadecimal digits.")),
    }
}

/// A tag: letters and digits, in lower case.
pub fn tag(field: impl Into<Field>, text: &str) -> Result<String, Refusal> {
    let tag: String = text.trim().trim_start_matches('#').to_lowercase();
    let good = (1..=25).contains(&tag.chars().count()) && tag.chars().all(char::is_alphanumeric);
    match good {
        true => Ok(tag),
        false => Err(Refusal::field(field, "bad_tag", "A tag has 1 to 25 letters and digits.")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_and_texts() {
        assert_eq!(line("f", "  a b ", 3).unwrap(), "a b");
        assert_eq!(text("f", "a\r\nb\n", 3).unwrap(), "a\nb");
        assert!(line("f", "a\nb", 9).is_err());
        assert!(line("f", "äöüß", 3).is_err());
        assert!(text("f", "a\u{0}b", 9).is_err());
        assert!(some_line("f", " \t ", 9).is_err());
    }

    #[test]
    fn links() {
        for good in ["https://example.org", " http://a.example/b?c=d#e ", "https://münchen.example/"] {
            assert!(link("f", good).is_ok(), "{good}");
        }
        for bad in
            ["", "example.org", "javascript:alert(1)", "https://", "ftp://a.example", "https://u:p@a.example/", "//a"]
        {
            assert!(link("f", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn languages_and_tags() {
        for good in ["", "de", "pt-BR", "zh-Hant-TW"] {
            assert!(language("f", good).is_ok(), "{good}");
        }
        for bad in ["d", "german", "de-", "de_AT", "de-<b>", "de-toolongtagpart"] {
            assert!(language("f", bad).is_err(), "{bad}");
        }
        assert_eq!(color("f", " #1E90ff ").unwrap(), "#1e90ff");
        assert_eq!(color("f", "").unwrap(), "");
        for bad in ["1e90ff", "#1e90f", "#1e90fg", "red", "#1e90ff;x"] {
            assert!(color("f", bad).is_err(), "{bad}");
        }
        assert_eq!(tag("f", " #SpeedRun ").unwrap(), "speedrun");
        for bad in ["", "#", "two words", "a-b", "<b>", &"x".repeat(26)] {
            assert!(tag("f", bad).is_err(), "{bad}");
        }
    }
}
