//! What looks like a link.

use regex::Regex;
use std::sync::LazyLock;

/// A host, with or without what is before and after it.
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:https?://)?\b((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:xn--[a-z0-9-]+|\p{L}{2,}))\b",
    )
    .ok()
});

/// Whether a text links to anything but `hosts` and what is below them.
pub fn foreign(text: &str, hosts: &[String]) -> bool {
    let Some(link) = &*LINK else { return true };
    let known = |found: &str| {
        let found = found.to_lowercase();
        hosts
            .iter()
            .map(|host| host.to_lowercase())
            .any(|host| found == host || found.strip_suffix(&host).is_some_and(|below| below.ends_with('.')))
    };
    let mut found = link.captures_iter(text).filter_map(|capture| capture.get(1));
    found.any(|host| !known(host.as_str())) || text.to_lowercase().contains("://") && !link.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links() {
        let hosts = ["example.org".to_owned()];
        for (text, want) in [
            ("hello", false),
            ("wait... what", false),
            ("3.14 and v1.2", false),
            ("see https://evil.example", true),
            ("evil.example/path", true),
            ("EVIL.EXAMPLE", true),
            ("http://127.0.0.1/", true),
            ("münchen.de", true),
            ("xn--mnchen-3ya.de", true),
            ("https://example.org/page", false),
            ("www.example.org", false),
            ("notexample.org", true),
            ("example.org.evil.example", true),
            ("example.org and evil.example", true),
        ] {
            assert_eq!(foreign(text, &hosts), want, "{text}");
        }
    }
}
