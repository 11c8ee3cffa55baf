//! The blobs' suite, run on a folder, on an S3 server in this process, and on a real Garage.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rivulet_store::testing::{Garage, TempDir, free_port};
use rivulet_store::{BlobError, Blobs};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use std::path::Path;

const KEY_ID: &str = "AKIDTEST";
const SECRET: &str = "a-secret-that-nobody-sees";

fn env(name: &str) -> Option<String> {
    match name {
        "AWS_ACCESS_KEY_ID" => Some(KEY_ID.into()),
        "AWS_SECRET_ACCESS_KEY" => Some(SECRET.into()),
        _ => None,
    }
}

async fn s3(url: &str) -> Result<Blobs, BlobError> {
    Blobs::open_with(Some(url), Path::new("unused"), env).await
}

/// Serves the folders in `dir` as buckets; answers the endpoint.
async fn s3_server(dir: &Path) -> String {
    let mut service = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir).unwrap());
    service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
    let service = service.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let server = Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn disk() {
    let dir = TempDir::new();
    let blobs = Blobs::open(None, dir.path()).await.unwrap();
    blobs.put("a/b", Bytes::from_static(b"c"), "video/mp4").await.unwrap();
    assert_eq!(blobs.get("a").await.unwrap(), None, "a folder is no object");
    assert_eq!(blobs.get("a/b/c").await.unwrap(), None, "nor is what is below one");
    blobs.delete(&["a/b".to_owned()]).await.unwrap();
    suite(blobs).await;
    let left: Vec<_> = std::fs::read_dir(dir.path().join("blobs")).unwrap().collect();
    assert!(left.is_empty(), "folders go with their last object: {left:?}");
}

#[tokio::test]
async fn s3_in_process() {
    let dir = TempDir::new();
    std::fs::create_dir(dir.path().join("bucket")).unwrap();
    let endpoint = s3_server(dir.path()).await;
    suite(s3(&format!("s3://bucket/?endpoint={endpoint}")).await.unwrap()).await;
    suite(s3(&format!("s3://bucket/some/prefix?endpoint={endpoint}")).await.unwrap()).await;

    let url = format!("s3://bucket?endpoint=http://127.0.0.1:{}", free_port());
    let text = s3(&url).await.unwrap().check().await.unwrap_err().to_string();
    assert!(text.contains("cannot be reached: ") && text.contains("`endpoint`"), "{text}");
    let wrong = |name: &str| env(name).map(|value| value.replace("secret", "guess"));
    let blobs = Blobs::open_with(Some(&format!("s3://bucket?endpoint={endpoint}")), dir.path(), wrong).await.unwrap();
    let text = blobs.check().await.unwrap_err().to_string();
    assert!(text.contains("refuses the credentials") && text.contains("AWS_SECRET_ACCESS_KEY"), "{text}");
}

#[tokio::test]
async fn s3_garage() {
    let garage = Garage::start().await;
    let open = |prefix: &'static str| {
        let url = garage.url(prefix);
        let garage = &garage;
        async move { Blobs::open_with(Some(&url), Path::new("unused"), |name| garage.env(name)).await.unwrap() }
    };
    suite(open("").await).await;
    suite(open("live/one").await).await;

    let url = garage.url("").replace(Garage::BUCKET, "another");
    let blobs = Blobs::open_with(Some(&url), Path::new("unused"), |name| garage.env(name)).await.unwrap();
    let text = blobs.check().await.unwrap_err().to_string();
    assert!(text.contains("there is no such bucket; create it"), "{text}");
}

async fn suite(blobs: Blobs) {
    blobs.check().await.unwrap();
    let key = "b/01jx0000000000000000000000/720p/1.m4s";
    assert_eq!(blobs.get(key).await.unwrap(), None);
    let body = Bytes::from((0..3_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>());
    blobs.put(key, body.clone(), "video/mp4").await.unwrap();
    assert_eq!(blobs.get(key).await.unwrap().as_ref(), Some(&body));
    blobs.put(key, Bytes::from_static(b"again"), "video/mp4").await.unwrap();
    assert_eq!(blobs.get(key).await.unwrap().unwrap(), "again");
    blobs.put("empty", Bytes::new(), "video/mp4").await.unwrap();
    assert_eq!(blobs.get("empty").await.unwrap().unwrap(), "");

    let outside = "../outside";
    assert!(matches!(blobs.put(outside, Bytes::new(), "video/mp4").await, Err(BlobError::Key(_))));
    assert!(matches!(blobs.get(outside).await, Err(BlobError::Key(_))));
    let both = [key.to_owned(), outside.to_owned()];
    assert!(matches!(blobs.delete(&both).await, Err(BlobError::Key(_))));
    assert!(blobs.get(key).await.unwrap().is_some(), "one bad key, and nothing is deleted");

    let keys = [key.to_owned(), "empty".to_owned(), "never/was".to_owned()];
    blobs.delete(&keys).await.unwrap();
    blobs.delete(&keys).await.unwrap();
    blobs.delete(&[]).await.unwrap();
    assert_eq!(blobs.get(key).await.unwrap(), None);
}

#[tokio::test]
async fn readers_see_the_old_or_the_new_object_whole() {
    let dir = TempDir::new();
    let blobs = Blobs::open(None, dir.path()).await.unwrap();
    let body = |n: u8| Bytes::from(vec![n; 200_000]);
    blobs.put("a/b", body(0), "video/mp4").await.unwrap();
    let writer = blobs.clone();
    let writing = tokio::spawn(async move {
        for n in 1..20 {
            writer.put("a/b", body(n), "video/mp4").await.unwrap();
        }
    });
    while !writing.is_finished() {
        let read = blobs.get("a/b").await.unwrap().unwrap();
        assert!(read.len() == 200_000 && read.iter().all(|b| *b == read[0]));
    }
    writing.await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("blobs/a")).unwrap().count(), 1, "no temporary file is left");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    for (url, wanted) in [
        ("nonsense", "is not a URL"),
        ("http://host/bucket", "write s3://BUCKET/PREFIX"),
        ("s3:///prefix", "write s3://BUCKET/PREFIX"),
        ("s3://key:hunter2@bucket", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket?endpoint=localhost", "`endpoint`"),
        ("s3://bucket?path_style=yes", "`path_style`"),
        ("s3://bucket?regoin=x", "unknown option `regoin`"),
        ("s3://bucket/a%20b", "prefix"),
    ] {
        let text = s3(url).await.unwrap_err().to_string();
        assert!(text.contains(wanted) && !text.contains("hunter2"), "{url}: {text}");
    }
    let text = Blobs::open_with(Some("s3://bucket"), Path::new("x"), |_| None).await.unwrap_err().to_string();
    assert!(text.contains("set AWS_ACCESS_KEY_ID"), "{text}");
    let shown = format!("{:?}", s3("s3://bucket?endpoint=http://127.0.0.1:1").await.unwrap());
    assert_eq!(shown, "Blobs(S3 bucket bucket at http://127.0.0.1:1)");

    let dir = TempDir::new();
    std::fs::write(dir.path().join("blobs"), "a file").unwrap();
    let text = Blobs::open(None, dir.path()).await.unwrap_err().to_string();
    assert!(text.contains("blobs") && text.contains("--data"), "{text}");
}
