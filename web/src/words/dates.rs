//! Days and times of day. The server does not know the time zone of a visitor: what it writes is in
//! UTC and says so, and `web/player/src/page.js` turns it into the visitor's own time.

/// A moment in a zone of whole minutes, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// From 1.
    pub month: u8,
    /// From 1.
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    /// From 0, a Monday.
    pub weekday: u8,
}

impl Civil {
    /// In UTC.
    pub fn at(ms: i64) -> Self {
        let seconds = ms.div_euclid(1_000);
        let days = seconds.div_euclid(86_400);
        let of_day = seconds.rem_euclid(86_400);
        // Years from March on, so that the leap day is their last; 400 of them have 146,097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: month as u8,
            day: (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u8,
            hour: (of_day / 3_600) as u8,
            minute: (of_day / 60 % 60) as u8,
            second: (of_day % 60) as u8,
            weekday: (days + 3).rem_euclid(7) as u8,
        }
    }

    /// For HTML and feeds: `2026-11-21T14:35:00Z`.
    pub fn iso(self) -> String {
        let Self { year, month, day, hour, minute, second, .. } = self;
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// For feeds, as in e-mail: `Sat, 21 Nov 2026 14:35:47 GMT`.
    pub fn mail(self) -> String {
        let Self { year, month, day, hour, minute, second, weekday } = self;
        let name = super::Lang::En.weekday(weekday).get(..3).unwrap_or_default();
        let month = super::Lang::En.month(month);
        format!("{name}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

const MONTHS: [(&str, &str); 12] = [
    ("Jan", "Jan."),
    ("Feb", "Feb."),
    ("Mar", "März"),
    ("Apr", "Apr."),
    ("May", "Mai"),
    ("Jun", "Juni"),
    ("Jul", "Juli"),
    ("Aug", "Aug."),
    ("Sep", "Sept."),
    ("Oct", "Okt."),
    ("Nov", "Nov."),
    ("Dec", "Dez."),
];

const WEEKDAYS: [(&str, &str); 7] = [
    ("Monday", "Montag"),
    ("Tuesday", "Dienstag"),
    ("Wednesday", "Mittwoch"),
    ("Thursday", "Donnerstag"),
    ("Friday", "Freitag"),
    ("Saturday", "Samstag"),
    ("Sunday", "Sonntag"),
];

impl super::Lang {
    /// `weekday` counts from 0, a Monday.
    pub fn weekday(self, weekday: u8) -> &'static str {
        let (english, german) = WEEKDAYS[usize::from(weekday) % WEEKDAYS.len()];
        match self {
            Self::En => english,
            Self::De => german,
        }
    }

    /// `month` counts from 1.
    pub fn month(self, month: u8) -> &'static str {
        let (english, german) = MONTHS[usize::from(month.saturating_sub(1)) % MONTHS.len()];
        match self {
            Self::En => english,
            Self::De => german,
        }
    }

    /// `21 Nov 2026`, in UTC.
    pub fn date(self, ms: i64) -> String {
        let Civil { year, month, day, .. } = Civil::at(ms);
        match self {
            Self::En => format!("{day} {} {year}", self.month(month)),
            Self::De => format!("{day}. {} {year}", self.month(month)),
        }
    }

    /// `21 Nov 2026, 14:35 UTC`.
    pub fn moment(self, ms: i64) -> String {
        let Civil { hour, minute, .. } = Civil::at(ms);
        format!("{}, {hour:02}:{minute:02} UTC", self.date(ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn days_of_the_calendar() {
        for (ms, iso, weekday) in [
            (0, "1970-01-01T00:00:00Z", "Thursday"),
            (-1, "1969-12-31T23:59:59Z", "Wednesday"),
            (951_782_400_000, "2000-02-29T00:00:00Z", "Tuesday"),
            (1_795_271_747_000, "2026-11-21T14:35:47Z", "Saturday"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z", "Monday"),
        ] {
            let civil = Civil::at(ms);
            assert_eq!((civil.iso().as_str(), Lang::En.weekday(civil.weekday)), (iso, weekday));
        }
    }

    #[test]
    fn dates_of_feeds() {
        assert_eq!(Civil::at(1_795_271_747_000).mail(), "Sat, 21 Nov 2026 14:35:47 GMT");
    }

    #[test]
    fn dates_in_both_languages() {
        assert_eq!(Lang::En.moment(1_795_271_747_000), "21 Nov 2026, 14:35 UTC");
        assert_eq!(Lang::De.moment(1_795_271_747_000), "21. Nov. 2026, 14:35 UTC");
    }
}
