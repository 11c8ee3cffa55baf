//! Passwords that people choose. Hashing one is meant to be slow and to need memory, so at most two
//! run at a time, off the async threads: a crowd at the login page must not take the processor
//! from the video.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

pub const MIN_CHARS: usize = 8;
pub const MAX_CHARS: usize = 128;

/// OWASP's parameters for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

static RUNNING: Semaphore = Semaphore::const_new(2);
/// Those that run and those that wait for it; whoever comes on top is told to try again.
static ADMITTED: Semaphore = Semaphore::const_new(64);

/// The first that an attacker tries, among those long enough for us. (Lower case.)
const COMMON: &[&str] = &[
    "00000000",
    "11111111",
    "11223344",
    "12341234",
    "123123123",
    "12344321",
    "1234567890",
    "12345678",
    "123456789",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "87654321",
    "88888888",
    "987654321",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "access14",
    "administrator",
    "admin123",
    "adminadmin",
    "aaaaaaaa",
    "asdfasdf",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "corvette",
    "danielle",
    "drowssap",
    "football",
    "iloveyou",
    "internet",
    "jennifer",
    "letmein1",
    "liverpool",
    "livestream",
    "maverick",
    "mercedes",
    "michelle",
    "midnight",
    "p@ssw0rd",
    "pa$$word",
    "passw0rd",
    "password",
    "password1",
    "password12",
    "password123",
    "password1234",
    "princess",
    "q1w2e3r4",
    "qazwsxedc",
    "qwer1234",
    "qwerty12",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "rivulet1",
    "rivulet123",
    "samantha",
    "starwars",
    "steelers",
    "streamer",
    "sunshine",
    "superman",
    "test1234",
    "testtest",
    "trustno1",
    "twitch123",
    "welcome1",
    "welcome123",
    "whatever",
    "zaq12wsx",
    "zxcvbnm1",
    "zxcvbnm123",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has at least 8 characters")]
    TooShort,
    #[error("a password has at most 128 characters")]
    TooLong,
    #[error("this password is among the first that anybody would try; choose another")]
    Common,
    #[error("too many log in at this moment; try again in a few seconds")]
    Busy,
}

/// Whether a person may have this password.
pub fn check(password: &str) -> Result<(), PasswordError> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err(PasswordError::TooShort);
    }
    if chars > MAX_CHARS {
        return Err(PasswordError::TooLong);
    }
    if COMMON.contains(&password.to_lowercase().as_str()) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

/// Checks `password` and gives what to store of it.
pub async fn hash(password: &str) -> Result<String, PasswordError> {
    check(password)?;
    hash_any(password).await
}

/// The same for one that opens no account, and may be as simple as its owner likes.
pub async fn hash_any(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() > MAX_CHARS {
        return Err(PasswordError::TooLong);
    }
    let password = password.to_owned();
    in_pool(move || match argon2().hash_password(password.as_bytes()) {
        Ok(hash) => hash.to_string(),
        // Length and parameters are checked above; what is left is a system without random numbers.
        Err(e) => panic!("hashing a password: {e}"),
    })
    .await
}

/// Whether `password` is the one behind `stored`. For a user who does not exist pass `None`: that
/// takes just as long, so that the clock does not tell who is registered here.
pub async fn verify(password: &str, stored: Option<&str>) -> Result<bool, PasswordError> {
    if password.chars().count() > MAX_CHARS {
        return Ok(false);
    }
    let password = password.to_owned();
    let stored = stored.map(str::to_owned);
    in_pool(move || match stored {
        // The parameters are those of the stored text, so old hashes stay valid when ours rise.
        Some(stored) => PasswordHash::new(&stored)
            .is_ok_and(|stored| argon2().verify_password(password.as_bytes(), &stored).is_ok()),
        None => {
            let _ = std::hint::black_box(argon2().hash_password(password.as_bytes()));
            false
        }
    })
    .await
}

fn argon2() -> Argon2<'static> {
    match Params::new(MEMORY_KIB, PASSES, LANES, None) {
        Ok(params) => Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
        Err(e) => unreachable!("constant parameters: {e}"),
    }
}

async fn in_pool<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
    let _admitted = ADMITTED.try_acquire().map_err(|_| PasswordError::Busy)?;
    // The permit goes with the work: a caller that gives up does not make room for a third.
    let running = RUNNING.acquire().await.map_err(|_| PasswordError::Busy)?;
    tokio::task::spawn_blocking(move || {
        let _running = running;
        work()
    })
    .await
    .map_err(|_| PasswordError::Busy)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_may_be_a_password() {
        for (password, want) in [
            ("", Err(PasswordError::TooShort)),
            ("1234567", Err(PasswordError::TooShort)),
            ("correct horse", Ok(())),
            ("äöüßäöüß", Ok(())),
            (&"é".repeat(128), Ok(())),
            (&"x".repeat(129), Err(PasswordError::TooLong)),
            ("PassWord123", Err(PasswordError::Common)),
        ] {
            assert_eq!(check(password), want, "{password:?}");
        }
    }

    #[tokio::test]
    async fn a_hash_verifies_its_password_only() {
        let stored = hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("correct horse").await.unwrap(), "each has its own salt");
        assert!(verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!verify("correct horsf", Some(&stored)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
        assert!(!verify("correct horse", Some("nonsense")).await.unwrap());
        assert_eq!(hash("short").await, Err(PasswordError::TooShort));
    }
}
