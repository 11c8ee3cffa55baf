//! Pictures that people put up: a row for each, and an object in the blob store for each of its
//! sizes. Whoever shows one keeps all that is needed for its addresses in one text.

use crate::{Store, StoreError};
use rivulet_protocol::rest;
use std::fmt;

/// `ID ENDING WIDTHxHEIGHT WIDTHxHEIGHT …` as text, the smallest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub id: String,
    /// Of its files: `png` or `jpg`.
    pub ending: String,
    pub sizes: Vec<(u32, u32)>,
}

impl Picture {
    /// The opposite of its text; `None` for the empty text of somebody without a picture.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (id, ending) = (words.next()?.to_owned(), words.next()?.to_owned());
        let size = |word: &str| word.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let sizes: Option<Vec<_>> = words.map(size).collect();
        Some(Self { id, ending, sizes: sizes.filter(|sizes| !sizes.is_empty())? })
    }

    /// Of one size, in the blob store; with a slash before it, its address too.
    pub fn object_key(&self, (width, height): (u32, u32)) -> String {
        format!("pictures/{}/{width}x{height}.{}", self.id, self.ending)
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.ending)?;
        self.sizes.iter().try_for_each(|(width, height)| write!(f, " {width}x{height}"))
    }
}

impl From<&Picture> for rest::Picture {
    fn from(picture: &Picture) -> Self {
        let size = |&(width, height): &(u32, u32)| {
            let url = format!("/{}", picture.object_key((width, height)));
            rest::PictureSize { url, width, height }
        };
        Self { sizes: picture.sizes.iter().map(size).collect() }
    }
}

impl Store {
    pub async fn add_picture(
        &self,
        picture: &Picture,
        bytes: i64,
        user_id: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let sizes: Vec<String> = picture.sizes.iter().map(|(width, height)| format!("{width}x{height}")).collect();
        sqlx::query(
            "INSERT INTO pictures (id, sizes, ending, bytes, user_id, created_at_ms) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&picture.id)
        .bind(sizes.join(" "))
        .bind(&picture.ending)
        .bind(bytes)
        .bind(user_id)
        .bind(now_ms)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// All that a user has put up.
    pub async fn pictures_of(&self, user_id: &str) -> Result<Vec<Picture>, StoreError> {
        let sql = "SELECT id, ending, sizes FROM pictures WHERE user_id = $1 ORDER BY id";
        let rows: Vec<(String, String, String)> = sqlx::query_as(sql).bind(user_id).fetch_all(&self.pool).await?;
        let picture = |(id, ending, sizes)| Picture::parse(&format!("{id} {ending} {sizes}"));
        Ok(rows.into_iter().filter_map(picture).collect())
    }

    pub async fn delete_picture(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pictures WHERE id = $1").bind(id).execute(&self.pool).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_goes_round() {
        let text = "01abc png 64x64 256x256";
        let picture = Picture::parse(text).unwrap();
        assert_eq!(picture.to_string(), text);
        assert_eq!(rest::Picture::from(&picture).sizes[1].url, "/pictures/01abc/256x256.png");
        for wrong in ["", "01abc", "01abc png", "01abc png 64", "01abc png 64xq"] {
            assert_eq!(Picture::parse(wrong), None, "{wrong:?}");
        }
    }
}
