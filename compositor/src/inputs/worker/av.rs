//! The few things that `ffmpeg-next` leaves to its raw bindings. All unsafe code of the worker is
//! in this module.
#![allow(unsafe_code)]

use super::source::Source;
use crate::inputs::wire::Opened;
use ffmpeg_next::format::context::{Input, StreamIo};
use ffmpeg_next::software::scaling;
use ffmpeg_next::util::interrupt::{self, InterruptGuard};
use ffmpeg_next::{Dictionary, DictionaryRef, Error, color, ffi};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::{ManuallyDrop, offset_of};
use std::net::{IpAddr, TcpStream};
use std::os::fd::FromRawFd;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

type Open = dyn FnMut(&str, Vec<(String, String)>) -> Result<Source, Error> + Send;

/// What a demuxer opens beside the first source, as a playlist's does.
struct Nested {
    open: Box<Open>,
    sources: Vec<(StreamIo, Box<Labels>)>,
}

/// Opens a source that is at an address. `open` opens what it names, and nothing else is opened.
pub fn open(url: &str, options: Dictionary<'_>, source: Source, open: Box<Open>) -> Result<Input, Error> {
    let url = CString::new(source.opened.location.as_deref().unwrap_or(url)).map_err(|_| Error::InvalidData)?;
    let Source { mut io, opened } = source;
    // These two live as long as the process, which opens no other.
    let labels = Box::leak(Labels::of(&opened));
    let nested = Box::leak(Box::new(Nested { open, sources: Vec::new() }));
    // SAFETY: the context is a new one, and freed by libav when it cannot be opened; `io` outlives it,
    // as do `labels` and `nested`. The dictionary's ownership goes to libav's pointer and comes back.
    unsafe {
        labels.put_on(io.as_mut_ptr(), &opened);
        let mut context = ffi::avformat_alloc_context();
        if context.is_null() {
            return Err(Error::Other { errno: 12 });
        }
        (*context).pb = io.as_mut_ptr();
        (*context).opaque = std::ptr::from_mut(nested).cast();
        (*context).io_open = Some(open_nested);
        (*context).io_close2 = Some(close_nested);
        let mut options = options.disown();
        let opened = ffi::avformat_open_input(&mut context, url.as_ptr(), null(), &mut options);
        drop(Dictionary::own(options));
        if opened < 0 {
            return Err(Error::from(opened));
        }
        let input = Input::wrap_with_custom_io(context, io);
        match ffi::avformat_find_stream_info(context, null_mut()) {
            found if found < 0 => Err(Error::from(found)),
            _ => Ok(input),
        }
    }
}

/// SAFETY: libav calls it with a context of [`open`], which has a [`Nested`], on the thread that drives
/// this context, and with a string and options that are valid meanwhile.
unsafe extern "C" fn open_nested(
    context: *mut ffi::AVFormatContext,
    made: *mut *mut ffi::AVIOContext,
    url: *const c_char,
    flags: c_int,
    options: *mut *mut ffi::AVDictionary,
) -> c_int {
    let (nested, url) = unsafe { (&mut *(*context).opaque.cast::<Nested>(), CStr::from_ptr(url)) };
    if flags & ffi::AVIO_FLAG_WRITE != 0 {
        return Error::PatchWelcome.into();
    }
    let options = if options.is_null() { null_mut() } else { unsafe { *options } };
    // An empty dictionary is none.
    let asked = unsafe { DictionaryRef::wrap(options) };
    let asked = asked.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    match (nested.open)(&url.to_string_lossy(), asked) {
        Ok(Source { mut io, opened }) => {
            let mut labels = Labels::of(&opened);
            unsafe {
                labels.put_on(io.as_mut_ptr(), &opened);
                *made = io.as_mut_ptr();
            }
            nested.sources.push((io, labels));
            0
        }
        Err(error) => error.into(),
    }
}

