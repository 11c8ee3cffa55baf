//! A broadcast with everything around it, with secrets that can be recognised, and then a look at all
//! that is left of it: no secret may be where somebody could read it, in whichever spelling.
#![allow(clippy::unwrap_used)]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rivulet_store::Blobs;
use rivulet_store::testing::{Garage, Postgres, Redis};
use rivulet_tests::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::{self, Message};

const WRONG_KEY: &str = "rvk_canarycanarycanarycanarycanary00";
const WRONG_PASSWORD: &str = "wrong canary, not in the mine";
const PLAYBACK_PASSWORD: &str = "canary at the box office";
const WRONG_PLAYBACK_PASSWORD: &str = "canary without a seat";
const CDN_SECRET: &str = "canary of the delivery network";
const DATABASE_PASSWORD: &str = "canary-in-the-database";

/// What the server itself has to use as text and therefore keeps: nowhere but in these columns.
const KEPT: [(&str, &str, &str); 2] =
    [("TOTP secret", "users", "totp_secret"), ("webhook secret", "webhooks", "secret")];

/// The secret as it could have been written down.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = |space: &str| secret.replace(',', "%2C").replace(' ', space);
    let mut spellings = vec![secret.to_owned(), hex.to_uppercase(), hex, percent.to_lowercase(), percent];
    spellings.extend([form("%20"), form("+"), secret.chars().rev().collect()]);
    // In base64 it may begin at each of three places; its ends depend on what is around it.
    for before in 0..3 {
        let padded = [&vec![0; before], secret.as_bytes()].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            let end = if padded.len() % 3 == 0 { text.len() } else { text.len() - 2 };
            spellings.push(text[[0, 2, 3][before]..end].to_owned());
        }
    }
    spellings.sort();
    spellings.dedup();
    spellings.into_iter().map(String::into_bytes).collect()
}

/// Secrets by what they are.
#[derive(Default)]
struct Canaries(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Canaries {
    fn plant(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 12, "{what} is too short to be recognised");
        self.0.insert(what, spellings(secret));
    }

    /// Which of them are in there.
    fn sing(&self, place: &[u8]) -> Vec<&'static str> {
        let is_in =
            |spelling: &Vec<u8>| place.windows(spelling.len()).any(|part| part[0] == spelling[0] && part == spelling);
        self.0.iter().filter(|(_, spellings)| spellings.iter().any(is_in)).map(|(what, _)| *what).collect()
    }
}

#[test]
fn a_canary_is_recognised_in_every_spelling() {
    let mut canaries = Canaries::default();
    canaries.plant("password", WRONG_PASSWORD);
    for text in [
        format!("a{WRONG_PASSWORD}b"),
        "wrong+canary%2C+not+in+the+mine".into(),
        "wrong%20canary%2C%20not%20in%20the%20mine".into(),
        STANDARD_NO_PAD.encode(WRONG_PASSWORD),
        STANDARD_NO_PAD.encode(format!("ada:{WRONG_PASSWORD}")),
        URL_SAFE_NO_PAD.encode(format!("{{\"password\":\"{WRONG_PASSWORD}\"}}")),
        "77726f6e672063616e6172792c206e6f7420696e20746865206d696e65".into(),
    ] {
        assert_eq!(canaries.sing(text.as_bytes()), ["password"], "{text}");
    }
    assert!(canaries.sing(b"wrong canary, not in the mill").is_empty());
}

/// A server for webhooks; answers its address and what it hears.
fn other_server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (told, heard) = channel();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut bytes = [0; 4096];
            let read = socket.read(&mut bytes).unwrap_or(0);
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
            if told.send(String::from_utf8_lossy(&bytes[..read]).into_owned()).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

/// The code of an authenticator that knows the secret.
fn code(secret: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).to_string()
}

/// Where a server keeps what it keeps.
enum Storage {
    /// In its data folder.
    Embedded,
    Distributed(Box<Servers>),
}

struct Servers {
    runtime: Runtime,
    database: String,
    garage: Garage,
    /// They end with this.
    _postgres: Postgres,
    _redis: Redis,
}

