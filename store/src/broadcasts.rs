//! What was on air, and which objects in the blob store hold it. Retention works from here: it
//! takes the broadcasts that ended long ago, deletes their objects, then the rows.

use crate::{Channel, Store, StoreError, id, placeholders};
use rivulet_protocol::rest::{BroadcastInfo, CategoryRef, ViewerSample};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broadcast {
    pub id: String,
    pub channel_id: String,
    /// The channel's title at the start.
    pub title: String,
    pub started_at_ms: i64,
    pub ended_at_ms: Option<i64>,
}

/// Which process writes a broadcast, and until when unless it says so again.
#[derive(Debug, Clone)]
pub struct BroadcastLease {
    pub writer: Arc<str>,
    pub until_ms: i64,
}

/// What has become of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    Kept,
    /// Kept, and another process would like to have it.
    Wanted,
    Lost,
    /// The broadcast is not written down.
    Unknown,
}

/// One object of a broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub broadcast_id: String,
    pub rendition: String,
    /// The segment's number; an initialisation segment, of which a rendition has one for each
    /// format, is `-1 - n` for the n-th, so that it sorts before all media.
    pub number: i64,
    /// 90 kHz.
    pub start_ticks: i64,
    pub duration_ticks: i64,
    pub bytes: i64,
    pub object_key: String,
    /// Which of the rendition's initialisation segments goes before it.
    pub init: i64,
    /// Of the broadcast: behind another one is a discontinuity.
    pub period: i64,
}

/// What is recorded of a rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub rendition: String,
    /// With those that were given up.
    pub segments: u64,
    /// Of those that are there: bits a second, on average and in the segment that has most.
    pub average: u64,
    pub peak: u64,
    /// Number of the newest initialisation segment.
    pub init: i64,
}

type BroadcastRow = (String, String, String, i64, Option<i64>);
type SegmentRow = (String, String, i64, i64, i64, i64, String, i64, i64);

fn broadcast((id, channel_id, title, started_at_ms, ended_at_ms): BroadcastRow) -> Broadcast {
    Broadcast { id, channel_id, title, started_at_ms, ended_at_ms }
}

fn segment(row: SegmentRow) -> Segment {
    let (broadcast_id, rendition, number, start_ticks, duration_ticks, bytes, object_key, init, period) = row;
    Segment { broadcast_id, rendition, number, start_ticks, duration_ticks, bytes, object_key, init, period }
}

/// The query for a [`BroadcastInfo`] of each row for which a condition holds.
macro_rules! history {
    ($condition:literal) => {
        concat!(
            "SELECT broadcasts.id, title, broadcasts.category, categories.name AS category_name, started_at_ms, \
             ended_at_ms, peak_viewers, viewers_sum, samples \
             FROM broadcasts LEFT JOIN categories ON categories.slug = broadcasts.category WHERE ",
            $condition
        )
    };
}

fn past(row: AnyRow) -> sqlx::Result<BroadcastInfo> {
    let category: Option<String> = row.try_get("category")?;
    let category_name: Option<String> = row.try_get("category_name")?;
    let (sum, samples): (i64, i64) = (row.try_get("viewers_sum")?, row.try_get("samples")?);
    let count = |number: i64| number.try_into().unwrap_or(0);
    Ok(BroadcastInfo {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        category: category.zip(category_name).map(|(slug, name)| CategoryRef { slug, name }),
        started_at_ms: row.try_get("started_at_ms")?,
        ended_at_ms: row.try_get("ended_at_ms")?,
        peak_viewers: count(row.try_get("peak_viewers")?),
        average_viewers: count(sum / samples.max(1)),
        missing_ms: 0,
    })
}

const SEGMENT_COLUMNS: usize = 9;
/// Rows in one statement.
const ROWS: usize = 200;

impl Store {
    /// With the title, category and access that the channel has now, and written by nobody; answers the
    /// broadcast's id.
    pub async fn start_broadcast(&self, channel: &Channel, now_ms: i64) -> Result<String, StoreError> {
        let id = id::new(now_ms);
        let lease = BroadcastLease { writer: "".into(), until_ms: 0 };
        self.note_broadcast(&id, channel, now_ms, &lease).await?;
        Ok(id)
    }

