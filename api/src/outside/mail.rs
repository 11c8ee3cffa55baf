//! Mail, handed to the SMTP server that the admin has named. Only addresses that people have given
//! for themselves get any.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(15);
/// Mails on their way; those on top are dropped, and the log says so.
const MAX_UNDERWAY: usize = 32;

/// Where mail goes: `smtps://user:pass@host:465?from=Name <mail@host>`. `smtp://` turns to TLS on
/// the way (STARTTLS) and refuses a server that cannot; `tls=none` is for a relay on this machine.
#[derive(Clone)]
pub struct Smtp {
    host: String,
    port: u16,
    tls: Wanted,
    credentials: Option<(String, String)>,
    from: Mailbox,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    FromTheStart,
    Upgrade,
    None,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

impl std::str::FromStr for Smtp {
    type Err = String;

    /// The error never repeats what was given: it may have a password in it.
    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "write smtps://USER:PASSWORD@HOST:465?from=ADDRESS";
        let url = Url::parse(text).map_err(|_| FORM.to_owned())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(FORM)?.to_owned();
        let (mut from, mut tls) = (
            None,
            match url.scheme() {
                "smtps" => Wanted::FromTheStart,
                "smtp" => Wanted::Upgrade,
                _ => return Err(FORM.into()),
            },
        );
        for (key, value) in url.query_pairs() {
            match (&*key, &*value) {
                ("from", value) => from = value.parse::<Mailbox>().ok(),
                ("tls", "none") if tls == Wanted::Upgrade => tls = Wanted::None,
                _ => return Err(format!("the only parameters are from=ADDRESS and, for smtp://, tls=none; {FORM}")),
            }
        }
        let plain = |text: &str| {
            let text = text.replace('+', "%2B");
            url::form_urlencoded::parse(format!("v={text}").as_bytes()).next().map(|(_, text)| text.into_owned())
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => plain(user).zip(plain(password)),
            _ => return Err(format!("a user needs a password; {FORM}")),
        };
        let port = url.port().unwrap_or(if tls == Wanted::FromTheStart { 465 } else { 587 });
        Ok(Self { host, port, tls, credentials, from: from.ok_or(format!("from=ADDRESS is missing; {FORM}"))? })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    #[error("this is not an e-mail address")]
    Address,
    #[error("the mail cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("the mail server refuses: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
}

/// Whether mail can be sent to `text`, as far as its form tells.
pub fn check_address(text: &str) -> Result<String, MailError> {
    let address: Address = text.trim().parse().map_err(|_| MailError::Address)?;
    match address.as_ref() as &str {
        // RFC 5321: longer paths are refused on the way.
        text if text.len() <= 254 && text.is_ascii() => Ok(text.to_owned()),
        _ => Err(MailError::Address),
    }
}

#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    underway: Arc<Semaphore>,
}

