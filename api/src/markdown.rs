//! Markdown of people, as HTML that can do no harm: no script, no style, no frame, no picture (a
//! page of ours loads nothing from elsewhere).

use ammonia::Builder;
use pulldown_cmark::{Options, Parser, html};
use std::collections::HashSet;

const TAGS: &[&str] = &[
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "h3",
    "h4",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
];

pub fn to_html(markdown: &str) -> String {
    let parser = Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES);
    // A page has its own headings above these.
    let lowered = parser.filter_map(|event| {
        use pulldown_cmark::{Event, HeadingLevel as H, Tag, TagEnd};
        let low = |level| if level <= H::H2 { H::H3 } else { H::H4 };
        Some(match event {
            // What a picture shows stays, as text.
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => return None,
            Event::Start(Tag::Heading { level, id, classes, attrs }) => {
                Event::Start(Tag::Heading { level: low(level), id, classes, attrs })
            }
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(low(level))),
            // What was typed as HTML is text.
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            event => event,
        })
    });
    let mut rendered = String::new();
    html::push_html(&mut rendered, lowered);
    Builder::empty()
        .tags(TAGS.iter().copied().collect())
        .tag_attributes([("a", HashSet::from(["href"]))].into())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("nofollow noopener ugc"))
        .clean(&rendered)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless() {
        for (markdown, want) in [
            ("**hi** _you_", "<p><strong>hi</strong> <em>you</em></p>\n"),
            ("# One\n### Three", "<h3>One</h3>\n<h4>Three</h4>\n"),
            ("[a](https://b.example)", "<p><a href=\"https://b.example\" rel=\"nofollow noopener ugc\">a</a></p>\n"),
            ("[a](javascript:alert(1))", "<p><a rel=\"nofollow noopener ugc\">a</a></p>\n"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)&gt; b</p>\n"),
            ("![x](https://evil.example/a.png)", "<p>x</p>\n"),
            ("<b style='color:red'>x</b>", "<p>&lt;b style='color:red'&gt;x&lt;/b&gt;</p>\n"),
        ] {
            assert_eq!(to_html(markdown), want, "{markdown:?}");
        }
    }
}
