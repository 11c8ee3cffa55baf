//! One IRC client: who it is, which channels it is in, and what it says there.

use super::line::Line;
use super::web::{self, Web};
use super::{HOST, Place, notice, notices, room_state, user_state};
use crate::Config;
use crate::clock;
use crate::commands;
use crate::conn::Conn;
use crate::frames::{self, Encoding};
use crate::node::{Node, Presence};
use crate::places::{Place as Seat, Places};
use crate::socket::Socket;
use rivulet_protocol::ChannelName;
use rivulet_protocol::address::Network;
use rivulet_protocol::chat::{Author, Refusal, RefusalCode, Say, close};
use rivulet_protocol::rest::{AccessKind, Scope};
use rivulet_store::{AccessToken, Bearer};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// From the connection to its `NICK`.
const LOG_IN_WITHIN: Duration = Duration::from_secs(10);
/// Longest line, tags included.
const MAX_LINE: usize = 8192 + 512;
const MAX_CHANNELS: usize = 100;
/// Joins within the window.
const JOINS: usize = 20;
const JOIN_WINDOW: Duration = Duration::from_secs(10);
/// Lines within the window; a client that sends more is thrown out.
const LINES: u32 = 500;
const LINE_WINDOW: Duration = Duration::from_secs(30);
const CAPABILITIES: &str = "twitch.tv/tags twitch.tv/commands twitch.tv/membership";

/// Accepts clients until `shutdown`.
pub async fn listen(
    listener: TcpListener,
    config: Config,
    node: Arc<Node>,
    places: Places,
    shutdown: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let network = Network::of(peer.ip());
        let Some(seat) = places.take(network, &config) else { continue };
        let node = node.clone();
        tokio::spawn(async move {
            if let Ok(Ok((stream, web))) = timeout(LOG_IN_WITHIN, web::open(stream)).await {
                let encoding = if web.is_some() { Encoding::IrcWeb } else { Encoding::Irc };
                let conn = Arc::new(Conn::new(Socket::tcp(stream), encoding, network, clock::seconds()));
                Box::pin(Session::new(conn, web, node, seat).run()).await;
            }
        });
    }
}

struct Session {
    conn: Arc<Conn>,
    node: Arc<Node>,
    _seat: Seat,
    /// Where lines come in messages of a WebSocket.
    web: Option<Web>,
    buffer: Vec<u8>,
    pass: Option<String>,
    nick: Option<String>,
    /// `CAP END` is still to come.
    negotiating: bool,
    registered: bool,
    tagged: bool,
    /// What it has logged in with, and what that is good for.
    token: Option<AccessToken>,
    scopes: Vec<Scope>,
    rooms: HashMap<String, Presence>,
    joins: Vec<Instant>,
    lines: (Instant, u32),
}

impl Session {
    fn new(conn: Arc<Conn>, web: Option<Web>, node: Arc<Node>, seat: Seat) -> Self {
        Self {
            conn,
            node,
            _seat: seat,
            web,
            buffer: Vec::new(),
            pass: None,
            nick: None,
            negotiating: false,
            registered: false,
            tagged: false,
            token: None,
            scopes: Vec::new(),
            rooms: HashMap::new(),
            joins: Vec::new(),
            lines: (Instant::now(), 0),
        }
    }

