//! Finding channels by the beginnings of words, the same way on both databases: each word that a
//! channel is found by is a row, in a form whose order does not depend on the database's language.

use crate::channels::{channel, select};
use crate::{Channel, Store, StoreError};
use sqlx::{AnyConnection, AssertSqlSafe};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words kept of a channel, and looked at in a query.
const MAX_WORDS: usize = 64;
const MAX_QUERY_WORDS: usize = 6;
const MAX_WORD_CHARS: usize = 32;

/// The words of a text as they are compared: without case and accents.
pub fn words(text: &str) -> BTreeSet<String> {
    let folded: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.chars().take(MAX_WORD_CHARS).collect()).take(MAX_WORDS).collect()
}

/// Hexadecimal UTF-8: digits come before a to f in every collation.
fn sortable(word: &str) -> String {
    word.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a channel findable by what its row says now.
pub(crate) async fn index(connection: &mut AnyConnection, channel: &Channel) -> sqlx::Result<()> {
    let category = channel.category.as_ref().map(|category| category.name.as_str()).unwrap_or_default();
    let text =
        [&channel.name, &channel.display_name, category, &channel.tags.join(" "), &channel.title].map(str::to_owned);
    sqlx::query("DELETE FROM search_words WHERE channel_id = $1").bind(&channel.id).execute(&mut *connection).await?;
    for word in words(&text.join(" ")) {
        sqlx::query("INSERT INTO search_words (word, channel_id) VALUES ($1, $2)")
            .bind(sortable(&word))
            .bind(&channel.id)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

impl Store {
    /// Up to `limit` channels of which each word of `text` begins a word; those with the most
    /// followers first. Nothing for a text without words.
    pub async fn search(&self, text: &str, now_ms: i64, limit: u32) -> Result<Vec<Channel>, StoreError> {
        let words: Vec<String> = words(text).iter().take(MAX_QUERY_WORDS).map(|word| sortable(word)).collect();
        if words.is_empty() {
            return Ok(vec![]);
        }
        let begins = |n: usize| {
            let (from, to) = (2 * n + 3, 2 * n + 4);
            format!("AND channels.id IN (SELECT channel_id FROM search_words WHERE word >= ${from} AND word < ${to}) ")
        };
        let conditions: String = (0..words.len()).map(begins).collect();
        let sql = format!(
            select!(
                "(suspended_at_ms IS NULL OR suspended_until_ms <= $1) AND access <> 'private' {} \
                 ORDER BY followers DESC, channels.name LIMIT $2"
            ),
            conditions
        );
        // Only numbers of parameters were put into the text.
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(now_ms).bind(i64::from(limit));
        for word in words {
            // Comes after every word that begins with this one.
            let end = format!("{word}g");
            query = query.bind(word).bind(end);
        }
        Ok(query.try_map(channel).fetch_all(&self.pool).await?)
    }

    /// Indexes channels that an older version made. A channel has at least the word of its name.
    pub(crate) async fn index_the_rest(&self) -> Result<(), StoreError> {
        loop {
            let sql = select!(
                "NOT EXISTS (SELECT 1 FROM search_words WHERE search_words.channel_id = channels.id) LIMIT 500"
            );
            let rest = sqlx::query(sql).try_map(channel).fetch_all(&self.pool).await?;
            if rest.is_empty() {
                return Ok(());
            }
            let mut transaction = self.pool.begin().await?;
            for channel in &rest {
                index(&mut transaction, channel).await?;
            }
            transaction.commit().await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_without_case_and_accents() {
        for (text, want) in [
            ("", &[][..]),
            ("Hello, world! hello", &["hello", "world"]),
            ("Émigré über-cool", &["cool", "emigre", "uber"]),
            ("ＷＩＤＥ ﬁne", &["fine", "wide"]),
            ("日本語 чат", &["чат", "日本語"]),
            ("drum&bass_2", &["2", "bass", "drum"]),
        ] {
            assert_eq!(words(text).iter().map(String::as_str).collect::<Vec<_>>(), want, "{text:?}");
        }
        assert_eq!(words(&"a ".repeat(1000)).len(), 1);
        assert!(words(&(0..1000).map(|n| format!("{n} ")).collect::<String>()).len() <= MAX_WORDS);
    }
}
