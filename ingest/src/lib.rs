mod session;
pub use session::*;