impl Mailer {
    /// Connects for each mail: there are few.
    pub fn new(smtp: &Smtp) -> Result<Self, MailError> {
        let tls = match smtp.tls {
            Wanted::FromTheStart => Tls::Wrapper(TlsParameters::new(smtp.host.clone())?),
            Wanted::Upgrade => Tls::Required(TlsParameters::new(smtp.host.clone())?),
            Wanted::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(smtp.host.as_str());
        builder = builder.port(smtp.port).tls(tls).timeout(Some(TIMEOUT));
        if let Some((user, password)) = smtp.credentials.clone() {
            builder = builder.credentials(Credentials::new(user, password));
        }
        let underway = Arc::new(Semaphore::new(MAX_UNDERWAY));
        Ok(Self { transport: builder.build(), from: smtp.from.clone(), underway })
    }

    /// Sends, and waits for what the server says.
    pub async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), MailError> {
        let to: Address = to.parse().map_err(|_| MailError::Address)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())?;
        self.transport.send(message).await?;
        Ok(())
    }

    /// Sends behind the caller's back, so that the time of an answer does not tell whether there
    /// was somebody to write to.
    pub fn post(&self, to: String, subject: String, text: String) {
        let Ok(permit) = self.underway.clone().try_acquire_owned() else {
            tracing::warn!("a mail was dropped: the mail server is too slow");
            return;
        };
        let mailer = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = mailer.send(&to, &subject, &text).await {
                tracing::warn!(%error, "a mail was not sent");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::testing::MailServer;

    #[test]
    fn urls_of_servers() {
        for (text, want) in [
            ("smtps://u:p@mail.example?from=a@b.example", Ok((465, Wanted::FromTheStart, Some(("u", "p"))))),
            ("smtp://u:p@mail.example?from=a@b.example", Ok((587, Wanted::Upgrade, Some(("u", "p"))))),
            ("smtp://localhost:25?from=Rivulet%20%3Ca@b.example%3E&tls=none", Ok((25, Wanted::None, None))),
            (
                "smtps://me%40b.example:p%2F+%40@mail.example:2465?from=a@b.example",
                Ok((2465, Wanted::FromTheStart, Some(("me@b.example", "p/+@")))),
            ),
            ("smtps://u:hunter2@mail.example", Err("from=ADDRESS is missing")),
            ("smtps://u:hunter2@mail.example?from=nobody", Err("from=ADDRESS is missing")),
            ("smtps://u:hunter2@mail.example?from=a@b.example&tls=none", Err("the only parameters")),
            ("smtps://hunter2@mail.example?from=a@b.example", Err("a user needs a password")),
            ("https://u:hunter2@mail.example?from=a@b.example", Err("write smtps://")),
            ("hunter2", Err("write smtps://")),
        ] {
            let parsed = text.parse::<Smtp>();
            match (&parsed, want) {
                (Ok(smtp), Ok((port, tls, credentials))) => {
                    let given = smtp.credentials.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
                    assert_eq!((smtp.port, smtp.tls, given), (port, tls, credentials), "{text}");
                }
                (Err(error), Err(part)) => {
                    assert!(error.contains(part) && !error.contains("hunter2"), "{text}: {error}");
                }
                _ => panic!("{text}: {parsed:?}"),
            }
        }
    }

    #[test]
    fn addresses() {
        for good in ["a@b.example", " a.b+c@d.example ", "A@B.EXAMPLE"] {
            assert_eq!(check_address(good).unwrap(), good.trim());
        }
        let long = format!("{}@{}.example", "a".repeat(60), "b.".repeat(120));
        for bad in ["", "a", "a@", "@b", "a@b\r\nBcc: c@d", "a b@c", "<a@b>", "a@b, c@d", "ä@b.example", &long] {
            assert!(check_address(bad).is_err(), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_mail_arrives() {
        let mut server = MailServer::start().await;
        let url = format!("smtp://u:p@127.0.0.1:{}?tls=none&from=Rivulet%20%3Ca@b.example%3E", server.port);
        let mailer = Mailer::new(&url.parse().unwrap()).unwrap();
        mailer.post("c@d.example".into(), "Grüße".into(), "One line.\n.\nAnother.".into());
        let told = server.next().await;
        for part in ["MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "From: \"Rivulet\" <a@b.example>", "\n..\n"] {
            assert!(told.contains(part) || told.contains(&part.replace('"', "")), "{part}: {told}");
        }
    }

    #[tokio::test]
    async fn a_refusal_is_told() {
        let server = MailServer::start().await;
        let url = format!("smtp://127.0.0.1:{}?tls=none&from=a@b.example", server.port);
        let mailer = Mailer::new(&url.parse().unwrap()).unwrap();
        let error = mailer.send("nobody@d.example", "x", "y").await.unwrap_err().to_string();
        assert!(error.contains("no such user here"), "{error}");
    }

    #[tokio::test]
    async fn mail_never_goes_in_the_clear_unasked() {
        let mut server = MailServer::start().await;
        let url = format!("smtp://u:hunter2@127.0.0.1:{}?from=a@b.example", server.port);
        let mailer = Mailer::new(&url.parse().unwrap()).unwrap();
        assert!(mailer.send("c@d.example", "x", "y").await.is_err());
        drop(mailer);
        let told = server.next().await;
        assert!(!told.contains("AUTH") && !told.contains("MAIL"), "{told}");
    }
}
