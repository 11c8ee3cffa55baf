//! The few things that `ffmpeg-next` leaves to its raw bindings. All unsafe code of the worker is
//! in this module.
#![allow(unsafe_code)]

use ffmpeg_next::codec::{self, Context, threading};
use ffmpeg_next::util::frame::{Frame, Video};
use ffmpeg_next::{Error, decoder, ffi};

/// A context for decoding with out-of-band configuration.
pub fn decoder_context(id: codec::Id, extradata: &[u8], threads: usize) -> Result<Context, Error> {
    let codec = decoder::find(id).ok_or(Error::DecoderNotFound)?;
    let mut context = Context::new_with_codec(codec);
    context.set_threading(threading::Config { count: threads, ..threading::Config::kind(threading::Type::Frame) });
    // SAFETY: the buffer is allocated by libav with the padding that its readers need, is as long
    // as `extradata`, and is owned and freed by the context.
    unsafe {
        let size = extradata.len();
        let buffer = ffi::av_mallocz(size + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
        if buffer.is_null() {
            return Err(Error::Other { errno: 12 });
        }
        std::ptr::copy_nonoverlapping(extradata.as_ptr(), buffer, size);
        let context = &mut *context.as_mut_ptr();
        context.extradata = buffer;
        context.extradata_size = size as i32;
        context.pkt_timebase = ffi::AVRational { num: 1, den: 90_000 };
    }
    Ok(context)
}

/// Another handle on the same picture: the pixels are shared, the properties are its own.
pub fn share(frame: &Video) -> Result<Video, Error> {
    // SAFETY: `shared` is an empty frame, as `av_frame_ref` wants it, and `frame` a valid one.
    let mut shared = Video::empty();
    let result = unsafe { ffi::av_frame_ref(shared.as_mut_ptr(), frame.as_ptr()) };
    if result < 0 { Err(Error::from(result)) } else { Ok(shared) }
}

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

/// Samples that an audio encoder takes at a time.
pub fn set_rate(frame: &mut Frame, rate: u32) {
    // SAFETY: writes a plain field of a valid frame.
    unsafe { (*frame.as_mut_ptr()).sample_rate = rate as i32 }
}
