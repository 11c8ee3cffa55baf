//! The second factor that an app on the phone counts out (RFC 6238), and the codes for the day on
//! which the phone is gone.

use crate::refusal::Refusal;
use axum::http::StatusCode;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use rivulet_protocol::rest::TotpSetup;
use rivulet_store::{base32, random};
use totp_rs::{Builder, Secret};

const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: usize = 10;
/// 80 bits: a plain SHA-256 of one cannot be searched through.
const RECOVERY_BYTES: usize = 10;

/// Base 32, as apps and people write it.
pub fn new_secret() -> String {
    Secret::from(random::<SECRET_BYTES>()).to_base32()
}

fn internal(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a second factor cannot be used");
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on the server.")
}

/// Six digits, 30 seconds, SHA-1: what every app can do. One step to either side is accepted.
fn builder(secret: &str) -> Result<Builder, Refusal> {
    Ok(Builder::new().with_secret(Secret::try_from_base32(secret).map_err(internal)?).with_skew(1))
}

/// What an app needs: by hand, as a link, and as a picture.
pub fn enrolment(secret: &str, instance: &str, username: &str) -> Result<TotpSetup, Refusal> {
    let instance = instance.replace(':', " ");
    let builder = builder(secret)?.with_account_name(username).with_issuer(Some(instance));
    let url = builder.build().and_then(|totp| totp.to_url()).map_err(internal)?;
    let code = QrCode::with_error_correction_level(&url, EcLevel::M).map_err(internal)?;
    let qr_svg = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    // For use inside of a page, where an XML declaration is out of place.
    let qr_svg = qr_svg.split_once("?>").map_or(qr_svg.clone(), |(_, svg)| svg.to_owned());
    Ok(TotpSetup { secret: secret.to_owned(), url, qr_svg })
}

/// The step that `code` belongs to, when it is right at `now_ms` and later than `last_step`: a code
/// that somebody has looked over a shoulder is worth nothing once it was used.
pub fn verify(secret: &str, code: &str, last_step: i64, now_ms: i64) -> Result<Option<i64>, Refusal> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).take(16).collect();
    let seconds = u64::try_from(now_ms / 1000).unwrap_or(0);
    let step =
        builder(secret)?.build().map_err(internal)?.check(&code, seconds).and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > last_step))
}

/// Ten codes in groups of four, each good for one log-in.
pub fn recovery_codes() -> Vec<String> {
    let code = || {
        let text = base32(&random::<RECOVERY_BYTES>());
        let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
        groups.join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// A code as it was made, however it was typed: `None` when it cannot be one.
pub fn recovery_code(typed: &str) -> Option<String> {
    let typed: String = typed.chars().filter(|c| c.is_ascii_alphanumeric()).take(64).collect();
    // Crockford's letters: what is taken for another letter is that letter.
    let text: String = typed
        .to_ascii_lowercase()
        .chars()
        .map(|c| match c {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect();
    (text.len() == RECOVERY_BYTES * 8 / 5).then(|| {
        let groups: Vec<&str> = (0..text.len()).step_by(4).map(|at| &text[at..at + 4]).collect();
        groups.join("-")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The secret of RFC 6238's appendix B; its codes, cut to six digits.
    const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn codes_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(verify(SECRET, code, 0, seconds * 1000).unwrap(), Some(seconds / 30), "{code}");
        }
    }

    #[test]
    fn one_step_early_or_late_and_never_twice() {
        let at = |seconds: i64, last| verify(SECRET, "005924", last, seconds * 1000).unwrap();
        let step = 1_234_567_890 / 30;
        for (seconds, want) in [(-61, None), (-30, Some(step)), (0, Some(step)), (59, Some(step)), (60, None)] {
            assert_eq!(at(1_234_567_890 + seconds, 0), want, "{seconds}");
        }
        assert_eq!(at(1_234_567_890, step), None, "used already");
        assert_eq!(at(1_234_567_890, step + 1), None, "and so was a later one");
        assert_eq!(at(1_234_567_890, step - 1), Some(step));
        for typed in ["005 924", " 005924\n"] {
            assert!(verify(SECRET, typed, 0, 1_234_567_890_000).unwrap().is_some(), "{typed:?}");
        }
        for typed in ["", "5924", "0059240", "-05924", "005924; DROP", "００５９２４", &"0".repeat(100_000)] {
            assert!(verify(SECRET, typed, 0, 1_234_567_890_000).unwrap().is_none(), "{typed:?}");
        }
        assert_eq!(verify(SECRET, "005924", 0, -1).unwrap(), None);
    }

    #[test]
    fn what_an_app_reads() {
        let enrolment = enrolment(SECRET, "My: Site", "ann").unwrap();
        assert_eq!(enrolment.secret, SECRET);
        assert!(enrolment.url.starts_with("otpauth://totp/My%20%20Site:ann?"), "{}", enrolment.url);
        assert!(enrolment.url.contains(&format!("secret={SECRET}")));
        assert!(enrolment.qr_svg.starts_with("<svg") && enrolment.qr_svg.len() < 64 * 1024);
        assert_ne!(new_secret(), new_secret());
        assert_eq!(new_secret().len(), 32);
    }

    #[test]
    fn recovery() {
        let codes = recovery_codes();
        assert_eq!(codes.len(), 10);
        let unique: std::collections::HashSet<_> = codes.iter().collect();
        assert_eq!(unique.len(), 10);
        for code in &codes {
            assert_eq!(code.len(), 19, "{code}");
            assert_eq!(recovery_code(code).as_ref(), Some(code));
            assert_eq!(recovery_code(&code.to_uppercase().replace('-', " ")).as_ref(), Some(code));
            assert_eq!(recovery_code(&code.replace('0', "o").replace('1', "L")).as_ref(), Some(code));
        }
        for typed in ["", "abcd", "aaaa-bbbb-cccc-dddd-e", &"a".repeat(100_000)] {
            assert_eq!(recovery_code(typed), None);
        }
    }
}
