//! Names as people see them. Two that look alike count as one, so that nobody can pose as another;
//! what cannot be seen, or disturbs the text around it, is in no name.

use rivulet_protocol::name::{MAX_NAME_LEN, RESERVED};
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton as look_alike;

/// What is the same for all names that look alike (UTS 39, and what a quick eye confuses in small
/// Latin letters on top). For comparing only; nobody gets to see it.
pub fn skeleton(name: &str) -> String {
    // Twice, because letters that differ when small may look alike as capitals, and the other way.
    let plain: String = name.nfkc().collect();
    let folded: String = look_alike(&plain).flat_map(char::to_lowercase).collect();
    let alike: String = look_alike(&folded).flat_map(char::to_lowercase).collect();
    // What UTS 39 does not have, because it looks at case and at slow eyes.
    let letters = alike.chars().map(|c| match c {
        '0' => 'o',
        '1' | 'i' | '|' => 'l',
        c => c,
    });
    letters.collect::<String>().replace("rn", "m").replace("vv", "w")
}

/// Marks above or below one letter; more of them cover the lines around it.
const MAX_MARKS: usize = 2;

/// Why a display name was refused, in words for the person who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayNameError {
    #[error("a display name has 1 to {MAX_NAME_LEN} characters")]
    Length,
    #[error("this display name has a character that cannot be seen or used in names")]
    Character,
    #[error("this display name is reserved")]
    Reserved,
}

/// How a person or channel wants to be written: 1 to 25 characters of any script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayName(String);

impl DisplayName {
    pub fn parse(raw: &str) -> Result<Self, DisplayNameError> {
        // A character becomes at most 18 in NFKC, and what is far too long is not worth the work.
        if raw.chars().count() > 4 * MAX_NAME_LEN {
            return Err(DisplayNameError::Length);
        }
        let name: String = raw.nfkc().collect();
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_LEN {
            return Err(DisplayNameError::Length);
        }
        let (mut marks, mut seen, mut before) = (0, false, 'x');
        for c in name.chars() {
            marks = if is_mark(c) { marks + 1 } else { 0 };
            let doubled = c == ' ' && before == ' ';
            if !is_visible(c) || marks > MAX_MARKS || doubled {
                return Err(DisplayNameError::Character);
            }
            seen |= is_mark(c) || c != ' ';
            before = c;
        }
        if !seen || name.starts_with(is_mark) {
            return Err(DisplayNameError::Character);
        }
        let look = skeleton(name);
        if RESERVED.iter().any(|reserved| skeleton(reserved) == look) {
            return Err(DisplayNameError::Reserved);
        }
        Ok(Self(name.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// No controls, no overrides of direction, nothing without width, unassigned or private; the only
/// space is the plain one.
fn is_visible(c: char) -> bool {
    // Letters and marks by their category that are shown as nothing.
    let blank = matches!(c, '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fffc}' | '\u{fffd}'
        | '\u{e0100}'..='\u{e01ef}');
    let separator = c.general_category() == GeneralCategory::SpaceSeparator && c != ' ';
    let group = c.general_category_group();
    !blank && !separator && group != GeneralCategoryGroup::Other && !matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_look_alike() {
        for group in [
            &["ann", "Ann", "ANN", "аnn", "αnn", "ａｎｎ", "𝐚𝐧𝐧", "𝖺𝗇𝗇"][..],
            &["paypal", "paypa1", "paypai", "PayPaI", "рауpal", "раураl", "paypa|"],
            &["bob", "b0b", "BOB", "bоb", "bοb"],
            &["mike", "rnike", "m1ke", "mlke", "rn1ke", "МIKE"],
            &["www", "vvww", "vvvvvv", "wvvw"],
            &["straße", "strasse"],
            &["ﬁn", "fin", "f1n", "fln"],
            &["é", "e\u{301}"],
        ] {
            if group[0] == "straße" {
                // Different letters to everybody who reads German: no look-alikes.
                assert_ne!(skeleton(group[0]), skeleton(group[1]));
                continue;
            }
            for name in group {
                assert_eq!(skeleton(name), skeleton(group[0]), "{name} and {}", group[0]);
            }
        }
        for (one, other) in [("ann", "anna"), ("ann", "an_n"), ("bob", "bab"), ("user1", "user2"), ("tv", "tw")] {
            assert_ne!(skeleton(one), skeleton(other), "{one} and {other}");
        }
    }

    #[test]
    fn display_names() {
        use DisplayNameError::{Character, Length, Reserved};
        for (raw, want) in [
            ("Ann", Ok("Ann")),
            ("  Ann Lee ", Ok("Ann Lee")),
            ("アン・リー", Ok("アン・リー")),
            ("Ａｎｎ", Ok("Ann")),
            ("Zoë", Ok("Zoë")),
            ("Zoe\u{308}", Ok("Zoë")),
            ("ناصر", Ok("ناصر")),
            ("हिन्दी", Ok("हिन्दी")),
            ("🦊", Ok("🦊")),
            ("Ann\u{a0}Lee", Ok("Ann Lee")),
            ("", Err(Length)),
            ("   ", Err(Length)),
            ("abcdefghijklmnopqrstuvwxy", Ok("abcdefghijklmnopqrstuvwxy")),
            ("abcdefghijklmnopqrstuvwxyz", Err(Length)),
            (&"x".repeat(1_000_000), Err(Length)),
            (&"\u{fdfa}".repeat(25), Err(Length)),
            ("Ann  Lee", Err(Character)),
            ("A\nB", Err(Character)),
            ("A\0B", Err(Character)),
            ("A\u{1b}[31m", Err(Character)),
            ("A\u{202e}nn", Err(Character)),
            ("A\u{2066}nn", Err(Character)),
            ("A\u{200b}nn", Err(Character)),
            ("A\u{200d}nn", Err(Character)),
            ("A\u{feff}nn", Err(Character)),
            ("A\u{ad}nn", Err(Character)),
            ("\u{3164}", Err(Character)),
            ("\u{2800}", Err(Character)),
            ("\u{115f}", Err(Character)),
            ("\u{301}", Err(Character)),
            ("Z\u{336}\u{337}\u{338}algo", Err(Character)),
            ("A\u{e000}", Err(Character)),
            ("A\u{378}", Err(Character)),
            ("A\u{fe0f}", Err(Character)),
            ("A\u{1680}B", Err(Character)),
            ("A\u{2028}B", Err(Character)),
            ("Admin", Err(Reserved)),
            ("аdmin", Err(Reserved)),
            ("ADMlN", Err(Reserved)),
            ("adrnin", Err(Reserved)),
            ("R1vulet", Err(Reserved)),
        ] {
            let parsed = DisplayName::parse(raw);
            assert_eq!(parsed.as_ref().map(DisplayName::as_str), want.as_ref().copied(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn a_skeleton_is_its_own(name in "[a-z0-9_]{2,25}") {
            prop_assert_eq!(skeleton(&skeleton(&name)), skeleton(&name));
        }

        #[test]
        fn a_display_name_stays_what_it_is(raw in "\\PC{0,30}") {
            if let Ok(name) = DisplayName::parse(&raw) {
                prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name.clone()));
            }
        }
    }
}
