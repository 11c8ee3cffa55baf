//! What RFC 8216bis demands of media playlists, each by itself and from one to the next. Written
//! against the text, not against our writer: the tests of the origin and of the whole system hold
//! every playlist they see against it.

use std::collections::HashMap;

/// A media segment, whole or in work.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Segment {
    /// Absent while only parts of it are listed.
    pub uri: Option<String>,
    pub seconds: f64,
    pub gap: bool,
    pub discontinuity: bool,
    pub date_time: Option<String>,
    /// The initialisation section that holds for it.
    pub map: Option<String>,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub uri: String,
    pub seconds: f64,
    pub independent: bool,
    pub gap: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Playlist {
    pub version: u32,
    pub target: f64,
    pub part_target: Option<f64>,
    pub control: HashMap<String, String>,
    pub media_sequence: u64,
    pub discontinuity_sequence: u64,
    pub independent: bool,
    /// Of a delta update.
    pub skipped: usize,
    pub segments: Vec<Segment>,
    pub hint: Option<String>,
    /// URI, last media sequence number and last part of the other renditions.
    pub reports: Vec<(String, u64, Option<u64>)>,
    pub ended: bool,
}

/// `A=1,B="x,y"` as pairs.
fn attributes(text: &str) -> HashMap<String, String> {
    let mut pairs = HashMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, next) = quoted.split_once('"').unwrap_or((quoted, ""));
                (value, next.strip_prefix(',').unwrap_or(next))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        pairs.insert(name.trim().to_owned(), value.to_owned());
        rest = next;
    }
    pairs
}

fn number<T: std::str::FromStr>(text: Option<&String>, what: &str) -> Result<T, String> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{what} is missing or no number"))
}