/// SAFETY: as of [`open_nested`], which made what is closed.
unsafe extern "C" fn close_nested(context: *mut ffi::AVFormatContext, made: *mut ffi::AVIOContext) -> c_int {
    let nested = unsafe { &mut *(*context).opaque.cast::<Nested>() };
    nested.sources.retain_mut(|(io, _)| io.as_mut_ptr() != made);
    0
}

/// What demuxers ask a source for besides bytes, by the names of options of libav's own: where it
/// is, and of which kind. Libav finds them as options of a child of the source; this class is the
/// source's own, and leads there.
#[repr(C)]
struct Labels {
    class: ffi::AVClass,
    child: Child,
    child_class: ffi::AVClass,
    options: [ffi::AVOption; 3],
    _strings: [Option<CString>; 2],
}

#[repr(C)]
struct Child {
    class: *const ffi::AVClass,
    values: [*const c_char; 2],
}

// SAFETY: its pointers lead into itself, to strings that never change.
unsafe impl Send for Labels {}

impl Labels {
    fn of(opened: &Opened) -> Box<Self> {
        let text = |text: &Option<String>| text.clone().and_then(|text| CString::new(text).ok());
        let strings = [text(&opened.location), text(&opened.mime_type)];
        // SAFETY: of plain numbers and pointers, for which nothing is a valid value.
        let (class, none) = unsafe { std::mem::zeroed::<(ffi::AVClass, ffi::AVOption)>() };
        let class = ffi::AVClass {
            class_name: c"source".as_ptr(),
            item_name: Some(ffi::av_default_item_name),
            // SAFETY: it answers a number.
            version: unsafe { ffi::avutil_version() } as c_int,
            ..class
        };
        let mut options = [none; 3];
        let mut values = [null(); 2];
        // One that is not known is not there.
        let known = [c"location", c"mime_type"].into_iter().zip(&strings);
        let known = known.filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
        for (n, (name, value)) in known.enumerate() {
            let offset = (offset_of!(Child, values) + n * size_of::<*const c_char>()) as c_int;
            let type_ = ffi::AVOptionType::AV_OPT_TYPE_STRING;
            (options[n], values[n]) = (ffi::AVOption { name: name.as_ptr(), offset, type_, ..none }, value.as_ptr());
        }
        let child = Child { class: null(), values };
        Box::new(Self {
            class: ffi::AVClass { child_next: Some(child_of), ..class },
            child,
            child_class: class,
            options,
            _strings: strings,
        })
    }

    /// SAFETY: the source must be valid, and not be used after these labels.
    unsafe fn put_on(&mut self, source: *mut ffi::AVIOContext, opened: &Opened) {
        self.child_class.option = self.options.as_ptr();
        self.child.class = &raw const self.child_class;
        unsafe {
            (*source).av_class = (&raw const *self).cast();
            (*source).seekable = if opened.seekable { ffi::AVIO_SEEKABLE_NORMAL } else { 0 };
        }
    }
}

/// SAFETY: the source's class is the first field of its [`Labels`].
unsafe extern "C" fn child_of(source: *mut c_void, before: *mut c_void) -> *mut c_void {
    let labels = unsafe { *source.cast::<*const Labels>() };
    if before.is_null() { unsafe { (&raw const (*labels).child).cast_mut().cast() } } else { null_mut() }
}

/// An address that libav reads.
pub struct Connection {
    context: *mut ffi::AVIOContext,
    _interrupt: InterruptGuard,
}

