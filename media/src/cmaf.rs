//! cmaf
