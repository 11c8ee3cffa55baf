//! Blocked terms and patterns. All in linear time of the message, whatever a pattern says.

use super::severity;
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use rivulet_protocol::rest::TermDeed;
use rivulet_store::Rule;
use unicode_normalization::UnicodeNormalization;

/// Of one compiled pattern, and of all of a room together.
const PATTERN_BYTES: usize = 256 * 1024;
const ALL_BYTES: usize = 8 * 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    Blocked,
    /// By this rule.
    Held(String),
    /// What is left to be said.
    Replaced(String),
}

#[derive(Default)]
pub struct Filter {
    all: Option<RegexSet>,
    rules: Vec<(Rule, Regex)>,
}

/// A term as a pattern: whole words, and `*` for any letters.
fn pattern(rule: &Rule) -> String {
    if rule.pattern {
        return rule.text.clone();
    }
    let folded = fold(&rule.text);
    let words = folded.split('*').map(regex::escape).collect::<Vec<_>>().join(r"\w*");
    let edge = |c: Option<char>| if c.is_some_and(|c| c.is_alphanumeric() || c == '*') { r"\b" } else { "" };
    format!("{}{words}{}", edge(folded.chars().next()), edge(folded.chars().next_back()))
}

/// How texts are compared: without compatibility forms and what has no width.
fn fold(text: &str) -> String {
    let no_width = |c: &char| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}');
    text.nfkc().filter(no_width).collect()
}

impl Filter {
    /// A pattern that does not compile was not let in; should one be there, it decides nothing.
    pub fn new(rules: &[Rule]) -> Self {
        let compiled = rules.iter().filter_map(|rule| {
            let built = RegexBuilder::new(&pattern(rule)).case_insensitive(true).size_limit(PATTERN_BYTES).build();
            built.ok().map(|regex| (rule.clone(), regex))
        });
        let rules: Vec<_> = compiled.collect();
        let patterns = rules.iter().map(|(_, regex)| regex.as_str());
        let all = RegexSetBuilder::new(patterns).case_insensitive(true).size_limit(ALL_BYTES).build().ok();
        Self { all: all.filter(|_| !rules.is_empty()), rules }
    }

    pub fn judge(&self, text: &str) -> Verdict {
        if self.rules.is_empty() {
            return Verdict::Fine;
        }
        let folded = fold(text);
        let hits: Vec<&(Rule, Regex)> = match &self.all {
            Some(all) => all.matches(&folded).iter().filter_map(|index| self.rules.get(index)).collect(),
            // Together they were too large for one automaton.
            None => self.rules.iter().filter(|(_, regex)| regex.is_match(&folded)).collect(),
        };
        let Some((worst, _)) = hits.iter().max_by_key(|(rule, _)| severity(rule.deed)) else { return Verdict::Fine };
        match worst.deed {
            TermDeed::Block => Verdict::Blocked,
            TermDeed::Hold => Verdict::Held(worst.text.clone()),
            TermDeed::Replace => {
                let replace = |text: String, (_, regex): &&(Rule, Regex)| regex.replace_all(&text, "***").into_owned();
                Verdict::Replaced(hits.iter().fold(folded, replace))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str, pattern: bool, deed: TermDeed) -> Rule {
        Rule { text: text.into(), pattern, deed }
    }

    #[test]
    fn what_terms_match() {
        for (term, text, hit) in [
            ("bad", "a bad word", true),
            ("bad", "BAD", true),
            ("bad", "badly", false),
            ("bad*", "badly", true),
            ("*bad", "notbad", true),
            ("very bad", "a very bad word", true),
            ("bad", "ｂａｄ", true),
            ("bad", "b\u{200b}ad", true),
            ("a.b", "axb", false),
            ("(", "what (", true),
        ] {
            let filter = Filter::new(&[rule(term, false, TermDeed::Block)]);
            assert_eq!(filter.judge(text) == Verdict::Blocked, hit, "{term} in {text}");
        }
    }

    #[test]
    fn the_worst_deed_counts() {
        let filter = Filter::new(&[
            rule("one", false, TermDeed::Replace),
            rule("tw+o", true, TermDeed::Hold),
            rule("three", false, TermDeed::Block),
        ]);
        assert_eq!(filter.judge("none"), Verdict::Fine);
        assert_eq!(filter.judge("One and one"), Verdict::Replaced("*** and ***".into()));
        assert_eq!(filter.judge("one twwo"), Verdict::Held("tw+o".into()));
        assert_eq!(filter.judge("one two three"), Verdict::Blocked);
    }

    #[test]
    fn a_pattern_takes_linear_time() {
        // Hours for an engine that goes back and tries again.
        let filter = Filter::new(&[rule("(a+)+$", true, TermDeed::Block)]);
        assert_eq!(filter.judge(&format!("{}!", "a".repeat(500))), Verdict::Fine);
        let broken = Filter::new(&[rule("(", true, TermDeed::Block), rule("x{1000}{1000}", true, TermDeed::Block)]);
        assert_eq!(broken.judge("("), Verdict::Fine);
    }
}
