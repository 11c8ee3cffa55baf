#![allow(clippy::unwrap_used)]
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), body_bytes: 1000 };

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Names that lead inside, each in its own way; all others are public.
fn names(name: &str) -> Vec<IpAddr> {
    match name {
        "localhost" | "localhost." | "localtest.me" | "xn--lclhst-7qa0a.example" => vec![ip("127.0.0.1")],
        "six.example" => vec![ip("::1")],
        "both.example" => vec![ip("93.184.216.34"), ip("10.0.0.5")],
        "metadata.internal" => vec![ip("169.254.169.254")],
        "mapped.example" => vec![ip("::ffff:10.0.0.1")],
        "nothing.example" => vec![],
        _ => vec![ip("93.184.216.34")],
    }
}

fn client(allowed: &[&str], resolver: Resolver) -> Client {
    let allowed: Vec<Block> = allowed.iter().map(|block| block.parse().unwrap()).collect();
    Client::new(&allowed, resolver)
}

#[tokio::test]
async fn spellings_of_addresses() {
    use Failure::{BadUrl, Credentials, Forbidden, LongUrl, NoSuchName, Plain};
    let client = client(&[], Resolver::fixed(names));
    for (url, want) in [
        ("https://example.org/hook", Ok(())),
        ("https://example.org:8443/hook?a=b#c", Ok(())),
        ("https://EXAMPLE.org./", Ok(())),
        ("https://93.184.216.34/", Ok(())),
        ("https://[2606:4700::1111]/", Ok(())),
        ("https://bücher.example/", Ok(())),
        ("https://xn--bcher-kva.example/", Ok(())),
        // Loopback in every spelling of an IPv4 address.
        ("https://127.0.0.1/", Err(Forbidden)),
        ("https://127.0.0.1./", Err(Forbidden)),
        ("https://127.1/", Err(Forbidden)),
        ("https://127.0.1/", Err(Forbidden)),
        ("https://2130706433/", Err(Forbidden)),
        ("https://0x7f000001/", Err(Forbidden)),
        ("https://0x7f.0.0.1/", Err(Forbidden)),
        ("https://0X7F.0x0.0x0.0x1/", Err(Forbidden)),
        ("https://017700000001/", Err(Forbidden)),
        ("https://0177.0.0.1/", Err(Forbidden)),
        ("https://0177.0.0.01/", Err(Forbidden)),
        ("https://127.0.0.1:443/", Err(Forbidden)),
        ("https:127.0.0.1/", Err(Forbidden)),
        ("https:/127.0.0.1/", Err(Forbidden)),
        ("https:\\\\127.0.0.1\\", Err(Forbidden)),
        ("https:////127.0.0.1/", Err(Forbidden)),
        (" https://127.0.0.1/", Err(Forbidden)),
        ("https://12\t7.0.0.1/", Err(Forbidden)),
        ("https://%31%32%37.0.0.1/", Err(Forbidden)),
        ("https://①②⑦.⓪.⓪.①/", Err(Forbidden)),
        ("https://１２７。０。０。１/", Err(Forbidden)),
        ("https://0/", Err(Forbidden)),
        ("https://0.0.0.0/", Err(Forbidden)),
        // Other networks that are not the internet.
        ("https://10.1.2.3/", Err(Forbidden)),
        ("https://172.16.0.1/", Err(Forbidden)),
        ("https://192.168.1.1/", Err(Forbidden)),
        ("https://100.64.0.1/", Err(Forbidden)),
        ("https://169.254.169.254/latest/meta-data/", Err(Forbidden)),
        ("https://2852039166/", Err(Forbidden)),
        ("https://192.0.2.1/", Err(Forbidden)),
        ("https://198.18.0.1/", Err(Forbidden)),
        ("https://224.0.0.1/", Err(Forbidden)),
        ("https://255.255.255.255/", Err(Forbidden)),
        // IPv6, and IPv4 inside of it.
        ("https://[::]/", Err(Forbidden)),
        ("https://[::1]/", Err(Forbidden)),
        ("https://[0:0:0:0:0:0:0:1]/", Err(Forbidden)),
        ("https://[0000::0001]:443/", Err(Forbidden)),
        ("https://[::127.0.0.1]/", Err(Forbidden)),
        ("https://[::ffff:127.0.0.1]/", Err(Forbidden)),
        ("https://[::ffff:7f00:1]/", Err(Forbidden)),
        ("https://[::ffff:8.8.8.8]/", Err(Forbidden)),
        ("https://[64:ff9b::7f00:1]/", Err(Forbidden)),
        ("https://[64:ff9b:1::a00:1]/", Err(Forbidden)),
        ("https://[2002:7f00:1::]/", Err(Forbidden)),
        ("https://[2001:0:4136:e378::]/", Err(Forbidden)),
        ("https://[fd12:3456::1]/", Err(Forbidden)),
        ("https://[fe80::1]/", Err(Forbidden)),
        ("https://[fe80::1%25eth0]/", Err(BadUrl)),
        ("https://[ff02::1]/", Err(Forbidden)),
        ("https://[2001:db8::1]/", Err(Forbidden)),
        // Names.
        ("https://localhost/", Err(Forbidden)),
        ("https://LOCALHOST./", Err(Forbidden)),
        ("https://ｌｏｃａｌｈｏｓｔ/", Err(Forbidden)),
        ("https://loc\u{ad}alhost/", Err(Forbidden)),
        ("https://localtest.me/", Err(Forbidden)),
        ("https://six.example/", Err(Forbidden)),
        ("https://both.example/", Err(Forbidden)),
        ("https://metadata.internal/", Err(Forbidden)),
        ("https://mapped.example/", Err(Forbidden)),
        ("https://nothing.example/", Err(NoSuchName)),
        // User names that look like hosts.
        ("https://example.org@127.0.0.1/", Err(Credentials)),
        ("https://user:pass@example.org/", Err(Credentials)),
        ("https://:pass@example.org/", Err(Credentials)),
        ("https://example.org%2f@127.0.0.1/", Err(Credentials)),
        ("https://example.org#@127.0.0.1/", Ok(())),
        ("https://example.org\\@127.0.0.1/", Ok(())),
        // What is no https at all.
        ("http://example.org/", Err(Plain)),
        ("http://127.0.0.1/", Err(Forbidden)),
        ("ftp://example.org/", Err(BadUrl)),
        ("file:///etc/passwd", Err(BadUrl)),
        ("gopher://127.0.0.1:6379/_", Err(BadUrl)),
        ("data:text/plain,hi", Err(BadUrl)),
        ("javascript:alert(1)", Err(BadUrl)),
        ("//example.org/", Err(BadUrl)),
        ("https://", Err(BadUrl)),
        ("https://256.256.256.256/", Err(BadUrl)),
        ("https://1.2.3.4.5/", Err(BadUrl)),
        ("https://exa mple.org/", Err(BadUrl)),
        ("https://example.org:99999/", Err(BadUrl)),
        ("", Err(BadUrl)),
        (&format!("https://example.org/{}", "a".repeat(MAX_URL_BYTES)), Err(LongUrl)),
    ] {
        assert_eq!(client.check(url).await.map(|_| ()), want, "{url:?}");
    }
}

