//! One line of a client.

/// `@tags :prefix COMMAND parameters :last`; a client's prefix says nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    tags: &'a str,
    pub command: String,
    pub parameters: Vec<&'a str>,
}

/// More than any command has.
const MAX_PARAMETERS: usize = 15;

impl<'a> Line<'a> {
    /// `None` for an empty one.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.trim_end_matches(['\r', '\n']).trim_start_matches(' ');
        let mut tags = "";
        if let Some(tagged) = rest.strip_prefix('@') {
            (tags, rest) = tagged.split_once(' ')?;
        }
        rest = rest.trim_start_matches(' ');
        if rest.starts_with(':') {
            rest = rest.split_once(' ')?.1;
        }
        rest = rest.trim_start_matches(' ');
        let (command, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if command.is_empty() {
            return None;
        }
        let mut parameters = Vec::new();
        while !rest.is_empty() && parameters.len() < MAX_PARAMETERS {
            rest = rest.trim_start_matches(' ');
            if let Some(last) = rest.strip_prefix(':') {
                parameters.push(last);
                break;
            }
            let (parameter, more) = rest.split_once(' ').unwrap_or((rest, ""));
            if !parameter.is_empty() {
                parameters.push(parameter);
            }
            rest = more;
        }
        Some(Self { tags, command: command.to_ascii_uppercase(), parameters })
    }

    pub fn parameter(&self, index: usize) -> &'a str {
        self.parameters.get(index).copied().unwrap_or_default()
    }

    /// A tag without escapes; ids have none.
    pub fn tag(&self, name: &str) -> Option<&'a str> {
        let mut pairs = self.tags.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines() {
        for (text, command, parameters) in [
            ("PING", "PING", vec![]),
            ("ping :a b\r\n", "PING", vec!["a b"]),
            ("CAP REQ :twitch.tv/tags twitch.tv/commands", "CAP", vec!["REQ", "twitch.tv/tags twitch.tv/commands"]),
            ("@client-nonce=x;reply-parent-msg-id=m1 PRIVMSG #a :hi :there", "PRIVMSG", vec!["#a", "hi :there"]),
            (":me!me@me JOIN #a,#b", "JOIN", vec!["#a,#b"]),
            ("  NICK   ann  ", "NICK", vec!["ann"]),
            ("PRIVMSG #a :", "PRIVMSG", vec!["#a", ""]),
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!((line.command.as_str(), line.parameters), (command, parameters), "{text}");
        }
        for text in ["", "\r\n", " ", "@tags", ":prefix", "@a :b"] {
            assert_eq!(Line::parse(text), None, "{text:?}");
        }
        let line = Line::parse("@a=;b=1;b=2 X").unwrap();
        assert_eq!((line.tag("a"), line.tag("b"), line.tag("c")), (None, Some("1"), None));
    }
}
