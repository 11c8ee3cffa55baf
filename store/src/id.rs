//! Ids: 48 bits of time, then 80 random ones, as 26 characters. They sort by the time of making,
//! which keeps new rows together in an index, and nobody can guess another's.

use rand::TryRngCore;
use rand::rngs::OsRng;

/// Crockford's base 32: digits and letters in the order of their codes, without the look-alikes
/// i, l, o and u.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

pub(crate) fn new(now_ms: i64) -> String {
    let time = now_ms.to_be_bytes();
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&time[2..]);
    bytes[6..].copy_from_slice(&random::<10>());
    base32(&bytes)
}

/// 128 random bits as 26 characters: a name that nobody can guess.
pub fn random_name() -> String {
    base32(&random::<16>())
}

/// Bytes from the operating system.
///
/// # Panics
/// When it has none. Nothing secret can be made then, so there is no way to go on.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if let Err(e) = OsRng.try_fill_bytes(&mut bytes) {
        panic!("the operating system gives no random numbers: {e}");
    }
    bytes
}

pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut bits, mut held) = (0u32, 0);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(ALPHABET[(bits >> held & 31) as usize]));
        }
    }
    if held > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - held) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_of_known_bytes() {
        assert_eq!(base32(&[]), "");
        assert_eq!(base32(&[0xff]), "zw");
        assert_eq!(base32(b"hello"), "d1jprv3f");
        assert_eq!(base32(&[0; 20]), "0".repeat(32));
    }

    #[test]
    fn ids_sort_by_time_and_differ() {
        let early = new(1_700_000_000_000);
        let late = new(1_700_000_000_001);
        assert_eq!(early.len(), 26);
        assert!(early < late);
        assert_ne!(new(5), new(5));
    }
}
