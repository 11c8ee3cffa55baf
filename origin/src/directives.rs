//! What a player's query asks of a playlist.

/// What `_HLS_msn` and `_HLS_part` ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub segment: u64,
    /// Without: the whole segment.
    pub part: Option<usize>,
}

/// Delivery directives of RFC 8216bis, 6.2.5.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Directives {
    pub wanted: Option<Wanted>,
    /// The player knows what was listed before and wants the rest.
    pub delta: bool,
}

impl Directives {
    /// Other parameters are for others. An error says which value is wrong.
    pub fn parse(query: Option<&str>) -> Result<Self, &'static str> {
        let (mut segment, mut part, mut delta) = (None, None, false);
        for (name, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "_HLS_msn" => segment = Some(value.parse::<u32>().map_err(|_| "_HLS_msn is not a number\n")?),
                "_HLS_part" => part = Some(value.parse::<u16>().map_err(|_| "_HLS_part is not a number\n")?),
                "_HLS_skip" => delta = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        let wanted = match (segment, part) {
            (None, Some(_)) => return Err("_HLS_part without _HLS_msn\n"),
            (None, None) => None,
            (Some(segment), part) => Some(Wanted { segment: segment.into(), part: part.map(usize::from) }),
        };
        Ok(Self { wanted, delta })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives() {
        let wanted = |segment, part| Some(Wanted { segment, part });
        for (query, want) in [
            ("", Ok(Directives::default())),
            ("token=x&_HLS_msn=7", Ok(Directives { wanted: wanted(7, None), delta: false })),
            ("_HLS_msn=7&_HLS_part=2&_HLS_skip=YES", Ok(Directives { wanted: wanted(7, Some(2)), delta: true })),
            ("_HLS_skip=v2", Ok(Directives { wanted: None, delta: true })),
        ] {
            assert_eq!(Directives::parse(Some(query)), want, "{query}");
        }
        for bad in ["_HLS_part=1", "_HLS_msn=-1", "_HLS_msn=x", "_HLS_msn=1&_HLS_part=99999999"] {
            assert!(Directives::parse(Some(bad)).is_err(), "{bad}");
        }
    }
}
