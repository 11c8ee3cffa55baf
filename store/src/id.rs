//! Ids: 48 bits of time, then 80 random ones, as 26 characters. They sort by the time of making,
//! which keeps new rows together in an index and a log in its order, and nobody can guess another's.

use rand::TryRngCore;
use rand::rngs::OsRng;
use std::sync::{Mutex, PoisonError};

/// Crockford's base 32: digits and letters in the order of their codes, without the look-alikes
/// i, l, o and u.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The newest: its time, and the rest of it.
static NEWEST: Mutex<(i64, u128)> = Mutex::new((0, 0));

/// Those that this process makes in one millisecond sort by their making too: each is the one before
/// it and something random on top.
pub fn new(now_ms: i64) -> String {
    let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
    let step = u128::from(u64::from_be_bytes(random::<8>())) + 1;
    let rest = match newest.0 == now_ms {
        true => newest.1 + step,
        // Its first bit is left, for those that come after.
        false => (step << 15) & ((1 << 79) - 1) | u128::from(u16::from_be_bytes(random::<2>()) >> 1),
    };
    *newest = (now_ms, rest);
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
    bytes[6..].copy_from_slice(&rest.to_be_bytes()[6..]);
    base32(&bytes)
}

/// Comes before all that are made from this time on, and after all from before it.
pub(crate) fn earliest(time_ms: i64) -> String {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&time_ms.to_be_bytes()[2..]);
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
        assert!(early < earliest(1_700_000_000_001) && earliest(1_700_000_000_001) < late);
        let many: Vec<String> = (0..1000).map(|_| new(5)).collect();
        assert!(many.is_sorted() && many.iter().all(|id| id.len() == 26 && id.starts_with("0000000")));
        let unique: std::collections::HashSet<_> = many.iter().collect();
        assert_eq!(unique.len(), 1000);
    }
}
