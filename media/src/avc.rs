//! avc
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvcInfo {
    pub width: u32,
}
