//! NAL units behind length prefixes, as H.264 and HEVC are carried in RTMP and MP4.

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a NAL unit is longer than its packet")]
pub struct BrokenLength;

/// First header byte of each NAL unit of one packet; an error ends the walk.
pub fn headers(data: &[u8], length_size: usize) -> impl Iterator<Item = Result<u8, BrokenLength>> + '_ {
    let mut rest = data;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let taken = std::mem::take(&mut rest);
        if taken.len() < length_size {
            return Some(Err(BrokenLength));
        }
        let (length, body) = taken.split_at(length_size);
        let length = length.iter().fold(0usize, |sum, b| sum << 8 | usize::from(*b));
        match body.split_at_checked(length) {
            Some((nal, after)) if !nal.is_empty() => {
                rest = after;
                Some(Ok(nal[0]))
            }
            _ => Some(Err(BrokenLength)),
        }
    })
}

/// Whether any of a packet's NAL units has a header that `wanted` accepts.
pub fn any(data: &[u8], length_size: usize, wanted: impl Fn(u8) -> bool) -> Result<bool, BrokenLength> {
    headers(data, length_size).try_fold(false, |found, header| Ok(found | wanted(header?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_to_add_up() {
        let is_idr = |header| header & 0x1f == 5;
        assert_eq!(any(&[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x41], 4, is_idr), Ok(true));
        assert_eq!(any(&[0, 0, 0, 1, 0x41], 4, is_idr), Ok(false));
        assert_eq!(any(&[0, 0, 0, 9, 0x65], 4, is_idr), Err(BrokenLength));
        assert_eq!(any(&[0, 0], 4, is_idr), Err(BrokenLength));
        assert_eq!(any(&[0, 1, 0x65], 2, is_idr), Ok(true));
    }
}
