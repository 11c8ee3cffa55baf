//! What is not for everybody is not played by anybody else, and who loses a key stops sending.
#![allow(clippy::unwrap_used)]

use rivulet_store::Store;
use rivulet_store::playback::{Stage, TICKET_MS};
use rivulet_tests::*;
use std::process::Command;

/// Every address that a player fetches from this playlist on, by relative addresses only.
fn addresses(master: &str) -> Vec<String> {
    let folder = master.rsplit_once('/').unwrap().0;
    let text = get(master).text();
    let variant = text.lines().find(|line| !line.starts_with('#') && !line.is_empty()).unwrap();
    let variant = format!("{folder}/{variant}");
    let folder = variant.rsplit_once('/').unwrap().0;
    let list = media_playlist(&get(&variant).text());
    let segment = format!("{folder}/{}", list.segments[0].uri);
    vec![master.to_owned(), variant, segment]
}

fn status(url: &str) -> u16 {
    get(url).status
}

#[test]
fn hot_links() {
    let clip = clip(20);
    let mut server = Server::start(Options::default().flag("--cdn-secret", "of the network"));
    let (key, other_key) = (server.channel("ada"), server.channel("bob"));
    let ada = server.login("ada");
    ada.call("PUT", "/channels/ada/access", r#"{"kind": "private"}"#);
    server.login("bob").call("PUT", "/channels/bob/access", r#"{"kind": "private"}"#);
    let encoder = Encoder::repeat(&clip, &format!("{}/{key}", server.rtmp));
    let _other = Encoder::repeat(&clip, &format!("{}/{other_key}", server.rtmp));
    server.wait_state("ada", "live");
    server.wait_state("bob", "live");
    assert!(server.channel_state("ada").get("playback").is_none());

    let playback = ada.call("POST", "/channels/ada/playback", "{}");
    let path = playback["url"].as_str().unwrap().to_owned();
    let ticket = path.strip_prefix("/p/").unwrap().split('/').next().unwrap().to_owned();
    let signed = addresses(&format!("{}{path}", server.http));
    let plain = |url: &str| url.replace(&format!("/p/{ticket}"), "");
    for url in &signed {
        assert_eq!(status(url), 200, "{url}");
        assert_eq!(status(&plain(url)), 401, "without a signature");
        assert_eq!(status(&url.replace(&ticket, &ticket[..ticket.len() - 1])), 403, "truncated");
        assert_eq!(status(&url.replace(&ticket, "x")), 403);
        let kept = &get(url).headers["cache-control"];
        assert!(kept.starts_with("private"), "{kept}");
        let cdn = [("authorization", "Bearer of the network")];
        assert_eq!(get_with(&plain(url), &cdn).status, 200, "a CDN judges by itself");
        assert_eq!(get_with(&plain(url), &[("authorization", "Bearer guess")]).status, 401);
    }
    let bobs = server.login("bob").call("POST", "/channels/bob/playback", "{}")["url"].as_str().unwrap().to_owned();
    let bobs_ticket = bobs.strip_prefix("/p/").unwrap().split('/').next().unwrap().to_owned();
    for url in addresses(&format!("{}{bobs}", server.http)) {
        assert_eq!((status(&url), status(&url.replace(&bobs_ticket, &ticket))), (200, 403), "for another channel");
    }
    for spelling in ["ada", "ADA", "Ada", "%61da", "ada%20"] {
        for file in ["thumbnail.jpg", "manifest.mpd", "master.m3u8"] {
            assert_eq!(status(&format!("{}/live/{spelling}/{file}", server.http)), 401, "{spelling} {file}");
        }
    }

    // A real player that sends no header of its own.
    let played = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-t", "3", "-i", &signed[0], "-f", "null", "-"])
        .output()
        .unwrap();
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));

    // One that was signed an hour and more ago.
    let database = server.data.path().join("rivulet.db");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (playback_key, broadcast, revision) = runtime.block_on(async {
        let store = Store::open(&format!("sqlite:{}", database.display())).await.unwrap();
        let channel = store.channel_by_name("ada").await.unwrap().unwrap();
        let broadcast = store.history(&channel.id, None, 1).await.unwrap().remove(0);
        (store.playback_key().await.unwrap(), broadcast.id, channel.access_revision)
    });
    let stage = Stage { broadcast_id: &broadcast, access_revision: revision };
    let now_ms = playback["expires_at_ms"].as_i64().unwrap() - TICKET_MS;
    let old = playback_key.sign(stage, "ada", now_ms - 61_000);
    assert_eq!(status(&signed[1].replace(&ticket, &old)), 403, "expired");
    let fresh = playback_key.sign(stage, "ada", now_ms + 60_000);
    assert_eq!(status(&signed[1].replace(&ticket, &fresh)), 200, "another viewer's");

    // Taken back, then opened.
    ada.call("PUT", "/channels/ada/access", r#"{"kind": "private"}"#);
    assert_eq!(status(&signed[1]), 403, "signed before access was set anew");
    let again = ada.call("POST", "/channels/ada/playback", "{}")["url"].as_str().unwrap().to_owned();
    let segment = addresses(&format!("{}{again}", server.http)).pop().unwrap();
    assert_eq!(status(&segment), 200);

    // What is over stays protected, and the addresses of before are good in the next process.
    encoder.stop();
    server.wait_state("ada", "offline");
    server.stop();
    let path = segment.strip_prefix(&server.http).unwrap().to_owned();
    let server = Server::start(Options { data: Some(server.data.clone()), ..Options::default() });
    let unsigned = path.split_once("/live/").unwrap().1;
    assert_eq!((server.get(&path).status, server.get(&format!("/live/{unsigned}")).status), (200, 401));
}

#[test]
fn a_lost_key_ends_its_session() {
    let clip = clip(20);
    let server = Server::start(Options::default());
    server.channel("ada");
    let ada = server.login("ada");
    let key = ada.call("POST", "/channels/ada/keys", r#"{"name": "Studio"}"#);
    let id = key["id"].as_str().unwrap();
    let encoder = Encoder::repeat(&clip, &format!("{}/{}", server.rtmp, key["key"].as_str().unwrap()));
    let live = server.wait_state("ada", "live");
    let new = ada.call("POST", &format!("/channels/ada/keys/{id}/rotate"), "");
    assert!(!encoder.wait().success(), "it has to stop");
    server.wait_state("ada", "reconnecting");
    // The new key goes on with the same broadcast.
    let _encoder = Encoder::repeat(&clip, &format!("{}/{}", server.rtmp, new["key"].as_str().unwrap()));
    let back = server.wait_state("ada", "live");
    assert_eq!(back["started_at_ms"], live["started_at_ms"]);
    ada.call("DELETE", "/channels/ada", "");
    server.wait_log("broadcast ends");
}
