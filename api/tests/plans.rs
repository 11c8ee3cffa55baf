//! A large instance: every query of the pages that list things goes by an index, and none of these
//! pages needs many. What is asked is what the handlers ask: the statements are taken from sqlx's
//! own log while they run.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod site;

use rivulet_protocol::rest::Role;
use rivulet_store::Store;
use rivulet_store::testing::{full_scans, seed};
use site::Site;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const USERS: u32 = 100_000;
const CHANNELS: u32 = 20_000;
const MAX_QUERIES: usize = 50;
/// A few rows each, made by hand: reading all of them is what is wanted.
const SMALL: [&str; 3] = ["categories", "announcements", "instance"];

#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Text {
            summary: String,
            whole: String,
        }
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
            fn record_str(&mut self, field: &Field, value: &str) {
                match field.name() {
                    "summary" => self.summary = value.to_owned(),
                    "db.statement" => self.whole = value.trim().to_owned(),
                    _ => {}
                }
            }
        }
        if event.metadata().target() == "sqlx::query" {
            let mut text = Text { summary: String::new(), whole: String::new() };
            event.record(&mut text);
            let sql = if text.whole.is_empty() { text.summary } else { text.whole };
            self.0.lock().unwrap().push(sql);
        }
    }
}

async fn lists_go_by_an_index(store: Store) {
    let statements = Statements::default();
    // For all threads: SQLite has one of its own. Each test is a process.
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone())).unwrap();
    seed(&store, USERS, CHANNELS).await.unwrap();
    let site = Site::new(store);
    let admin = site.user("root_", Role::Admin).await;
    site.on_air("channel7").await;
    site.on_air("channel8").await;
    let mut asked = BTreeSet::new();
    let mut lists = 0;
    for path in site.list_paths().await {
        statements.take();
        let answer = admin.get(&path).await;
        assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.body);
        let queries = statements.take();
        assert!(queries.len() <= MAX_QUERIES, "{path} asked {} times", queries.len());
        asked.extend(queries);
        lists += 1;
    }
    assert!(lists > 15, "{lists}");
    assert!(asked.len() > 20, "the statements are seen: {asked:#?}");
    let mut scans = vec![];
    for sql in asked.iter().filter(|sql| sql.starts_with("SELECT")) {
        for scan in full_scans(&site.store, sql).await.unwrap() {
            if !SMALL.iter().any(|table| scan.split_whitespace().any(|word| word == *table)) {
                scans.push(format!("{scan}\n    {sql}"));
            }
        }
    }
    assert!(scans.is_empty(), "whole tables are read:\n{}", scans.join("\n"));
}

#[tokio::test]
async fn sqlite() {
    let dir = rivulet_store::testing::TempDir::new();
    let url = format!("sqlite:{}", dir.path().join("rivulet.db").display());
    lists_go_by_an_index(Store::open(&url).await.unwrap()).await;
}

#[tokio::test]
async fn postgres() {
    let server = rivulet_store::testing::Postgres::start().await;
    lists_go_by_an_index(Store::open(&server.database().await).await.unwrap()).await;
}
