//! What is to be seen of a chat: its newest messages, without those that were taken back. A function
//! of the frames that came.

use rivulet_protocol::chat::{Event, Message, ServerFrame};
use rivulet_scene::{Color, Line};
use std::collections::VecDeque;

/// As many as fit into no layer.
const MAX_MESSAGES: usize = 50;
const MAX_AUTHOR_CHARS: usize = 60;
const MAX_TEXT_CHARS: usize = 500;

#[derive(Default)]
pub struct Room(VecDeque<Message>);

impl Room {
    /// Answers whether anything is to be seen of it.
    pub fn hear(&mut self, frame: ServerFrame) -> bool {
        match frame {
            // What was taken back while nobody listened is not in it.
            ServerFrame::Welcome(welcome) => {
                self.0 = welcome.history.into_iter().filter(|message| !message.deleted).collect();
            }
            ServerFrame::Event(numbered) => match numbered.event {
                // One of the history may come again.
                Event::Message(message) if self.0.iter().all(|other| other.id != message.id) => {
                    self.0.push_back(message);
                }
                Event::Deleted { message_id, .. } => self.0.retain(|message| message.id != message_id),
                Event::UserCleared { user_id, .. } => self.0.retain(|message| message.author.id != user_id),
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
        let line = |message: &Message| Line {
            author: bounded(&message.author.display_name, MAX_AUTHOR_CHARS),
            color: Color::try_from(message.author.color.clone()).ok(),
            text: bounded(&message.text, MAX_TEXT_CHARS),
        };
        self.0.iter().map(line).collect()
    }
}