impl Connection {
    /// While it is open, `stop` is asked before every read and write whether to end.
    pub fn open(
        url: &str,
        options: Dictionary<'_>,
        stop: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Self, Error> {
        let url = CString::new(url).map_err(|_| Error::InvalidData)?;
        let interrupt = interrupt::new(Box::new(stop));
        let mut context = null_mut();
        // SAFETY: libav copies the callback, whose closure outlives the connection in its guard. The
        // dictionary's ownership goes to libav's pointer and comes back from it.
        let opened = unsafe {
            let mut options = options.disown();
            let (flags, callback) = (ffi::AVIO_FLAG_READ, &interrupt.interrupt);
            let opened = ffi::avio_open2(&mut context, url.as_ptr(), flags, callback, &mut options);
            drop(Dictionary::own(options));
            opened
        };
        match opened {
            0.. => Ok(Self { context, _interrupt: interrupt.guard }),
            error => Err(Error::from(error)),
        }
    }

    /// As many bytes as there are from this place on; none at the end.
    pub fn read(&mut self, at: u64, to: &mut [u8]) -> Result<usize, Error> {
        let at = i64::try_from(at).map_err(|_| Error::InvalidData)?;
        // SAFETY: the connection is open, and libav writes no more than it is told.
        let read = unsafe {
            let moved = match ffi::avio_seek(self.context, 0, 1) {
                here if here == at => here,
                _ => ffi::avio_seek(self.context, at, 0),
            };
            if moved < 0 {
                return Err(Error::from(moved as c_int));
            }
            ffi::avio_read_partial(self.context, to.as_mut_ptr(), c_int::try_from(to.len()).unwrap_or(c_int::MAX))
        };
        match read {
            0.. => Ok(read as usize),
            ffi::AVERROR_EOF => Ok(0),
            error => Err(Error::from(error)),
        }
    }

    pub fn is_seekable(&self) -> bool {
        // SAFETY: the connection is open.
        unsafe { (*self.context).seekable & ffi::AVIO_SEEKABLE_NORMAL != 0 }
    }

    pub fn size(&self) -> Option<u64> {
        // SAFETY: as above.
        u64::try_from(unsafe { ffi::avio_size(self.context) }).ok()
    }

    /// An option of its protocol, if it is set.
    pub fn text(&self, name: &CStr) -> Option<String> {
        let mut value = null_mut();
        // SAFETY: what is found is a string of libav's, which is ours to free.
        unsafe {
            let found = ffi::av_opt_get(self.context.cast(), name.as_ptr(), ffi::AV_OPT_SEARCH_CHILDREN, &mut value);
            if found < 0 || value.is_null() {
                return None;
            }
            let text = CStr::from_ptr(value.cast()).to_string_lossy().into_owned();
            ffi::av_free(value.cast());
            Some(text).filter(|text| !text.is_empty())
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is closed once.
        unsafe { ffi::avio_closep(&mut self.context) };
    }
}

/// Libav says nowhere but in its log what is wrong with a certificate: what it begins with, and what
/// it means.
const CERTIFICATES: [(&CStr, &str); 3] = [
    (c"Unable to verify peer certificate", "its certificate cannot be verified"),
    (
        c"Peer certificate failed verification",
        "its certificate is signed by nobody that we trust (--trust), or not valid now",
    ),
    (c"The certificate's owner does not match", "its certificate is that of another name"),
];
/// Which of them was said last, from 1 on.
static CERTIFICATE: AtomicU8 = AtomicU8::new(0);

/// From here on, it is noted what is wrong with certificates, and nothing is printed.
pub fn note_certificates() {
    // SAFETY: the callback is there for ever.
    unsafe { ffi::av_log_set_callback(Some(note)) };
}

/// What was wrong with one, since it was asked last.
pub fn certificate() -> Option<&'static str> {
    let said = usize::from(CERTIFICATE.swap(0, Relaxed));
    CERTIFICATES.get(said.wrapping_sub(1)).map(|(_, meaning)| *meaning)
}

/// SAFETY: libav gives it a valid string. The arguments, whose type is another on each machine, are
/// not touched.
unsafe extern "C" fn note<T>(_: *mut c_void, _: c_int, format: *const c_char, _: T) {
    let format = unsafe { CStr::from_ptr(format) }.to_bytes();
    if let Some(said) = CERTIFICATES.iter().position(|(begins, _)| format.starts_with(begins.to_bytes())) {
        CERTIFICATE.store(said as u8 + 1, Relaxed);
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
