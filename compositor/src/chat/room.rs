//! What is to be seen of a chat: its newest messages, without those that were taken back. A function
//! of the frames that came.

use rivulet_protocol::chat::{Event, Message, ServerFrame};
use rivulet_scene::{Badge, Color, Line};
use std::collections::VecDeque;

/// As many as fit into no layer.
const MAX_MESSAGES: usize = 50;
const MAX_AUTHOR_CHARS: usize = 60;
const MAX_TEXT_CHARS: usize = 500;

const MAX_BADGES: usize = 4;

/// Messages, with when they came; nothing for what was said before somebody listened.
#[derive(Default)]
pub struct Room(VecDeque<(Message, Option<i64>)>);

impl Room {
    /// Answers whether anything is to be seen of it. `now` is scene time.
    pub fn hear(&mut self, frame: ServerFrame, now: i64) -> bool {
        match frame {
            // What was taken back while nobody listened is not in it.
            ServerFrame::Welcome(welcome) => {
                let there = welcome.history.into_iter().filter(|message| !message.deleted);
                self.0 = there.map(|message| (message, None)).collect();
            }
            ServerFrame::Event(numbered) => match numbered.event {
                // One of the history may come again.
                Event::Message(message) if self.0.iter().all(|(other, _)| other.id != message.id) => {
                    self.0.push_back((message, Some(now)));
                }
                Event::Deleted { message_id, .. } => self.0.retain(|(message, _)| message.id != message_id),
                Event::UserCleared { user_id, .. } => self.0.retain(|(message, _)| message.author.id != user_id),
                Event::Cleared => self.0.clear(),
                _ => return false,
            },
            _ => return false,
        }
        let over = self.0.len().saturating_sub(MAX_MESSAGES);
        self.0.drain(..over);
        true
    }

    /// The newest last.
    pub fn lines(&self) -> Vec<Line> {
        let bounded = |text: &str, most: usize| text.chars().filter(|c| !c.is_control()).take(most).collect();
        let line = |(message, came): &(Message, Option<i64>)| Line {
            badges: message.author.badges.iter().filter_map(|own| badge(&own.kind)).take(MAX_BADGES).collect(),
            author: bounded(&message.author.display_name, MAX_AUTHOR_CHARS),
            color: Color::try_from(message.author.color.clone()).ok(),
            text: bounded(&message.text, MAX_TEXT_CHARS),
            came: *came,
        };
        self.0.iter().map(line).collect()
    }
}

/// Those of a channel's own are pictures on its server, and left out.
fn badge(kind: &str) -> Option<Badge> {
    Some(match kind {
        "admin" => Badge::Admin,
        "staff" => Badge::Staff,
        "broadcaster" => Badge::Broadcaster,
        "editor" => Badge::Editor,
        "moderator" => Badge::Moderator,
        "subscriber" => Badge::Subscriber,
        _ => return None,
    })
}