impl Playlist {
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some("#EXTM3U") {
            return Err("the first line is not #EXTM3U".into());
        }
        let mut list = Self { version: 1, ..Self::default() };
        let (mut next, mut map) = (Segment::default(), None::<String>);
        let mut extinf = None;
        for line in lines.filter(|line| !line.is_empty()) {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            let own = value.to_owned();
            match tag {
                "#EXT-X-VERSION" => list.version = number(Some(&own), tag)?,
                "#EXT-X-TARGETDURATION" => list.target = number::<u32>(Some(&own), tag)?.into(),
                "#EXT-X-SERVER-CONTROL" => list.control = attributes(value),
                "#EXT-X-PART-INF" => list.part_target = Some(number(attributes(value).get("PART-TARGET"), tag)?),
                "#EXT-X-MEDIA-SEQUENCE" => list.media_sequence = number(Some(&own), tag)?,
                "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                    if !list.segments.is_empty() || next.discontinuity {
                        return Err(format!("{tag} comes too late"));
                    }
                    list.discontinuity_sequence = number(Some(&own), tag)?;
                }
                "#EXT-X-INDEPENDENT-SEGMENTS" => list.independent = true,
                "#EXT-X-SKIP" => list.skipped = number(attributes(value).get("SKIPPED-SEGMENTS"), tag)?,
                "#EXT-X-DISCONTINUITY" => next.discontinuity = true,
                "#EXT-X-GAP" => next.gap = true,
                "#EXT-X-PROGRAM-DATE-TIME" => next.date_time = Some(own),
                "#EXT-X-MAP" => {
                    map = Some(attributes(value).remove("URI").ok_or("a map without URI")?);
                }
                "#EXT-X-PART" => {
                    let mut pairs = attributes(value);
                    let yes = |pairs: &HashMap<String, String>, name| pairs.get(name).is_some_and(|v| v == "YES");
                    next.map.clone_from(&map);
                    next.parts.push(Part {
                        seconds: number(pairs.get("DURATION"), tag)?,
                        independent: yes(&pairs, "INDEPENDENT"),
                        gap: yes(&pairs, "GAP"),
                        uri: pairs.remove("URI").ok_or("a part without URI")?,
                    });
                }
                "#EXTINF" => extinf = Some(number::<f64>(Some(&value.trim_end_matches(',').to_owned()), tag)?),
                "#EXT-X-PRELOAD-HINT" => list.hint = attributes(value).remove("URI"),
                "#EXT-X-RENDITION-REPORT" => {
                    let mut pairs = attributes(value);
                    let last = number(pairs.get("LAST-MSN"), tag)?;
                    let part = pairs.get("LAST-PART").and_then(|part| part.parse().ok());
                    list.reports.push((pairs.remove("URI").ok_or("a report without URI")?, last, part));
                }
                "#EXT-X-ENDLIST" => list.ended = true,
                _ if line.starts_with('#') => return Err(format!("an unknown tag: {line}")),
                _ => {
                    next.seconds = extinf.take().ok_or_else(|| format!("{line} has no EXTINF"))?;
                    // What does not exist needs none.
                    next.map = map.clone().filter(|_| !next.gap);
                    next.uri = Some(line.to_owned());
                    list.segments.push(std::mem::take(&mut next));
                }
            }
        }
        if !next.parts.is_empty() {
            list.segments.push(next);
        }
        Ok(list)
    }

    /// Segments with their media sequence numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (u64, &Segment)> {
        (self.media_sequence + self.skipped as u64..).zip(&self.segments)
    }

    /// The segment and the part that come next.
    pub fn edge(&self) -> Option<(u64, usize)> {
        let (number, last) = self.numbered().last()?;
        Some(if last.uri.is_some() { (number + 1, 0) } else { (number, last.parts.len()) })
    }

    /// Fills in what a delta update has left out.
    fn complete(mut self, before: &Self) -> Result<Self, String> {
        let first = usize::try_from(self.media_sequence - before.media_sequence.min(self.media_sequence)).unwrap_or(0);
        let skipped = before.segments.get(first..first + self.skipped).ok_or("skips what was never listed")?;
        let map = skipped.iter().rev().find_map(|segment| segment.map.clone());
        for segment in self.segments.iter_mut().take_while(|segment| segment.map.is_none()).filter(|s| !s.gap) {
            segment.map.clone_from(&map);
        }
        // Parts that old are of use to nobody.
        let skipped = skipped.iter().map(|segment| Segment { parts: Vec::new(), ..segment.clone() });
        self.segments.splice(0..0, skipped);
        self.skipped = 0;
        Ok(self)
    }

    /// The rules for one playlist.
    fn alone(&self, holes: bool, broken: &mut Vec<String>) {
        let mut rule = |holds: bool, text: String| {
            if !holds {
                broken.push(text);
            }
        };
        let control = |name: &str| self.control.get(name).and_then(|value| value.parse::<f64>().ok());
        let whole = || self.numbered().filter(|(_, segment)| segment.uri.is_some());
        let total: f64 = whole().map(|(_, segment)| segment.seconds).sum();
        rule(self.target > 0.0, "4.4.3.1: no target duration".into());
        for (number, segment) in whole() {
            let seconds = segment.seconds;
            rule(seconds.round() <= self.target, format!("4.4.3.1: segment {number} of {seconds} s"));
        }
        rule(self.skipped == 0 || self.version >= 9, "8: EXT-X-SKIP needs version 9".into());
        if self.skipped > 0 {
            let in_work =
                self.segments.iter().filter(|segment| segment.uri.is_none()).flat_map(|segment| &segment.parts);
            let left = total + in_work.map(|part| part.seconds).sum::<f64>();
            let until = control("CAN-SKIP-UNTIL");
            rule(until.is_some_and(|until| left >= until), format!("4.4.5.2: {left} s are left after a skip"));
        }
        if let Some(until) = control("CAN-SKIP-UNTIL") {
            rule(until >= 6.0 * self.target, format!("4.4.3.8: CAN-SKIP-UNTIL={until}"));
        }
        if let Some(back) = control("HOLD-BACK") {
            rule(back >= 3.0 * self.target, format!("4.4.3.8: HOLD-BACK={back}"));
        }
        let parts =
            || self.numbered().flat_map(|(number, s)| s.parts.iter().enumerate().map(move |part| (number, part)));
        if let Some(target) = self.part_target {
            let back = control("PART-HOLD-BACK").unwrap_or(0.0);
            rule(back >= 3.0 * target - 1e-9, format!("4.4.3.8: PART-HOLD-BACK={back}"));
            for (number, segment) in self.numbered() {
                let in_work = segment.uri.is_none();
                for (index, part) in segment.parts.iter().enumerate() {
                    let seconds = part.seconds;
                    let last = index + 1 == segment.parts.len() && !in_work;
                    rule(seconds <= target + 1e-5, format!("4.4.4.9: part {number}.{index} of {seconds} s"));
                    rule(
                        last || part.gap || part.independent || seconds >= 0.85 * target - 1e-5,
                        format!("4.4.4.9: part {number}.{index} of only {seconds} s"),
                    );
                }
                let sum: f64 = segment.parts.iter().map(|part| part.seconds).sum();
                let off = sum - segment.seconds;
                rule(
                    in_work
                        || segment.gap
                        || segment.parts.is_empty()
                        || (off < 0.25 || holes && off < 0.35) && (holes || off > -0.25),
                    format!("4.4.4.9: segment {number} of {} s has parts of {sum} s", segment.seconds),
                );
            }
        } else {
            rule(parts().next().is_none(), "4.4.3.7: parts without EXT-X-PART-INF".into());
        }
        for (number, segment) in self.numbered() {
            rule(segment.map.is_some() || segment.gap || self.skipped > 0, format!("4.4.4.5: no map for {number}"));
            let starts = segment.parts.first().is_none_or(|part| part.independent);
            rule(!self.independent || starts, format!("4.4.2.1: segment {number} does not begin independently"));
        }
        // Parts of segments long past are of no use to anybody.
        let mut left = total;
        for (number, segment) in whole() {
            let near = left - segment.seconds < 3.0 * self.target;
            rule(near || segment.parts.is_empty(), format!("6.2.2: parts of {number} are {left} s old"));
            left -= segment.seconds;
        }
        if let Some(hint) = &self.hint {
            rule(!self.ended, "4.4.5.3: a hint after the end".into());
            let listed = parts().any(|(_, (_, part))| part.uri == *hint);
            rule(!listed, format!("4.4.5.3: {hint} is listed already"));
        }
        rule(
            !self.control.contains_key("CAN-BLOCK-RELOAD") || self.ended || self.hint.is_some(),
            "B.1: low latency without a hint".into(),
        );
        for (uri, _, part) in &self.reports {
            rule(self.part_target.is_none() || part.is_some(), format!("4.4.5.4: a report of {uri} without part"));
        }
    }

    /// The rules from the playlist before to this one; both are complete.
    fn after(&self, before: &Self, broken: &mut Vec<String>) {
        let mut rule = |holds: bool, text: String| {
            if !holds {
                broken.push(text);
            }
        };
        let (was, is) = (before.media_sequence, self.media_sequence);
        rule(is >= was, format!("6.2.2: the media sequence went back from {was} to {is}"));
        let (was, is) = (before.discontinuity_sequence, self.discontinuity_sequence);
        rule(is >= was, format!("6.2.2: the discontinuity sequence went back from {was} to {is}"));
        // Each discontinuity that was removed is counted.
        let removed = before.numbered().filter(|(number, _)| *number < self.media_sequence);
        let removed = removed.filter(|(_, segment)| segment.discontinuity).count() as u64;
        let overlaps = before.numbered().any(|(number, _)| number == self.media_sequence);
        let counted = is - was.min(is);
        rule(
            !overlaps || counted == removed,
            format!("6.2.2: {removed} discontinuities were removed and {counted} counted"),
        );
        rule(self.target == before.target, format!("6.2.1: the target duration changed to {}", self.target));
        rule(
            self.part_target == before.part_target,
            format!("6.2.1: the part target changed to {:?}", self.part_target),
        );
        rule(!before.ended || self == before, "6.2.1: a change after the end".into());
        for (number, old) in before.numbered().filter(|(number, _)| *number >= self.media_sequence) {
            let Some((_, new)) = self.numbered().find(|(n, _)| *n == number) else {
                rule(false, format!("6.2.2: segment {number} vanished from the end"));
                continue;
            };
            if old.uri.is_some() {
                let same = (&old.uri, old.seconds, old.gap) == (&new.uri, new.seconds, new.gap);
                rule(same, format!("6.2.1: segment {number} changed from {old:?} to {new:?}"));
            }
            rule(old.discontinuity == new.discontinuity, format!("6.2.1: {number} and its discontinuity"));
            rule(old.date_time == new.date_time, format!("6.2.1: the time of {number} changed"));
            rule(old.map == new.map, format!("6.2.1: the map of {number} changed to {:?}", new.map));
            let prefix = new.parts.is_empty() || new.parts.starts_with(&old.parts);
            rule(prefix, format!("6.2.1: the parts of {number} changed"));
            rule(new.uri.is_some() || !new.parts.is_empty(), format!("6.2.1: {number} lost its parts"));
        }
    }
}

