//! A large instance, and what its queries cost.

use crate::{Store, search};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

/// Numbers from 1 to `count`, in SQL that both databases read.
fn numbers(count: u32) -> String {
    format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
}

/// Fills an empty database: `user1` and on, `channel1` and on, each of the user with its number and with a title,
/// a tag, a category and a past broadcast. Each user follows five channels, all of them `channel1`.
pub async fn seed(store: &Store, users: u32, channels: u32) -> Result<(), sqlx::Error> {
    let mut connection = store.pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    let (users_n, channels_n) = (numbers(users), numbers(channels));
    let followed = format!("CASE WHEN j = 0 THEN 1 ELSE (i * 7 + j * 1013) % {channels} + 1 END");
    let mut statements = vec![
        format!(
            "INSERT INTO users (id, name, password_hash, role, created_at_ms) {users_n} \
             SELECT 'u' || i, 'user' || i, '', 'viewer', i FROM n"
        ),
        format!(
            "INSERT INTO channels (id, name, owner_id, title, category, language, tags, created_at_ms) {channels_n} \
             SELECT 'c' || i, 'channel' || i, 'u' || i, 'Evening show ' || i, \
             CASE i % 3 WHEN 0 THEN 'games' WHEN 1 THEN 'music' ELSE 'art' END, \
             CASE i % 2 WHEN 0 THEN 'en' ELSE 'de' END, 'tag' || (i % 100), i FROM n"
        ),
        format!("INSERT INTO channel_tags (tag, channel_id) {channels_n} SELECT 'tag' || (i % 100), 'c' || i FROM n"),
        format!(
            "INSERT INTO follows (user_id, channel_id, notify, created_at_ms) {users_n} \
             SELECT 'u' || i, 'c' || ({followed}), i % 2, i FROM n, \
             (SELECT 0 AS j UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) AS few \
             WHERE 1 = 1 ON CONFLICT DO NOTHING"
        ),
        format!(
            "INSERT INTO broadcasts (id, channel_id, title, started_at_ms, ended_at_ms) {channels_n} \
             SELECT 'b' || i, 'c' || i, 'Past', i, i + 1 FROM n"
        ),
    ];
    let hex = |word: &str| word.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    for word in ["evening", "show"] {
        let word = hex(word);
        statements
            .push(format!("INSERT INTO search_words (word, channel_id) {channels_n} SELECT '{word}', 'c' || i FROM n"));
    }
    statements.extend(chat());
    for sql in statements {
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    // The words that differ from one to the next.
    for first in (1..=channels).step_by(1000) {
        let of_channel = |n: u32| {
            let words = search::words(&format!("channel{n} tag{} {n}", n % 100));
            words.into_iter().map(move |word| (word, n))
        };
        let words = (first..(first + 1000).min(channels + 1)).flat_map(of_channel);
        let rows: Vec<String> = words.map(|(word, n)| format!("('{}', 'c{n}')", hex(&word))).collect();
        let sql = format!("INSERT INTO search_words (word, channel_id) VALUES {}", rows.join(","));
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    transaction.commit().await?;
    connection.execute("ANALYZE").await?;
    Ok(())
}

/// Messages of a thousand users in fifty channels, and in the first of them one of everything.
fn chat() -> Vec<String> {
    const MESSAGES: u32 = 50_000;
    const BODY: &str = "{\"id\":\"m\",\"at_ms\":1,\"author\":{\"id\":\"u1\",\"login\":\"user1\",\"display_name\":\"user1\"},\"text\":\"x\"}";
    const PERSON: &str = "{\"id\":\"u1\",\"login\":\"user1\",\"display_name\":\"user1\"}";
    let n = numbers(MESSAGES);
    vec![
        format!(
            "INSERT INTO chat_messages (id, channel_id, broadcast_id, user_id, at_ms, body) {n} SELECT 'm' || i, \
             'c' || (i % 50 + 1), 'b' || (i % 50 + 1), 'u' || (i % 1000 + 1), i, '{BODY}' FROM n"
        ),
        format!("INSERT INTO chat_rooms (channel_id, revision) {} SELECT 'c' || i, 1000 FROM n", numbers(50)),
        format!(
            "INSERT INTO chat_actions (channel_id, revision, at_ms, actor, actor_id, user_id, act, body) {n} \
             SELECT 'c' || (i % 50 + 1), i, i, '{PERSON}', 'u1', 'u' || (i % 1000 + 1), 'clear', '{{\"act\":\"clear\"}}' FROM n"
        ),
        format!(
            "INSERT INTO chat_bans (channel_id, user_id, reason, by_id, created_at_ms) {} \
             SELECT 'c1', 'u' || i, '', 'u1', i FROM n",
            numbers(1_000)
        ),
        "INSERT INTO chat_network_bans (channel_id, network, id, user_id, by_id, created_at_ms) \
         VALUES ('c1', '192.0.2.1', 'n1', 'u1', 'u1', 1)"
            .into(),
        "INSERT INTO chat_terms (id, channel_id, text, pattern, deed, by_id, created_at_ms) \
         VALUES ('t1', 'c1', 'x', 0, 'block', 'u1', 1)"
            .into(),
        format!(
            "INSERT INTO chat_held (id, channel_id, user_id, body, reason, created_at_ms) \
             VALUES ('h1', 'c1', 'u1', '{BODY}', 'x', 1)"
        ),
        "INSERT INTO chat_unban_requests (id, channel_id, user_id, text, created_at_ms) \
         VALUES ('r1', 'c1', 'u1', 'x', 1)"
            .into(),
        format!(
            "INSERT INTO chat_badges (id, channel_id, title, picture, bytes, created_at_ms) {} \
             SELECT 'd' || i, 'c' || i, 'x', 'p', 1, 1 FROM n",
            numbers(50)
        ),
        format!(
            "INSERT INTO chat_badge_holders (badge_id, user_id) {} SELECT 'd' || (i % 50 + 1), 'u' || i FROM n",
            numbers(1_000)
        ),
        "INSERT INTO polls (id, channel_id, question, ends_at_ms, created_at_ms) VALUES ('o1', 'c1', 'x', 1, 1)".into(),
        "INSERT INTO poll_options (poll_id, number, text) VALUES ('o1', 0, 'x')".into(),
        format!(
            "INSERT INTO raids (channel_id, to_id, viewers, leaves_at_ms) {} SELECT 'c' || i, 'c' || (i + 1), 1, 1 FROM n",
            numbers(50)
        ),
    ]
}

/// Where a query reads a whole table, by the database's own plan for whatever its parameters are.
pub async fn full_scans(store: &Store, sql: &str) -> Result<Vec<String>, sqlx::Error> {
    let mut connection = store.pool.acquire().await?;
    if connection.backend_name() == "SQLite" {
        let rows = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).await?;
        let plan: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("detail")).collect();
        return Ok(plan?.into_iter().filter(|line| line.starts_with("SCAN ") && !line.contains("CONSTANT")).collect());
    }
    let parameters = (1..).take_while(|n| sql.contains(&format!("${n}"))).count();
    connection.execute("SET enable_seqscan = off").await?;
    connection.execute("SET plan_cache_mode = force_generic_plan").await?;
    connection.execute(AssertSqlSafe(format!("PREPARE asked AS {sql}"))).await?;
    let nulls = vec!["NULL"; parameters].join(",");
    let arguments = if parameters == 0 { String::new() } else { format!("({nulls})") };
    let rows = connection.fetch_all(AssertSqlSafe(format!("EXPLAIN EXECUTE asked{arguments}"))).await?;
    connection.execute("DEALLOCATE asked").await?;
    let plan: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get("QUERY PLAN")).collect();
    Ok(plan?.into_iter().filter(|line| line.contains("Seq Scan")).map(|line| line.trim().to_owned()).collect())
}