impl Storage {
    /// With secrets of their own.
    fn distributed() -> (Self, Options) {
        let runtime = Runtime::new().unwrap();
        let (postgres, garage) = runtime.block_on(async { (Postgres::start().await, Garage::start().await) });
        let redis = runtime.block_on(Redis::start());
        let mut database = url::Url::parse(&runtime.block_on(postgres.database())).unwrap();
        // Which this database does not ask for.
        database.set_password(Some(DATABASE_PASSWORD)).unwrap();
        let mut options = Options::default()
            .flag("--database-url", database.as_str())
            .flag("--blobs", &garage.url("canary"))
            .flag("--redis-url", &redis.url());
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            options.env.insert(name.into(), garage.env(name).unwrap());
        }
        let database = database.into();
        let servers = Servers { runtime, database, garage, _postgres: postgres, _redis: redis };
        (Self::Distributed(servers.into()), options)
    }

    /// Every value of every row: table, column, text.
    fn rows(&self, data: &Path) -> Vec<(String, String, String)> {
        match self {
            Self::Embedded => rows(&data.join("rivulet.db")),
            Self::Distributed(servers) => postgres_rows(&servers.database),
        }
    }

    /// What was recorded, with its name.
    fn objects(&self, data: &Path, rows: &[(String, String, String)]) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Embedded => {
                let mut found = Vec::new();
                files(&data.join("blobs"), &mut found);
                found
            }
            Self::Distributed(servers) => servers.runtime.block_on(async {
                let env = |name: &str| servers.garage.env(name);
                let blobs = Blobs::open_with(Some(&servers.garage.url("canary")), data, env).await.unwrap();
                let mut found = Vec::new();
                for (_, _, key) in
                    rows.iter().filter(|(table, column, _)| table == "segments" && column == "object_key")
                {
                    found.push((key.clone(), blobs.get(key).await.unwrap().unwrap().to_vec()));
                }
                found
            }),
        }
    }
}

fn postgres_rows(database: &str) -> Vec<(String, String, String)> {
    let ask = |sql: &str| {
        let output = Command::new("psql").args([database, "-XAtq", "-c", sql]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let tables = ask("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
    let mut rows = Vec::new();
    for table in tables.lines() {
        for line in ask(&format!("SELECT row_to_json(t) FROM \"{table}\" t")).lines() {
            let row: BTreeMap<String, Value> = serde_json::from_str(line).unwrap();
            rows.extend(row.into_iter().map(|(column, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (table.to_owned(), column, text)
            }));
        }
    }
    rows
}

/// Every value of every row: table, column, text.
fn rows(database: &Path) -> Vec<(String, String, String)> {
    const DUMP: &str = "
import json, sqlite3, sys
db = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)
db.text_factory = lambda data: data.decode('utf-8', 'replace')
plain = lambda value: value.hex() + value.decode('latin-1') if isinstance(value, bytes) else str(value)
for (table,) in db.execute(\"SELECT name FROM sqlite_master WHERE type = 'table'\").fetchall():
    rows = db.execute(f'SELECT * FROM \"{table}\"')
    for row in rows:
        for column, value in zip(rows.description, row):
            print(json.dumps([table, column[0], plain(value)]))
";
    let output = Command::new("python3").args(["-c", DUMP]).arg(database).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every file in a folder, with its path.
fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path(), found),
            false => found.push((entry.path().display().to_string(), std::fs::read(entry.path()).unwrap())),
        }
    }
}

#[test]
fn no_secret_is_left_where_it_can_be_read() {
    leaves_no_secret(&Storage::Embedded, Options::default());
}

#[test]
fn no_secret_is_left_in_postgres_redis_or_s3() {
    let (storage, options) = Storage::distributed();
    leaves_no_secret(&storage, options);
}

