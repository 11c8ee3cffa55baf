//! A line between the server and something it needs, on which things go wrong as they do in life.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Connections stay, and nothing comes through: a cable that is out, a server that hangs.
    Hole,
    /// Connections are closed at once.
    Refuse,
    /// Every answer comes this late.
    Slow(Duration),
    /// Of all answers, every other one is lost with its connection.
    Deaf,
    /// A connection is closed once this many bytes were sent on it.
    Cut(usize),
}

pub struct Proxy {
    pub address: SocketAddr,
    fault: Arc<Mutex<Fault>>,
}

#[derive(Clone)]
struct Line {
    fault: Arc<Mutex<Fault>>,
    answers: Arc<AtomicUsize>,
}

impl Proxy {
    pub fn new(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let fault = Arc::new(Mutex::new(Fault::None));
        let line = Line { fault: fault.clone(), answers: Arc::default() };
        let target = target.to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&target) else { continue };
                for (from, to, answers) in [(&client, &server, false), (&server, &client, true)] {
                    let (from, to, line) = (from.try_clone().unwrap(), to.try_clone().unwrap(), line.clone());
                    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
                    std::thread::spawn(move || line.carry(from, to, answers));
                }
            }
        });
        Self { address, fault }
    }

    pub fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

impl Line {
    fn fault(&self) -> Fault {
        *self.fault.lock().unwrap()
    }

    /// One direction of one connection.
    fn carry(&self, mut from: TcpStream, mut to: TcpStream, answers: bool) {
        let mut buffer = vec![0; 16 * 1024];
        let mut sent = 0;
        loop {
            match self.fault() {
                Fault::Hole => {
                    std::thread::sleep(Duration::from_millis(20));
                    continue;
                }
                Fault::Refuse => break,
                _ => {}
            }
            let count = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
                Err(_) => break,
            };
            match self.fault() {
                Fault::Slow(late) if answers => std::thread::sleep(late),
                Fault::Deaf if answers && self.answers.fetch_add(1, Relaxed) % 2 == 1 => break,
                Fault::Cut(bytes) if !answers => {
                    sent += count;
                    if sent > bytes {
                        break;
                    }
                }
                _ => sent = 0,
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}