/// Holds each playlist against the rules and against the one before it at the same address.
#[derive(Debug, Default)]
pub struct Checker {
    last: HashMap<String, Playlist>,
    holes: bool,
}

impl Checker {
    /// For a source with holes, which no part covers, and behind which sound may begin early.
    pub fn with_holes() -> Self {
        Self { holes: true, ..Self::default() }
    }

    /// Whether a playlist of this address was seen.
    pub fn knows(&self, address: &str) -> bool {
        self.last.contains_key(address)
    }

    /// The playlist with what a delta has left out, or every rule that it breaks.
    pub fn check(&mut self, address: &str, text: &str) -> Result<&Playlist, String> {
        let mut broken = Vec::new();
        let list = Playlist::parse(text).map_err(|error| format!("{address}: {error}\n{text}"))?;
        list.alone(self.holes, &mut broken);
        let before = self.last.remove(address);
        let list = match &before {
            Some(before) if list.skipped > 0 => {
                list.complete(before).map_err(|error| format!("{address}: {error}\n{text}"))?
            }
            _ => list,
        };
        if let Some(before) = &before {
            list.after(before, &mut broken);
        }
        match broken.is_empty() {
            true => Ok(self.last.entry(address.to_owned()).or_insert(list)),
            false => Err(format!("{address} breaks the rules: {broken:#?}\n{text}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOOD: &str = "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:2\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0,HOLD-BACK=6.0,PART-HOLD-BACK=1.500\n\
        #EXT-X-PART-INF:PART-TARGET=0.500\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-MAP:URI=\"init-0.mp4\"\n#EXT-X-PART:DURATION=0.50000,URI=\"7.0.m4s\",INDEPENDENT=YES\n\
        #EXT-X-PART:DURATION=0.50000,URI=\"7.1.m4s\"\n#EXTINF:1.00000,\n7.m4s\n\
        #EXT-X-PART:DURATION=0.50000,URI=\"8.0.m4s\",INDEPENDENT=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.1.m4s\"\n\
        #EXT-X-RENDITION-REPORT:URI=\"../360p/index.m3u8\",LAST-MSN=8,LAST-PART=0\n";

    #[test]
    fn a_good_playlist_and_what_follows_it() {
        let mut checker = Checker::default();
        let list = checker.check("a", GOOD).unwrap();
        assert_eq!((list.segments.len(), list.segments[1].parts.len()), (2, 1));
        let next = GOOD.replace(
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.1.m4s\"",
            "#EXT-X-PART:DURATION=0.50000,URI=\"8.1.m4s\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.2.m4s\"",
        );
        checker.check("a", &next).unwrap();
    }

    #[test]
    fn each_rule_can_be_broken() {
        for (from, to, rule) in [
            ("TARGETDURATION:2", "TARGETDURATION:0", "4.4.3.1"),
            ("EXTINF:1.00000", "EXTINF:2.60000", "4.4.3.1"),
            ("CAN-SKIP-UNTIL=12.0", "CAN-SKIP-UNTIL=11.0", "4.4.3.8"),
            (",HOLD-BACK=6.0", ",HOLD-BACK=5.0", "4.4.3.8"),
            ("PART-HOLD-BACK=1.500", "PART-HOLD-BACK=1.0", "4.4.3.8"),
            ("0.50000,URI=\"7.0", "0.60000,URI=\"7.0", "4.4.4.9"),
            ("INDEPENDENT=YES\n#EXT-X-PRELOAD", "INDEPENDENT=NO\n#EXT-X-PRELOAD", "4.4.2.1"),
            ("#EXT-X-MAP:URI=\"init-0.mp4\"\n", "", "4.4.4.5"),
            ("8.1.m4s", "8.0.m4s", "4.4.5.3"),
            ("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.1.m4s\"\n", "", "B.1"),
            (",LAST-PART=0", "", "4.4.5.4"),
            ("#EXT-X-PART-INF:PART-TARGET=0.500\n", "", "4.4.3.7"),
        ] {
            let text = GOOD.replace(from, to);
            let error = Checker::default().check("a", &text).unwrap_err();
            assert!(error.contains(rule), "{rule}: {error}");
        }
        for (from, to, rule) in [
            ("MEDIA-SEQUENCE:7", "MEDIA-SEQUENCE:6", "6.2.2"),
            ("init-0", "init-1", "6.2.1: the map"),
            ("EXTINF:1.00000", "EXTINF:1.10000", "6.2.1: segment 7"),
            ("DURATION=0.50000,URI=\"8.0", "DURATION=0.49000,URI=\"8.0", "6.2.1: the parts of 8"),
            ("PART-TARGET=0.500", "PART-TARGET=0.501", "6.2.1: the part target"),
        ] {
            let mut checker = Checker::default();
            checker.check("a", GOOD).unwrap();
            let text = GOOD.replace(from, to).replace("PART-HOLD-BACK=1.500", "PART-HOLD-BACK=1.600");
            let error = checker.check("a", &text).unwrap_err();
            assert!(error.contains(rule), "{rule}: {error}");
        }
    }
}
