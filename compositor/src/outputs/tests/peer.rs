//! The server's side of RTMP as a test wants it: it says no, stops reading, hangs up; and it tells
//! what has come.

use rml_rtmp::handshake::{Handshake, HandshakeProcessResult, PeerType};
use rml_rtmp::sessions::{ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    pub connection: usize,
    /// What `packet` has put into it.
    pub number: u64,
    pub key: bool,
    pub ms: u32,
}

#[derive(Debug, Clone, Default)]
pub struct Record {
    pub connections: usize,
    pub finished: usize,
    pub pictures: Vec<Picture>,
    pub sound: usize,
}

pub struct Peer {
    pub url: String,
    record: watch::Receiver<Record>,
    reads: watch::Sender<bool>,
    cut: Arc<Notify>,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone)]
struct Server {
    refuse: Option<&'static str>,
    record: Arc<watch::Sender<Record>>,
    reads: watch::Receiver<bool>,
    cut: Arc<Notify>,
}

impl Peer {
    /// `refuse`: the code with which it says no to every stream.
    pub fn start(refuse: Option<&'static str>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // A peer that does not read should be noticed early.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(16).unwrap();
        let url = format!("rtmp://{}/live", listener.local_addr().unwrap());
        let (record, records) = watch::channel(Record::default());
        let (reads, reading) = watch::channel(true);
        let cut = Arc::<Notify>::default();
        let server = Server { refuse, record: Arc::new(record), reads: reading, cut: cut.clone() };
        let task = AbortOnDropHandle::new(tokio::spawn(server.run(listener)));
        Self { url, record: records, reads, cut, _task: task }
    }

    pub fn read(&self, on: bool) {
        self.reads.send_replace(on);
    }

    /// Hangs up.
    pub fn cut(&self) {
        self.cut.notify_waiters();
    }

    pub fn record(&self) -> Record {
        self.record.borrow().clone()
    }

    pub async fn until(&self, such: impl FnMut(&Record) -> bool) {
        let mut record = self.record.clone();
        let waited = tokio::time::timeout(std::time::Duration::from_secs(30), record.wait_for(such)).await;
        assert!(waited.is_ok(), "{:?}", self.record());
    }
}

impl Server {
    async fn run(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.record.send_modify(|record| record.connections += 1);
            let connection = self.record.borrow().connections;
            let server = self.clone();
            let serving = async move {
                let cut = server.cut.clone();
                tokio::select! {
                    _ = server.serve(stream, connection) => {}
                    () = cut.notified() => {}
                }
            };
            tokio::spawn(serving);
        }
    }

    async fn serve(mut self, mut stream: TcpStream, connection: usize) -> std::io::Result<()> {
        let mut handshake = Handshake::new(PeerType::Server);
        stream.write_all(&handshake.generate_outbound_p0_and_p1().unwrap()).await?;
        let mut buffer = vec![0; 16 * 1024];
        let mut heard = loop {
            let read = stream.read(&mut buffer).await?;
            match handshake.process_bytes(&buffer[..read]).unwrap() {
                HandshakeProcessResult::InProgress { response_bytes } => stream.write_all(&response_bytes).await?,
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    stream.write_all(&response_bytes).await?;
                    break remaining_bytes;
                }
            }
        };
        let (mut session, mut results) = ServerSession::new(ServerSessionConfig::new()).unwrap();
        loop {
            results.extend(session.handle_input(&heard).unwrap());
            while !results.is_empty() {
                match results.remove(0) {
                    ServerSessionResult::OutboundResponse(packet) => stream.write_all(&packet.bytes).await?,
                    ServerSessionResult::RaisedEvent(event) => {
                        results.extend(self.on(event, &mut session, connection));
                    }
                    ServerSessionResult::UnhandleableMessageReceived(_) => {}
                }
            }
            let _ = self.reads.wait_for(|reads| *reads).await;
            let read = stream.read(&mut buffer).await?;
            if read == 0 {
                return Ok(());
            }
            heard = buffer[..read].to_vec();
        }
    }

    fn on(
        &self,
        event: ServerSessionEvent,
        session: &mut ServerSession,
        connection: usize,
    ) -> Vec<ServerSessionResult> {
        match (event, self.refuse) {
            (ServerSessionEvent::PublishStreamRequested { request_id, .. }, Some(code)) => {
                return session.reject_request(request_id, code, "go away").unwrap();
            }
            (
                ServerSessionEvent::ConnectionRequested { request_id, .. }
                | ServerSessionEvent::ReleaseStreamRequested { request_id, .. }
                | ServerSessionEvent::PublishStreamRequested { request_id, .. },
                _,
            ) => return session.accept_request(request_id).unwrap(),
            (ServerSessionEvent::PublishStreamFinished { .. }, _) => {
                self.record.send_modify(|record| record.finished += 1);
            }
            (ServerSessionEvent::VideoDataReceived { data, timestamp, .. }, _) if data[1] == 1 => {
                let number = u64::from_be_bytes(data[5..13].try_into().unwrap());
                let picture = Picture { connection, number, key: data[0] >> 4 == 1, ms: timestamp.value };
                self.record.send_modify(|record| record.pictures.push(picture));
            }
            (ServerSessionEvent::AudioDataReceived { data, .. }, _) if data[1] == 1 => {
                self.record.send_modify(|record| record.sound += 1);
            }
            _ => {}
        }
        Vec::new()
    }
}
