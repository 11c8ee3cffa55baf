//! The few things that `ffmpeg-next` leaves to its raw bindings. All unsafe code of the worker is
//! in this module.
#![allow(unsafe_code)]

use ffmpeg_next::format::context::Input;
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::interrupt;
use ffmpeg_next::{Dictionary, Error, color, ffi};
use std::ffi::CString;
use std::mem::ManuallyDrop;
use std::net::{IpAddr, TcpStream};
use std::os::fd::FromRawFd;

/// Opens an address. While it is open, `stop` is asked before every read and write whether to end.
pub fn open(url: &str, options: Dictionary<'_>, stop: impl FnMut() -> bool + Send + 'static) -> Result<Input, Error> {
    let url = CString::new(url).map_err(|_| Error::InvalidData)?;
    // SAFETY: the context is a new one, and freed by libav when it cannot be opened; `interrupt`
    // outlives it in its guard, which is dropped after it. The dictionary's ownership goes to
    // libav's pointer and comes back from it.
    unsafe {
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Error::Other { errno: 12 });
        }
        let interrupt = interrupt::new(Box::new(stop));
        (*context).interrupt_callback = interrupt.interrupt;
        let mut options = options.disown();
        let opened = ffi::avformat_open_input(&mut context, url.as_ptr(), std::ptr::null(), &mut options);
        drop(Dictionary::own(options));
        if opened < 0 {
            return Err(Error::from(opened));
        }
        let input = Input::wrap_with_interrupt(context, interrupt.guard);
        match ffi::avformat_find_stream_info(context, std::ptr::null_mut()) {
            found if found < 0 => Err(Error::from(found)),
            _ => Ok(input),
        }
    }
}

/// Who this process is connected to, by its first `files` files.
pub fn peers(files: i32) -> impl Iterator<Item = IpAddr> {
    (3..files).filter_map(|file| {
        // SAFETY: it is asked who is at its other end and nothing else: what is no socket, or not
        // open at all, answers with an error. It is never closed here.
        let socket = ManuallyDrop::new(unsafe { TcpStream::from_raw_fd(file) });
        socket.peer_addr().ok().map(|address| address.ip())
    })
}

/// Colours come as a picture says, and go as BT.709 in limited range.
pub fn set_colors(scaler: &mut scaling::Context, space: color::Space, full: bool) {
    let matrix = |space: i32| {
        // SAFETY: it answers a table that is always there, also for what it does not know.
        unsafe { ffi::sws_getCoefficients(space) }
    };
    let from = match space {
        color::Space::BT709 => ffi::SWS_CS_ITU709,
        color::Space::BT2020NCL | color::Space::BT2020CL => ffi::SWS_CS_BT2020,
        _ => ffi::SWS_CS_ITU601,
    };
    // SAFETY: the scaler is open, and copies the tables.
    unsafe {
        let (from, to) = (matrix(from), matrix(ffi::SWS_CS_ITU709));
        ffi::sws_setColorspaceDetails(scaler.as_mut_ptr(), from, full.into(), to, 0, 0, 1 << 16, 1 << 16);
    }
}