    /// Under an id that was made before. The same again changes nothing.
    pub async fn note_broadcast(
        &self,
        id: &str,
        channel: &Channel,
        now_ms: i64,
        lease: &BroadcastLease,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO broadcasts \
                   (id, channel_id, title, started_at_ms, category, protected, writer, writer_until_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING";
        sqlx::query(sql)
            .bind(id)
            .bind(&channel.id)
            .bind(&channel.title)
            .bind(now_ms)
            .bind(channel.category.as_ref().map(|category| &category.slug))
            .bind(i64::from(channel.protected().is_some()))
            .bind(&*lease.writer)
            .bind(lease.until_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Takes a broadcast that is open and that nobody else writes; answers whether it is ours now.
    pub async fn claim_broadcast(&self, id: &str, lease: &BroadcastLease, now_ms: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE broadcasts SET writer = $2, writer_until_ms = $3, wanted_by = NULL \
                   WHERE id = $1 AND ended_at_ms IS NULL \
                   AND (writer IS NULL OR writer = $2 OR writer_until_ms < $4)";
        let query = sqlx::query(sql).bind(id).bind(&*lease.writer).bind(lease.until_ms).bind(now_ms);
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }

    pub async fn renew_broadcast(&self, id: &str, lease: &BroadcastLease) -> Result<Renewal, StoreError> {
        let sql = "UPDATE broadcasts SET writer_until_ms = $3 WHERE id = $1 AND writer = $2 RETURNING wanted_by";
        let query = sqlx::query_scalar(sql).bind(id).bind(&*lease.writer).bind(lease.until_ms);
        let kept: Option<Option<String>> = query.fetch_optional(&self.pool).await?;
        if let Some(wanted_by) = kept {
            return Ok(if wanted_by.is_some() { Renewal::Wanted } else { Renewal::Kept });
        }
        let query = sqlx::query_scalar("SELECT COUNT(*) FROM broadcasts WHERE id = $1").bind(id);
        let known: i64 = query.fetch_one(&self.pool).await?;
        Ok(if known == 0 { Renewal::Unknown } else { Renewal::Lost })
    }

    /// Asks whoever writes it to let it go; answers whether it is still open.
    pub async fn want_broadcast(&self, id: &str, writer: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE broadcasts SET wanted_by = $2 WHERE id = $1 AND ended_at_ms IS NULL";
        Ok(sqlx::query(sql).bind(id).bind(writer).execute(&self.pool).await?.rows_affected() == 1)
    }

    /// Lets it go, if it is this lease's: to the writer that wants it, which has as long a lease to claim
    /// it, or to anybody.
    pub async fn release_broadcast(&self, id: &str, lease: &BroadcastLease) -> Result<(), StoreError> {
        let sql = "UPDATE broadcasts SET writer = wanted_by, writer_until_ms = $3, wanted_by = NULL \
                   WHERE id = $1 AND writer = $2";
        sqlx::query(sql).bind(id).bind(&*lease.writer).bind(lease.until_ms).execute(&self.pool).await?;
        Ok(())
    }

    /// What is open of a channel, unless this writer has it.
    pub async fn open_elsewhere(&self, channel_id: &str, writer: &str) -> Result<Option<Broadcast>, StoreError> {
        let row: Option<BroadcastRow> = sqlx::query_as(
            "SELECT id, channel_id, title, started_at_ms, ended_at_ms FROM broadcasts \
             WHERE channel_id = $1 AND ended_at_ms IS NULL AND (writer IS NULL OR writer <> $2) \
             ORDER BY id DESC LIMIT 1",
        )
        .bind(channel_id)
        .bind(writer)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(broadcast))
    }

    /// The first end counts.
    pub async fn end_broadcast(&self, id: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE broadcasts SET ended_at_ms = $2 WHERE id = $1 AND ended_at_ms IS NULL")
            .bind(id)
            .bind(now_ms)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// When the last recorded media of a broadcast ends, in ticks of its timeline.
    pub async fn last_recorded(&self, id: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT MAX(start_ticks + duration_ticks) FROM segments WHERE broadcast_id = $1";
        Ok(sqlx::query_scalar(sql).bind(id).fetch_one(&self.pool).await?)
    }

    /// Started and not ended, and written by nobody, or by this writer: at the start of a process,
    /// what the one before has left.
    pub async fn open_broadcasts(&self, writer: &str, now_ms: i64) -> Result<Vec<Broadcast>, StoreError> {
        let rows: Vec<BroadcastRow> = sqlx::query_as(
            "SELECT id, channel_id, title, started_at_ms, ended_at_ms FROM broadcasts \
             WHERE ended_at_ms IS NULL AND (writer IS NULL OR writer = $1 OR writer_until_ms < $2) ORDER BY id",
        )
        .bind(writer)
        .bind(now_ms)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(broadcast).collect())
    }

    /// Up to `limit` of a channel, the newest first, those before the id that a page ended with.
    pub async fn history(
        &self,
        channel_id: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<BroadcastInfo>, StoreError> {
        // Ids are in the order of the starts; this comes after all of them.
        let before = before.unwrap_or("~");
        let sql = history!("broadcasts.channel_id = $1 AND broadcasts.id < $2 ORDER BY broadcasts.id DESC LIMIT $3");
        let query = sqlx::query(sql).bind(channel_id).bind(before).bind(i64::from(limit));
        Ok(query.try_map(past).fetch_all(&self.pool).await?)
    }

    pub async fn past_broadcast(&self, channel_id: &str, id: &str) -> Result<Option<BroadcastInfo>, StoreError> {
        let query = sqlx::query(history!("broadcasts.channel_id = $1 AND broadcasts.id = $2"));
        let Some(found) = query.bind(channel_id).bind(id).try_map(past).fetch_optional(&self.pool).await? else {
            return Ok(None);
        };
        let sql = "SELECT CAST(COALESCE(MAX(ticks), 0) AS BIGINT) FROM (SELECT SUM(duration_ticks) AS ticks \
                   FROM segments WHERE broadcast_id = $1 AND bytes = 0 GROUP BY rendition) AS missing";
        let ticks: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(&self.pool).await?;
        Ok(Some(BroadcastInfo { missing_ms: (ticks / 90).try_into().unwrap_or(0), ..found }))
    }

    /// How many watched a broadcast at a time.
    pub async fn add_viewer_sample(&self, id: &str, at_ms: i64, viewers: u32) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        let new = sqlx::query(
            "INSERT INTO viewer_samples (broadcast_id, at_ms, viewers) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(at_ms)
        .bind(i64::from(viewers))
        .execute(&mut *transaction)
        .await?;
        if new.rows_affected() > 0 {
            sqlx::query(
                "UPDATE broadcasts SET viewers_sum = viewers_sum + $2, samples = samples + 1, \
                 peak_viewers = CASE WHEN peak_viewers < $2 THEN $2 ELSE peak_viewers END WHERE id = $1",
            )
            .bind(id)
            .bind(i64::from(viewers))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// By their time, up to two days of them.
    pub async fn viewer_samples(&self, id: &str) -> Result<Vec<ViewerSample>, StoreError> {
        let sql = "SELECT at_ms, viewers FROM viewer_samples WHERE broadcast_id = $1 ORDER BY at_ms LIMIT 2880";
        let rows: Vec<(i64, i64)> = sqlx::query_as(sql).bind(id).fetch_all(&self.pool).await?;
        let sample = |(at_ms, viewers): (i64, i64)| ViewerSample { at_ms, viewers: viewers.try_into().unwrap_or(0) };
        Ok(rows.into_iter().map(sample).collect())
    }

    /// What the signatures of a recording's addresses have to be for; `None` where everybody may
    /// watch it. For a broadcast that does not exist too: there is nothing to see.
    pub async fn protection(&self, broadcast_id: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT channels.access_revision FROM broadcasts JOIN channels ON channels.id = broadcasts.channel_id \
                   WHERE broadcasts.id = $1 AND broadcasts.protected = 1";
        Ok(sqlx::query_scalar(sql).bind(broadcast_id).fetch_optional(&self.pool).await?)
    }

    /// Whether a broadcast that runs is for everybody.
    pub async fn set_protected(&self, broadcast_id: &str, protected: bool) -> Result<(), StoreError> {
        sqlx::query("UPDATE broadcasts SET protected = $2 WHERE id = $1")
            .bind(broadcast_id)
            .bind(i64::from(protected))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Up to `limit`, the oldest end first.
    pub async fn broadcasts_ended_before(&self, time_ms: i64, limit: u32) -> Result<Vec<Broadcast>, StoreError> {
        let rows: Vec<BroadcastRow> = sqlx::query_as(
            "SELECT id, channel_id, title, started_at_ms, ended_at_ms FROM broadcasts \
             WHERE ended_at_ms < $1 ORDER BY ended_at_ms, id LIMIT $2",
        )
        .bind(time_ms)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(broadcast).collect())
    }

    /// Up to `limit` ended ones of channels that were deleted: they go whatever their age.
    pub async fn broadcasts_of_deleted(&self, limit: u32) -> Result<Vec<Broadcast>, StoreError> {
        let rows: Vec<BroadcastRow> = sqlx::query_as(
            "SELECT broadcasts.id, channel_id, broadcasts.title, started_at_ms, ended_at_ms \
             FROM channels JOIN broadcasts ON broadcasts.channel_id = channels.id \
             WHERE channels.deleted_at_ms IS NOT NULL AND ended_at_ms IS NOT NULL LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(broadcast).collect())
    }

    /// Deletes the broadcast's row, unless segments are still recorded: their objects would be
    /// lost in the blob store for ever. Answers whether it is gone.
    pub async fn forget_broadcast(&self, id: &str) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "DELETE FROM broadcasts WHERE id = $1 \
             AND NOT EXISTS (SELECT 1 FROM segments WHERE segments.broadcast_id = broadcasts.id)",
        )
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Bytes of all that is recorded of a channel.
    pub async fn recorded_bytes(&self, channel_id: &str) -> Result<u64, StoreError> {
        let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM broadcasts \
                   JOIN segments ON segments.broadcast_id = broadcasts.id WHERE channel_id = $1";
        let bytes: i64 = sqlx::query_scalar(sql).bind(channel_id).fetch_one(&self.pool).await?;
        Ok(bytes.try_into().unwrap_or(0))
    }

    /// Records objects; one without bytes is a gap, where it is not recorded already. One that is recorded already takes the new values, so that an upload
    /// which is tried again, or a segment that is made again, does no harm.
    pub async fn add_segments(&self, segments: &[Segment]) -> Result<(), StoreError> {
        // Postgres refuses to touch a row twice in one statement.
        let unique: BTreeMap<_, _> = segments.iter().map(|s| ((&s.broadcast_id, &s.object_key), s)).collect();
        let unique: Vec<&Segment> = unique.into_values().collect();
        for rows in unique.chunks(ROWS) {
            let values: Vec<String> = (0..rows.len())
                .map(|row| format!("({})", placeholders(1 + row * SEGMENT_COLUMNS, SEGMENT_COLUMNS)))
                .collect();
            let sql = format!(
                "INSERT INTO segments \
                 (broadcast_id, rendition, number, start_ticks, duration_ticks, bytes, object_key, init, period) \
                 VALUES {} \
                 ON CONFLICT (broadcast_id, object_key) DO UPDATE SET rendition = excluded.rendition, \
                 number = excluded.number, start_ticks = excluded.start_ticks, \
                 duration_ticks = excluded.duration_ticks, init = excluded.init, period = excluded.period, \
                 bytes = CASE WHEN excluded.bytes = 0 THEN segments.bytes ELSE excluded.bytes END",
                values.join(",")
            );
            // Only `$1,$2,…` was put into the text.
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for s in rows {
                query = query.bind(&s.broadcast_id).bind(&s.rendition).bind(s.number).bind(s.start_ticks);
                query = query.bind(s.duration_ticks).bind(s.bytes).bind(&s.object_key);
                query = query.bind(s.init).bind(s.period);
            }
            query.execute(&self.pool).await?;
        }
        Ok(())
    }

    /// Up to `limit` segments, by rendition and number.
    pub async fn segments_of(&self, broadcast_id: &str, limit: u32) -> Result<Vec<Segment>, StoreError> {
        let rows: Vec<SegmentRow> = sqlx::query_as(
            "SELECT broadcast_id, rendition, number, start_ticks, duration_ticks, bytes, object_key, init, period \
             FROM segments WHERE broadcast_id = $1 ORDER BY rendition, number LIMIT $2",
        )
        .bind(broadcast_id)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(segment).collect())
    }

    /// The first `limit` media segments of one rendition, by number.
    pub async fn recorded_segments(
        &self,
        broadcast_id: &str,
        rendition: &str,
        limit: u32,
    ) -> Result<Vec<Segment>, StoreError> {
        let rows: Vec<SegmentRow> = sqlx::query_as(
            "SELECT broadcast_id, rendition, number, start_ticks, duration_ticks, bytes, object_key, init, period \
             FROM segments WHERE broadcast_id = $1 AND rendition = $2 AND number >= 0 ORDER BY number LIMIT $3",
        )
        .bind(broadcast_id)
        .bind(rendition)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(segment).collect())
    }

    /// What is recorded, by rendition.
    pub async fn recorded(&self, broadcast_id: &str) -> Result<Vec<Recorded>, StoreError> {
        // Rows of initialisation segments last no time and have a negative number.
        let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
            "SELECT rendition, CAST(SUM(CASE WHEN number >= 0 THEN 1 ELSE 0 END) AS BIGINT), \
             CAST(COALESCE(SUM(CASE WHEN number >= 0 THEN bytes END) * 720000 \
               / NULLIF(SUM(CASE WHEN bytes > 0 THEN duration_ticks END), 0), 0) AS BIGINT), \
             CAST(COALESCE(MAX(bytes * 720000 / NULLIF(duration_ticks, 0)), 0) AS BIGINT), MIN(number) \
             FROM segments WHERE broadcast_id = $1 GROUP BY rendition ORDER BY rendition",
        )
        .bind(broadcast_id)
        .fetch_all(&self.pool)
        .await?;
        let count = |number: i64| number.try_into().unwrap_or(0);
        let recorded = |(rendition, segments, average, peak, first): (String, _, _, _, i64)| Recorded {
            rendition,
            segments: count(segments),
            average: count(average),
            peak: count(peak),
            init: -1 - first,
        };
        Ok(rows.into_iter().map(recorded).filter(|of| of.segments > 0 && of.init >= 0).collect())
    }

    /// When a broadcast of the channel began, once it is over.
    pub async fn began(&self, channel: &str, broadcast_id: &str) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT started_at_ms FROM broadcasts JOIN channels ON channels.id = broadcasts.channel_id \
                   WHERE broadcasts.id = $1 AND name = $2 AND ended_at_ms IS NOT NULL AND deleted_at_ms IS NULL";
        Ok(sqlx::query_scalar(sql).bind(broadcast_id).bind(channel).fetch_optional(&self.pool).await?)
    }

    /// Forgets objects that were deleted from the blob store.
    pub async fn delete_segments(&self, broadcast_id: &str, object_keys: &[String]) -> Result<(), StoreError> {
        for keys in object_keys.chunks(ROWS) {
            let list = placeholders(2, keys.len());
            let sql = format!("DELETE FROM segments WHERE broadcast_id = $1 AND object_key IN ({list})");
            // Only `$2,$3,…` was put into the text.
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(broadcast_id);
            for key in keys {
                query = query.bind(key);
            }
            query.execute(&self.pool).await?;
        }
        Ok(())
    }
}
