//! The few things that `ffmpeg-next` leaves to its raw bindings. All unsafe code of this crate is
//! in this module.
#![allow(unsafe_code)]

use ffmpeg_next::codec::Context;
use ffmpeg_next::util::frame::Video;
use ffmpeg_next::{Error, ffi};

/// Configuration that an opened encoder made.
pub fn extradata(context: &Context) -> Vec<u8> {
    // SAFETY: an open context's extradata is null or points to `extradata_size` bytes.
    unsafe {
        let context = &*context.as_ptr();
        match context.extradata.is_null() {
            true => Vec::new(),
            false => std::slice::from_raw_parts(context.extradata, context.extradata_size.max(0) as usize).to_vec(),
        }
    }
}

/// Before pixels are written: an encoder may still have a reference on those of before, and then
/// the frame gets others.
pub fn make_writable(frame: &mut Video) -> Result<(), Error> {
    // SAFETY: `frame` is a valid frame with buffers of its own kind.
    match unsafe { ffi::av_frame_make_writable(frame.as_mut_ptr()) } {
        0 => Ok(()),
        error => Err(Error::from(error)),
    }
}