fn leaves_no_secret(storage: &Storage, mut options: Options) {
    options.env.insert("RIVULET_LOG".into(), "debug".into());
    let mut server = Server::start(options.flag("--outbound-allow", "127.0.0.1").flag("--cdn-secret", CDN_SECRET));
    let mut canaries = Canaries::default();
    if let Storage::Distributed(servers) = storage {
        canaries.plant("secret key of S3", &servers.garage.secret_key);
        canaries.plant("password of the database", DATABASE_PASSWORD);
    }
    let clip = clip(8);
    for (what, secret) in [
        ("password", PASSWORD),
        ("wrong password", WRONG_PASSWORD),
        ("wrong stream key", WRONG_KEY),
        ("playback password", PLAYBACK_PASSWORD),
        ("wrong playback password", WRONG_PLAYBACK_PASSWORD),
        ("secret of the CDN", CDN_SECRET),
    ] {
        canaries.plant(what, secret);
    }

    // Somebody with a password, a second factor and a token.
    let key = server.channel("ada");
    canaries.plant("stream key", &key);
    let guest = server.guest();
    let wrong = json!({"username": "ada", "password": WRONG_PASSWORD}).to_string();
    assert_eq!(guest.send("POST", "/login", &wrong).status, 401);
    let ada = server.login("ada");
    canaries.plant("session", ada.cookie().split_once('=').unwrap().1);
    let token =
        text(&ada.call("POST", "/me/tokens", r#"{"name": "bot", "scopes": ["user:read", "chat:read"]}"#), "token");
    canaries.plant("API token", &token);
    let bearer = format!("Bearer {token}");
    let me = format!("{}/api/v1/me", server.http);
    assert_eq!(get_with(&me, &[("authorization", &bearer)]).status, 200);
    assert_eq!(get_with(&me, &[("authorization", &format!("Bearer {WRONG_KEY}"))]).status, 401);
    let totp = text(&ada.call("POST", "/me/totp", "{}"), "secret");
    canaries.plant("TOTP secret", &totp);
    let codes = ada.call("PUT", "/me/totp", &json!({"code": code(&totp)}).to_string());
    canaries.plant("recovery code", codes["codes"][0].as_str().unwrap());

    // A broadcast behind a password, published with the key after several tries without.
    let (hook, heard) = other_server();
    let webhook = json!({"url": hook, "events": ["stream.online", "stream.offline"]}).to_string();
    canaries.plant("webhook secret", &text(&ada.call("POST", "/channels/ada/webhooks", &webhook), "secret"));
    ada.call("PUT", "/channels/ada/access", &json!({"kind": "password", "password": PLAYBACK_PASSWORD}).to_string());
    for url in [
        format!("{}/{WRONG_KEY}", server.rtmp),
        format!("{}/{key}/x", server.rtmp),
        format!("{}/{key}/x", server.rtmp.replace("/live", "/live/")),
        format!("{}/{key}", server.rtmp.replace("/live", "/other")),
        format!("{}?{key}", server.rtmp.replace("/live", &format!("/{key}/live"))),
    ] {
        assert!(!Encoder::copy(&clip, &url).wait().success(), "{url}");
    }
    let encoder = Encoder::repeat(&clip, &format!("{}/{key}?bandwidthtest=1", server.rtmp));
    server.wait_state("ada", "live");
    assert!(heard.recv_timeout(Duration::from_secs(20)).unwrap().contains("stream.online"));
    let play =
        |password: &str| guest.send("POST", "/channels/ada/playback", &json!({"password": password}).to_string());
    assert!(play(WRONG_PLAYBACK_PASSWORD).status >= 400);
    let playback: Value = serde_json::from_slice(&play(PLAYBACK_PASSWORD).body).unwrap();
    let master = format!("{}{}", server.http, text(&playback, "url"));
    let cdn = format!("Bearer {CDN_SECRET}");
    let plain = format!("{}/live/ada/master.m3u8", server.http);
    assert_eq!(get_with(&plain, &[("authorization", &cdn)]).status, 200);
    assert_eq!(get_with(&plain, &[("authorization", &format!("Bearer {WRONG_KEY}"))]).status, 401);

    // Chat, with the token and with a wrong one, over WebSocket and HTTP.
    let chat = format!("{}/chat/ada", server.http.replacen("http", "ws", 1));
    for token in [&token, WRONG_KEY] {
        let (mut socket, _) = tungstenite::connect(&chat).unwrap();
        socket.send(Message::text(json!({"op": "hello", "v": 1, "token": token}).to_string())).unwrap();
        let _ = socket.read();
    }
    ada.call("POST", "/channels/ada/chat/messages", r#"{"text": "hello"}"#);
    // Over IRC, too.
    let irc = server.log().iter().find_map(|line| Some(line.split("listening name=irc addr=").nth(1)?.to_owned()));
    for token in [&token, WRONG_KEY] {
        let mut socket = TcpStream::connect(irc.as_deref().unwrap().trim()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // At once: who comes with a wrong token is not heard to the end.
        let lines = format!("PASS oauth:{token}\r\nNICK ada\r\nJOIN #ada\r\nPING {token}\r\n");
        socket.write_all(lines.as_bytes()).unwrap();
        let mut answer = [0; 1_024];
        assert!(socket.read(&mut answer).unwrap() > 0, "IRC answers");
    }

    // What anybody gets to see, and what the owner, who is an admin too, gets to see.
    let mut places: Vec<(String, Vec<u8>)> = Vec::new();
    let mut look = |url: String, cookie: &str| {
        let answer = get_with(&url, &[("cookie", cookie)]);
        let headers = format!("{:?}", answer.headers);
        places.push((format!("{url} as {:?}", if cookie.is_empty() { "guest" } else { "ada" }), answer.body.clone()));
        places.push((format!("headers of {url}"), headers.into_bytes()));
        answer
    };
    let listing = look(master.clone(), "").text();
    let folder = master.rsplit_once('/').unwrap().0;
    for line in listing.lines().filter(|line| line.ends_with(".m3u8")) {
        look(format!("{folder}/{line}"), "");
    }
    look(master.replace("master.m3u8", "manifest.mpd"), "");
    let pages = [
        "/",
        "/ada",
        "/embed/ada",
        "/ada/feed.xml",
        "/metrics",
        "/healthz",
        "/readyz",
        "/login",
        "/settings",
        "/settings/security",
        "/settings/tokens",
        "/settings/data",
        "/popout/ada/chat",
        "/dashboard/ada",
        "/dashboard/ada/keys",
        "/dashboard/ada/access",
        "/dashboard/ada/webhooks",
        "/dashboard/ada/people",
        "/dashboard/ada/broadcasts",
        "/dashboard/ada/moderation",
        "/admin",
        "/admin/users",
        "/admin/users/ada",
        "/admin/channels",
        "/admin/audit",
        "/admin/settings",
        "/admin/reports",
    ];
    let document: Value = serde_json::from_slice(&server.get("/api/openapi.json").body).unwrap();
    let calls = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(path, methods)| methods.get("get").is_some() && !path.ends_with("/events"));
    let calls = calls.map(|(path, _)| path.replace("{name}", "ada").replace("{username}", "ada"));
    let paths: Vec<String> = pages.into_iter().map(String::from).chain(calls).collect();
    assert!(paths.len() > 80, "{paths:?}");
    let mut answered = 0;
    for path in paths {
        for cookie in ["", ada.cookie()] {
            answered += usize::from(look(format!("{}{path}", server.http), cookie).status == 200);
        }
    }
    assert!(answered > 80, "only {answered} answers");

    encoder.stop();
    server.wait_state("ada", "offline");
    assert!(heard.recv_timeout(Duration::from_secs(20)).unwrap().contains("stream.offline"));
    server.stop();
    let log = server.log();
    assert!(log.iter().any(|line| line.contains("DEBUG")), "the log is not detailed");
    places.push(("the log".into(), log.join("\n").into_bytes()));

    let rows = storage.rows(server.data.path());
    let objects = storage.objects(server.data.path(), &rows);
    assert!(objects.len() > 5, "nothing was recorded");
    for (name, bytes) in objects {
        places.push(("the name of an object".into(), name.clone().into_bytes()));
        places.push((name, bytes));
    }
    let mut on_disk = Vec::new();
    files(server.data.path(), &mut on_disk);
    for (path, bytes) in on_disk {
        places.push(("the name of a file".into(), path.clone().into_bytes()));
        // The file's bytes cannot tell a column from another; the rows can.
        if !path.contains("rivulet.db") {
            places.push((path, bytes));
        } else {
            let found = canaries.sing(&bytes);
            let unkept = found.iter().filter(|what| !KEPT.iter().any(|(kept, ..)| kept == *what));
            assert_eq!(unkept.collect::<Vec<_>>(), Vec::<&&str>::new(), "in {path}");
        }
    }
    let mut kept = Vec::new();
    for (table, column, value) in rows {
        for what in canaries.sing(value.as_bytes()) {
            kept.push((what, table.clone(), column.clone()));
        }
    }
    kept.sort();
    assert_eq!(kept, KEPT.map(|(what, table, column)| (what, table.to_owned(), column.to_owned())));

    let leaks = places
        .iter()
        .flat_map(|(place, bytes)| canaries.sing(bytes).into_iter().map(move |what| format!("{what} in {place}")));
    let leaks: Vec<_> = leaks.collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