    async fn run(mut self) {
        let began = Instant::now();
        loop {
            let line = match self.registered {
                true => self.line().await,
                false => match timeout(LOG_IN_WITHIN.saturating_sub(began.elapsed()), self.line()).await {
                    Ok(line) => line,
                    Err(_) => break,
                },
            };
            match line {
                Ok(Some(line)) => {
                    // What it does is larger than what it is.
                    if Box::pin(self.take(&line)).await.is_break() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(close::RESTART) => {
                    self.send(&format!(":{HOST} RECONNECT\r\n"));
                    break;
                }
                Err(_) => break,
            }
        }
        for presence in self.rooms.into_values() {
            self.node.fanout.leave(&presence.room.members, &self.conn);
        }
    }

    /// The next line; `None` at the end, or the code that the connection is to be closed with.
    async fn line(&mut self) -> Result<Option<String>, u16> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.buffer.len() > MAX_LINE {
                return Ok(None);
            }
            let (conn, buffer) = (self.conn.clone(), &mut self.buffer);
            if let Some(web) = &mut self.web {
                match web.message(&conn).await? {
                    Some(lines) => buffer.extend_from_slice(&lines),
                    None => return Ok(None),
                }
                self.conn.hear(clock::seconds());
                continue;
            }
            let mut chunk = [0; 1024];
            let read = conn.attend(|cx| conn.socket().poll_read(cx, &mut chunk).map(|read| read.unwrap_or(0)));
            match read.await? {
                0 => return Ok(None),
                count => buffer.extend_from_slice(&chunk[..count]),
            }
            self.conn.hear(clock::seconds());
        }
    }

    fn send(&self, text: &str) {
        self.conn.send(frames::lines(self.conn.encoding(), text.as_bytes()));
    }

    fn nick(&self) -> &str {
        self.nick.as_deref().unwrap_or("*")
    }

    async fn take(&mut self, text: &str) -> ControlFlow<()> {
        if self.lines.0.elapsed() > LINE_WINDOW {
            self.lines = (Instant::now(), 0);
        }
        self.lines.1 += 1;
        if self.lines.1 > LINES {
            return ControlFlow::Break(());
        }
        let Some(line) = Line::parse(text) else { return ControlFlow::Continue(()) };
        match line.command.as_str() {
            "CAP" => self.capabilities(&line),
            // Who somebody is does not change later.
            "PASS" | "NICK" if self.registered => {}
            "PASS" => self.pass = Some(line.parameter(0).to_owned()),
            "NICK" => self.nick = Some(line.parameter(0).to_lowercase()),
            // tmi.js asks without a word, and takes an answer only without a prefix.
            "PING" if line.parameters.is_empty() => self.send("PONG\r\n"),
            "PING" => self.send(&format!(":{HOST} PONG {HOST} :{}\r\n", line.parameter(0))),
            "PONG" | "USER" => {}
            "QUIT" => return ControlFlow::Break(()),
            _ if !self.registered => {}
            "JOIN" => {
                for channel in line.parameter(0).split(',').take(MAX_CHANNELS) {
                    self.join(channel).await;
                }
            }
            "PART" => {
                for channel in line.parameter(0).split(',').take(MAX_CHANNELS) {
                    self.part(channel);
                }
            }
            "PRIVMSG" => self.say(&line).await,
            "MODE" | "WHO" | "WHOIS" => {}
            other => {
                let other: String = other.chars().take(32).collect();
                self.send(&format!(":{HOST} 421 {} {other} :Unknown command\r\n", self.nick()));
            }
        }
        if !self.registered && !self.negotiating && self.nick.is_some() {
            return self.register().await;
        }
        ControlFlow::Continue(())
    }

    fn capabilities(&mut self, line: &Line<'_>) {
        match line.parameter(0).to_ascii_uppercase().as_str() {
            "LS" => {
                self.negotiating = !self.registered;
                self.send(&format!(":{HOST} CAP * LS :{CAPABILITIES}\r\n"));
            }
            "REQ" => {
                let asked = line.parameter(1);
                let known = asked.split_whitespace().all(|one| CAPABILITIES.split(' ').any(|ours| ours == one));
                if known && asked.split_whitespace().any(|one| one == "twitch.tv/tags") {
                    self.tagged = true;
                    self.conn.set_encoding(self.conn.encoding().with_tags());
                }
                let answer = if known { "ACK" } else { "NAK" };
                self.send(&format!(":{HOST} CAP * {answer} :{asked}\r\n"));
            }
            "END" => self.negotiating = false,
            _ => {}
        }
    }

    async fn register(&mut self) -> ControlFlow<()> {
        let nick = self.nick().to_owned();
        let anonymous = nick.strip_prefix("justinfan").is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        let mut who = None;
        if !anonymous {
            let token = self.pass.take().unwrap_or_default();
            let token = AccessToken::parse(token.strip_prefix("oauth:").unwrap_or(&token));
            let found = match &token {
                Some(token) => self.node.store.access_token_user(&token.hash(), clock::now_ms()).await,
                None => Ok(None),
            };
            let found = match found {
                Ok(found) => found.filter(|is| is.user.name == nick && is.scopes.contains(&Scope::ChatRead)),
                Err(error) => {
                    tracing::warn!(%error, "an IRC client cannot be looked up");
                    return ControlFlow::Break(());
                }
            };
            let Some(Bearer { user, scopes, .. }) = found else {
                self.send(&format!(":{HOST} NOTICE * :Login authentication failed\r\n"));
                return ControlFlow::Break(());
            };
            self.conn.identify(&user.id, scopes.contains(&Scope::ChatWrite), scopes.contains(&Scope::Moderate));
            (self.token, self.scopes) = (token, scopes);
            who = Some(user);
        }
        self.registered = true;
        self.node.fanout.look_after(&self.conn);
        let mut text = String::new();
        for (number, words) in [
            ("001", "Welcome, GLHF!"),
            ("002", "Your host is tmi.twitch.tv"),
            ("003", "This server is rather new"),
            ("004", "-"),
            ("375", "-"),
            ("372", "You are in a maze of twisty passages, all alike."),
            ("376", ">"),
        ] {
            text += &format!(":{HOST} {number} {nick} :{words}\r\n");
        }
        if let Some(user) = who {
            let author = Author {
                id: user.id.clone(),
                login: user.name.clone(),
                display_name: user.shown_name().to_owned(),
                color: user.color.clone(),
                badges: Vec::new(),
            };
            let tags = super::author(super::Tags::new(self.tagged), &author).add("emote-sets", "0");
            text += &tags.add("user-id", &user.id).line(format_args!(":{HOST} GLOBALUSERSTATE"));
        }
        self.send(&text);
        ControlFlow::Continue(())
    }

    async fn join(&mut self, channel: &str) {
        self.joins.retain(|at| at.elapsed() < JOIN_WINDOW);
        let name = channel.strip_prefix('#').and_then(|name| ChannelName::parse(name).ok());
        let Some(name) = name.filter(|name| !self.rooms.contains_key(name.as_str())) else { return };
        if self.joins.len() >= JOINS || self.rooms.len() >= MAX_CHANNELS {
            return self.send(&notice(name.as_str(), "msg_ratelimit", "You join channels too fast.", self.tagged));
        }
        self.joins.push(Instant::now());
        if !self.is_logged_in().await {
            return self.conn.close(close::TICKET);
        }
        let found = self.node.store.channel_by_name(name.as_str()).await;
        let found = found.map(|row| row.filter(|row| row.suspended(clock::now_ms()).is_none()));
        let Ok(Some(row)) = found else {
            let text = "This channel does not exist or has been suspended.";
            return self.send(&notice(name.as_str(), "msg_channel_suspended", text, self.tagged));
        };
        let user_id = self.conn.user_id().cloned();
        let chatter = match &user_id {
            Some(user_id) => self.node.people.find(&row, user_id).await.ok().flatten(),
            None => None,
        };
        let admitted = match &user_id {
            Some(user_id) => self.node.admits(&row, user_id).await.unwrap_or(false),
            None => row.access == AccessKind::Public,
        };
        if !admitted {
            return self.send(&notice(
                name.as_str(),
                "msg_channel_blocked",
                "This channel is not open to you.",
                self.tagged,
            ));
        }
        let presence = self.node.enter(&row).await;
        let nick = self.nick().to_owned();
        let mut text = format!(
            ":{nick}!{nick}@{nick}.{HOST} JOIN #{name}\r\n:{nick}.{HOST} 353 {nick} = #{name} :{nick}\r\n\
             :{nick}.{HOST} 366 {nick} #{name} :End of /NAMES list\r\n"
        );
        {
            let core = presence.room.core();
            let banned = user_id.is_none() && core.networks().contains(&self.conn.network.to_string());
            if banned {
                drop(core);
                return self.send(&notice(
                    name.as_str(),
                    "msg_banned",
                    "You are banned from this channel.",
                    self.tagged,
                ));
            }
            let place = Place { id: &row.id, name: name.as_str() };
            // In this order: the modes end it.
            if let Some(chatter) = &chatter {
                text += &user_state(name.as_str(), &chatter.speaker.author, self.tagged);
            }
            text += &room_state(place, core.settings(), None, self.tagged);
            let welcome = frames::lines(self.conn.encoding(), text.as_bytes());
            let moderator = chatter.is_some_and(|it| it.speaker.moderator) && self.scopes.contains(&Scope::Moderate);
            self.node.fanout.join(&presence.room.members, &self.conn, moderator, |ring| (ring.end(), welcome));
        }
        self.rooms.insert(name.as_str().to_owned(), presence);
    }

    /// Whether the token that it came with still holds.
    async fn is_logged_in(&self) -> bool {
        match &self.token {
            Some(token) => {
                matches!(self.node.store.access_token_user(&token.hash(), clock::now_ms()).await, Ok(Some(_)))
            }
            None => true,
        }
    }

    fn part(&mut self, channel: &str) {
        let name = channel.strip_prefix('#').unwrap_or(channel).to_lowercase();
        if let Some(presence) = self.rooms.remove(&name) {
            self.node.fanout.leave(&presence.room.members, &self.conn);
            let nick = self.nick();
            self.send(&format!(":{nick}!{nick}@{nick}.{HOST} PART #{name}\r\n"));
        }
    }

    async fn say(&mut self, line: &Line<'_>) {
        let name = line.parameter(0).strip_prefix('#').unwrap_or_default().to_lowercase();
        let Some(presence) = self.rooms.get(&name) else { return };
        let raw = line.parameter(1);
        let action = raw.strip_prefix("\u{1}ACTION ").map(|text| text.trim_end_matches('\u{1}'));
        // Old clients write commands with a dot.
        let text = match action {
            Some(text) => format!("/me {text}"),
            None if raw.starts_with('.') && !raw.starts_with("..") => format!("/{}", &raw[1..]),
            None => raw.to_owned(),
        };
        let command = commands::parse(&text).and_then(Result::ok);
        let say = Say {
            id: line.tag("client-nonce").unwrap_or_default().chars().take(36).collect(),
            text,
            reply_to: line.tag("reply-parent-msg-id").map(str::to_owned),
        };
        let result = match self.conn.speaker() {
            Some(user_id) => {
                let said = self.node.say(&presence.room, &user_id, self.conn.may_moderate(), say).await;
                said.map(|said| (user_id, said))
            }
            None => Err(Refusal::new(RefusalCode::LogIn, "Log in with a token that may write.")),
        };
        let answer = match result {
            Ok((_, said)) if said.detail.is_some() => {
                let id = command.as_ref().map_or("cmd_success", notices::done);
                notice(&name, id, said.detail.as_deref().unwrap_or_default(), self.tagged)
            }
            Ok((user_id, _)) => match self.node.people.find(&presence.room.channel, &user_id).await {
                Ok(Some(chatter)) => user_state(&name, &chatter.speaker.author, self.tagged),
                _ => return,
            },
            Err(refusal) => notice(&name, notices::refused(refusal.code), &refusal.detail, self.tagged),
        };
        self.send(&answer);
    }
}
