//! `/{channel}/feed.xml`: RSS of a channel's broadcasts, the running one first.

use super::document::Visitor;
use crate::{text, words::Lang};
use rivulet_protocol::rest::{BroadcastInfo, Channel};
use std::fmt::Write;

pub fn feed(visitor: &Visitor, channel: &Channel, broadcasts: &[BroadcastInfo]) -> String {
    let lang = visitor.lang;
    let name = text::name(channel);
    let address = format!("{}/{}", visitor.origin, channel.name);
    let mut feed = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\">\n\
         <channel>\n<title>{}</title>\n<link>{}</link>\n<description>{}</description>\n<language>{}</language>\n\
         <atom:link href=\"{}\" rel=\"self\" type=\"application/rss+xml\"/>\n",
        escaped(&format!("{name} · {}", visitor.instance.name)),
        escaped(&address),
        escaped(&lang.broadcasts_of(&name)),
        lang.tag(),
        escaped(&format!("{address}/feed.xml")),
    );
    for broadcast in broadcasts {
        let title = match broadcast.ended_at_ms {
            None => text::heading(channel),
            Some(_) if broadcast.title.is_empty() => name.clone(),
            Some(_) => broadcast.title.clone(),
        };
        item(&mut feed, lang, &address, &name, &title, broadcast);
    }
    feed.push_str("</channel>\n</rss>\n");
    feed
}

fn item(feed: &mut String, lang: Lang, address: &str, name: &str, title: &str, broadcast: &BroadcastInfo) {
    let (link, text) = match broadcast.ended_at_ms {
        None => (address.to_owned(), lang.is_live_now(name)),
        Some(ended) => (format!("{address}/videos"), lang.duration(ended - broadcast.started_at_ms)),
    };
    // Writing into a string does not fail.
    let _ = write!(
        feed,
        "<item>\n<title>{}</title>\n<link>{}</link>\n<guid isPermaLink=\"false\">{}</guid>\n<pubDate>{}</pubDate>\n\
         <description>{}</description>\n</item>\n",
        escaped(title),
        escaped(&link),
        escaped(&broadcast.id),
        crate::words::Civil::at(broadcast.started_at_ms).mail(),
        escaped(&text),
    );
}

/// Text inside of XML, without the characters that it cannot have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_stays_text() {
        assert_eq!(escaped("a<b>&\"c\"\u{0}\u{1b}"), "a&lt;b&gt;&amp;&quot;c&quot;");
    }
}
