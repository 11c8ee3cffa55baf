//! Raids: the viewers of a channel are sent to another one, after a while in which that can be called
//! off.

use super::append;
use super::moderation::{DeedError, Doer, lock, log};
use crate::{Channel, Store, StoreError};
use rivulet_protocol::chat::{Act, Person};
use rivulet_protocol::rest::Raid;

/// Viewers who leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    pub from: Channel,
    pub to: Channel,
    pub viewers: u32,
}

impl Store {
    /// [`DeedError::Busy`] while one is on its way, [`DeedError::Forbidden`] when the other channel does
    /// not want it.
    pub async fn start_raid(
        &self,
        channel: &Channel,
        by: &Doer,
        to: &Channel,
        viewers: u32,
        leaves_at_ms: i64,
        now_ms: i64,
    ) -> Result<Raid, DeedError> {
        if to.id == channel.id || !self.own_chat_settings(&to.id).await?.0.takes_raid_from(&channel.name) {
            return Err(DeedError::Forbidden);
        }
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, &channel.id).await?;
        let sql = "INSERT INTO raids (channel_id, to_id, viewers, leaves_at_ms) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (channel_id) DO NOTHING";
        let query = sqlx::query(sql).bind(&channel.id).bind(&to.id).bind(i64::from(viewers)).bind(leaves_at_ms);
        if query.execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::Busy);
        }
        let (name, display_name) = (to.name.clone(), to.shown_name().to_owned());
        let act = Act::RaidOut { channel: name.clone(), display_name, viewers, leaves_at_ms };
        log(&mut tx, channel, by, act, &format!("to {name}"), now_ms).await?;
        tx.commit().await?;
        Ok(Raid { channel: name, viewers, leaves_at_ms })
    }

    pub async fn cancel_raid(&self, channel: &Channel, by: &Doer, now_ms: i64) -> Result<(), DeedError> {
        let mut tx = self.pool.begin().await?;
        let sql = "DELETE FROM raids WHERE channel_id = $1";
        if sqlx::query(sql).bind(&channel.id).execute(&mut *tx).await?.rows_affected() == 0 {
            return Err(DeedError::NoSuch);
        }
        log(&mut tx, channel, by, Act::RaidCancelled, "", now_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    pub async fn raid_of(&self, channel_id: &str) -> Result<Option<Raid>, StoreError> {
        let sql = "SELECT channels.name, raids.viewers, raids.leaves_at_ms FROM raids \
                   JOIN channels ON channels.id = raids.to_id WHERE raids.channel_id = $1";
        let row: Option<(String, i64, i64)> = sqlx::query_as(sql).bind(channel_id).fetch_optional(&self.pool).await?;
        Ok(row.map(|(channel, viewers, leaves_at_ms)| Raid {
            channel,
            viewers: viewers.try_into().unwrap_or(0),
            leaves_at_ms,
        }))
    }

    /// Raids whose time has come, each of them once: the room that they go to is told, unless its
    /// channel does not want them any more.
    pub async fn leaving_raids(&self, now_ms: i64) -> Result<Vec<Leaving>, StoreError> {
        let sql = "SELECT channel_id, to_id, viewers FROM raids WHERE leaves_at_ms <= $1";
        let due: Vec<(String, String, i64)> = sqlx::query_as(sql).bind(now_ms).fetch_all(&self.pool).await?;
        let mut leaving = Vec::new();
        for (from_id, to_id, viewers) in due {
            let (from, to) = (self.channel_by_id(&from_id).await?, self.channel_by_id(&to_id).await?);
            let mut tx = self.pool.begin().await?;
            let sql = "DELETE FROM raids WHERE channel_id = $1 AND to_id = $2 AND leaves_at_ms <= $3";
            let query = sqlx::query(sql).bind(&from_id).bind(&to_id).bind(now_ms);
            let first = query.execute(&mut *tx).await?.rows_affected() > 0;
            if let (true, Some(from), Some(to)) = (first, from, to) {
                let settings = lock(&mut tx, &to.id).await?.own;
                if settings.takes_raid_from(&from.name) {
                    let viewers = viewers.try_into().unwrap_or(0);
                    let (channel, display_name) = (from.name.clone(), from.shown_name().to_owned());
                    let act = Act::RaidIn { channel_id: from.id.clone(), channel, display_name, viewers };
                    append(&mut tx, &to.id, &Person::default(), act, now_ms).await?;
                    leaving.push(Leaving { from, to, viewers });
                }
            }
            tx.commit().await?;
        }
        Ok(leaving)
    }
}
