//! aac
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AacInfo {
    pub sample_rate: u32,
}
