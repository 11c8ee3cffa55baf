//! Who says something, as everybody sees it.

use crate::{Channel, Store, StoreError, User};
use rivulet_protocol::chat::{Author, Badge, Person};
use rivulet_protocol::rest::{ChannelRole, Role};

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self { id: user.id.clone(), login: user.name.clone(), display_name: user.shown_name().to_owned() }
    }
}

fn badge(kind: &str, version: &str) -> Badge {
    Badge { kind: kind.into(), version: version.into() }
}

/// What everybody who is something wears, what they are on the instance first.
fn badges(role: Role, in_channel: Option<ChannelRole>) -> Vec<Badge> {
    let on_instance = match role {
        Role::Admin => Some("admin"),
        Role::Moderator => Some("staff"),
        Role::Viewer => None,
    };
    let in_channel = in_channel.map(|role| match role {
        ChannelRole::Owner => "broadcaster",
        ChannelRole::Editor => "editor",
        ChannelRole::Moderator => "moderator",
    });
    on_instance.into_iter().chain(in_channel).map(|kind| badge(kind, "1")).collect()
}

impl Store {
    /// A user as others see them in a channel's chat.
    pub async fn chat_author(&self, channel: &Channel, user: &User) -> Result<Author, StoreError> {
        let mut badges = badges(user.role, self.role_in(channel, &user.id).await?);
        let sql = "SELECT chat_badges.id FROM chat_badge_holders \
                   JOIN chat_badges ON chat_badges.id = chat_badge_holders.badge_id \
                   WHERE user_id = $1 AND channel_id = $2 ORDER BY chat_badges.id";
        let own: Vec<String> = sqlx::query_scalar(sql).bind(&user.id).bind(&channel.id).fetch_all(&self.pool).await?;
        badges.extend(own.iter().map(|id| badge("custom", id)));
        let Person { id, login, display_name } = user.into();
        Ok(Author { id, login, display_name, color: user.color.clone(), badges })
    }
}