#[tokio::test]
async fn an_admin_can_allow_addresses() {
    let client = client(&["10.0.0.0/8", "::1"], Resolver::fixed(names));
    for (url, want) in [
        ("https://10.9.9.9/", Ok(())),
        ("http://10.9.9.9/", Ok(())),
        ("http://[::1]:8080/", Ok(())),
        ("https://both.example/", Ok(())),
        ("http://both.example/", Err(Failure::Plain)),
        ("https://192.168.0.1/", Err(Failure::Forbidden)),
        ("https://[::ffff:10.0.0.1]/", Err(Failure::Forbidden)),
    ] {
        assert_eq!(client.check(url).await.map(|_| ()), want, "{url:?}");
    }
}

/// Answers one connection with `text` and gives what it was asked.
async fn peer(text: &'static str) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (port, task)
}

fn get(url: &str) -> Request<Bytes> {
    Request::get(url).body(Bytes::new()).unwrap()
}

/// Each look-up answers the next of these addresses.
fn rebinding(answers: &'static [&'static str], asked: Arc<AtomicUsize>) -> Resolver {
    Resolver::fixed(move |_| vec![ip(answers[asked.fetch_add(1, Ordering::SeqCst) % answers.len()])])
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_that_address_is_used() {
    let (port, task) = peer("HTTP/1.1 204 No Content\r\n\r\n").await;
    let asked = Arc::new(AtomicUsize::new(0));
    let client = client(&["127.0.0.1"], rebinding(&["127.0.0.1", "127.0.0.2"], asked.clone()));
    let answer = client.send(get(&format!("http://hook.example:{port}/a?b=c#d")), BOUNDS).await.unwrap();
    assert_eq!((answer.status, answer.whole), (StatusCode::NO_CONTENT, true));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let request = task.await.unwrap().to_lowercase();
    assert!(request.starts_with("get /a?b=c http/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: hook.example:{port}\r\n")), "{request}");
}

#[tokio::test]
async fn a_name_that_was_good_when_given_is_checked_again() {
    let client = client(&[], rebinding(&["93.184.216.34", "127.0.0.1"], Arc::default()));
    assert!(client.check("https://hook.example/").await.is_ok());
    assert_eq!(client.send(get("https://hook.example/"), BOUNDS).await.err(), Some(Failure::Forbidden));
}

#[tokio::test]
async fn redirects_are_answers() {
    let (port, _task) =
        peer("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n").await;
    let client = client(&["127.0.0.1"], Resolver::fixed(names));
    let answer = client.send(get(&format!("http://127.0.0.1:{port}/")), BOUNDS).await.unwrap();
    assert_eq!(answer.status, StatusCode::FOUND);
    assert_eq!(answer.headers["location"], "http://169.254.169.254/");
}

#[tokio::test]
async fn bytes_and_time_are_bounded() {
    let client = client(&["127.0.0.1"], Resolver::fixed(names));
    let send = |port: u16, bounds| client.send(get(&format!("http://127.0.0.1:{port}/")), bounds);

    let (port, _task) = peer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let answer = send(port, BOUNDS).await.unwrap();
    assert_eq!((&answer.body[..], answer.whole), (&b"hello"[..], true));

    let (port, _task) = peer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let answer = send(port, Bounds { body_bytes: 4, ..BOUNDS }).await.unwrap();
    assert_eq!((&answer.body[..], answer.whole), (&b"hell"[..], false));

    let (port, _task) = peer("SSH-2.0-OpenSSH\r\n").await;
    assert!(matches!(send(port, BOUNDS).await, Err(Failure::Protocol(_))));

    // Accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let soon = Bounds { time: Duration::from_millis(50), ..BOUNDS };
    assert_eq!(send(port, soon).await.err(), Some(Failure::Timeout));
    drop(silent);
    assert_eq!(send(port, BOUNDS).await.err(), Some(Failure::Connect(io::ErrorKind::ConnectionRefused)));
}
