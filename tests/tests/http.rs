//! The HTTP front as clients find it: both versions in clear and with TLS, and what hangs is let go.
#![allow(clippy::unwrap_used)]

use rivulet_tests::*;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

/// What curl prints, the answer's head included.
fn curl(arguments: &[&str]) -> String {
    let output = Command::new("curl").args(["-sSi", "--max-time", "10"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_versions_in_clear_and_with_tls() {
    let (dir, options) = with_certificate();
    let server = Server::start(options);
    let ca = dir.path().join("cert.pem");
    let (ca, https) = (["--cacert", ca.to_str().unwrap()], server.https.clone().unwrap());
    for (flag, url, want) in [
        ("--http1.1", &server.http, "HTTP/1.1 200"),
        ("--http2-prior-knowledge", &server.http, "HTTP/2 200"),
        ("--http1.1", &https, "HTTP/1.1 200"),
        ("--http2", &https, "HTTP/2 200"),
    ] {
        for path in ["/healthz", "/api/v1/instance", "/"] {
            let answer = curl(&[&ca[..], &[flag, &format!("{url}{path}")]].concat());
            assert!(answer.starts_with(want), "{flag} {url}{path}: {answer}");
        }
    }

    // A browser's form: on HTTP/2 it has no Host header, and its cookie is for HTTPS alone.
    server.channel("ada");
    let login = format!("_call=POST+login&_next=/&username=ada&password:secret={}", PASSWORD.replace(' ', "+"));
    for (version, scheme, url, cookie) in [
        ("--http2", "https", &https, "__Host-rivulet=rvs_"),
        ("--http1.1", "https", &https, "__Host-rivulet=rvs_"),
        ("--http2-prior-knowledge", "http", &server.http, "rivulet=rvs_"),
    ] {
        let origin = format!("origin: {url}");
        let form = format!("{url}/login");
        let answer = curl(&[&ca[..], &[version, "-H", &origin, "-d", &login, &form]].concat());
        assert!(answer.lines().next().unwrap().contains(" 303"), "{version} {url}: {answer}");
        let line = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(line.starts_with(cookie), "{version} {url}: {line}");
        assert_eq!(line.contains("; Secure"), scheme == "https", "{version} {url}: {line}");
        let cookie = format!("cookie: {}", line.split(';').next().unwrap());
        let page = curl(&[&ca[..], &[version, "-H", &cookie, &format!("{url}/dashboard/ada")]].concat());
        assert!(page.contains("rtmps://"), "{version} {url}: {page}");
        let foreign = curl(&[&ca[..], &[version, "-H", "origin: https://evil.example", "-d", &login, &form]].concat());
        assert!(foreign.lines().next().unwrap().contains(" 403"), "{version} {url}: {foreign}");
    }
}

#[test]
fn a_connection_that_asks_nothing_is_closed() {
    let (_dir, options) = with_certificate();
    let server = Server::start(options);
    let http = server.http.trim_start_matches("http://");
    let https = server.https.as_ref().unwrap().replace("https://localhost", "127.0.0.1");
    let since = Instant::now();
    let waiting = [
        (http, &b""[..]),
        (http, b"GET / HTTP/1.1\r\nhost:"),
        (http, b"PRI * HT"),
        // All of HTTP/2's preface and settings, and no request.
        (http, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
        (&https, b""),
        (&https, b"\x16\x03\x01"),
    ];
    let waiting = waiting.map(|(address, bytes)| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(bytes).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (socket, bytes)
    });
    for (mut socket, bytes) in waiting {
        let open = |e: &std::io::Error| matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!socket.read_to_end(&mut Vec::new()).is_err_and(|e| open(&e)), "{bytes:?} is still waited for");
    }
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
    assert_eq!(server.get("/healthz").status, 200);
}
