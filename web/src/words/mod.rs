//! Every word that a person reads, in every language, and which language that is.
//!
//! A string is a method of [`Lang`]: `lang.log_in()`. The [`words!`] table asks for each language in
//! its place and a sentence with values is a `match` over all of them, so what compiles is complete.
//! Whatever the browser's half does not use is not in its bundle either. A third language is one more
//! variant, after which the compiler lists what is missing.

/// `name: "English" = "German";`
macro_rules! words {
    ($($name:ident: $en:literal = $de:literal;)*) => {
        impl $crate::words::Lang {
            $(pub fn $name(self) -> &'static str {
                match self {
                    Self::En => $en,
                    Self::De => $de,
                }
            })*
        }
    };
}

#[cfg(feature = "ssr")]
mod account;
#[cfg(feature = "ssr")]
mod admin;
#[cfg(feature = "ssr")]
mod chat;
#[cfg(feature = "ssr")]
mod common;
#[cfg(feature = "ssr")]
mod dates;
mod live;
mod numbers;
mod problems;
#[cfg(feature = "ssr")]
mod studio;
#[cfg(any(feature = "ssr", feature = "studio"))]
mod studio_live;
#[cfg(feature = "ssr")]
mod watch;

#[cfg(feature = "ssr")]
pub use dates::Civil;
pub use numbers::clock;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    #[default]
    En,
    De,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// As in HTML's `lang` and in HTTP.
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// Its name in itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
        }
    }

    /// The language of a tag such as `de` or `de-AT`.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }

    /// The best of ours for an `Accept-Language` header; English where it names none of them.
    pub fn accepted(header: &str) -> Self {
        let weighed = header.split(',').take(16).filter_map(|entry| {
            let mut parts = entry.split(';').map(str::trim);
            let lang = Self::parse(parts.next()?)?;
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            (weight > 0.0).then_some((lang, weight))
        });
        // The first of equals wins.
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(lang, _)| lang).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_the_accepted_languages() {
        for (header, lang) in [
            ("", Lang::En),
            ("fr", Lang::En),
            ("de", Lang::De),
            ("de-AT,en;q=0.5", Lang::De),
            ("fr, de;q=0.4, en;q=0.8", Lang::En),
            ("en, de", Lang::En),
            ("de;q=0, en;q=0.1", Lang::En),
            ("*", Lang::En),
            ("DE_de", Lang::En),
            ("q=;;,,", Lang::En),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header:?}");
        }
    }
}
