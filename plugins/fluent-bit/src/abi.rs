//! The C ABI of `include/logscrub.h`.

use std::{
    cell::RefCell,
    ffi::{CStr, CString, c_char, c_int, c_void},
    ptr,
};

use crate::shared::{Answer, Shared};

const CLEAN: c_int = 0;
const CHANGED: c_int = 1;
const FAILED: c_int = -1;

thread_local! {
    static NEW_ERROR: RefCell<Option<CString>> = const { RefCell::new(None) };
}

// The host's allocator: Fluent Bit frees what a filter gives it by its own `free`, to which these names are bound when it is loaded.
unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn free(memory: *mut c_void);
}

/// Makes a scrubber; null on an error.
///
/// # Safety
///
/// - `flags` points to `n_flags` strings that end in NUL, or `n_flags` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_new(flags: *const *const c_char, n_flags: usize) -> *mut Shared {
    // SAFETY: the caller promises `n_flags` strings.
    let flags = (0..n_flags).map(|index| unsafe { text_of(*flags.add(index)) }).collect::<Option<Vec<_>>>();
    let made = flags.ok_or_else(|| "a flag that is no UTF-8".to_owned()).and_then(Shared::new);
    let (shared, error) = match made {
        Ok(shared) => (Box::into_raw(Box::new(shared)), None),
        Err(error) => (ptr::null_mut(), CString::new(error).ok()),
    };
    NEW_ERROR.set(error);
    shared
}

/// Why the last [`logscrub_new`] of this thread failed.
#[unsafe(no_mangle)]
pub extern "C" fn logscrub_new_error() -> *const c_char {
    NEW_ERROR.with_borrow(|error| error.as_ref().map_or(ptr::null(), |error| error.as_ptr()))
}

/// Scrubs lines of text.
///
/// # Safety
///
/// - `this` came from [`logscrub_new`] and was not freed.
/// - `input` points to `length` bytes, or `length` is 0.
/// - `out` and `out_length` may be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_scrub(
    this: *mut Shared,
    input: *const c_char,
    length: usize,
    out: *mut *mut c_char,
    out_length: *mut usize,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        let answer = (*this).scrub_text(bytes_of(input, length));
        give(answer, out, out_length)
    }
}

/// Scrubs a chunk of events.
///
/// # Safety
///
/// As [`logscrub_scrub`]; `tag` points to `tag_length` bytes, or that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_scrub_events(
    this: *mut Shared,
    tag: *const c_char,
    tag_length: usize,
    input: *const c_char,
    length: usize,
    out: *mut *mut c_char,
    out_length: *mut usize,
) -> c_int {
    // SAFETY: as the caller promises.
    unsafe {
        let answer = (*this).scrub_events(bytes_of(tag, tag_length), bytes_of(input, length));
        give(answer, out, out_length)
    }
}

/// How many records were withheld.
///
/// # Safety
///
/// `this` came from [`logscrub_new`] and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_withheld(this: *mut Shared) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { (*this).n_withheld() }
}

/// How many findings were replaced.
///
/// # Safety
///
/// `this` came from [`logscrub_new`] and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_findings(this: *mut Shared) -> u64 {
    // SAFETY: as the caller promises.
    unsafe { (*this).n_findings() }
}

/// Why the last call that failed did.
///
/// # Safety
///
/// `this` came from [`logscrub_new`] and was not freed; no other thread uses it while the text is read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_error(this: *mut Shared) -> *const c_char {
    // SAFETY: as the caller promises; the text stays until the next call that fails.
    unsafe { (*this).with_error(|error| error.map_or(ptr::null(), |error| error.as_ptr())) }
}

/// Frees what was given back.
///
/// # Safety
///
/// `out` came from this library and was not freed, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_free_output(out: *mut c_char) {
    // SAFETY: it was allocated by `malloc`, and `free` takes null.
    unsafe { free(out.cast()) }
}

/// Ends a scrubber.
///
/// # Safety
///
/// `this` came from [`logscrub_new`] and was not freed, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_free(this: *mut Shared) {
    if !this.is_null() {
        // SAFETY: it came out of a `Box`, and comes back once.
        drop(unsafe { Box::from_raw(this) });
    }
}

/// A string of C.
///
/// # Safety
///
/// `text` ends in NUL, or is null.
pub(crate) unsafe fn text_of(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_str().ok().map(str::to_owned)
}

/// # Safety
///
/// `bytes` points to `length` bytes that nobody writes to for as long as they are used, or `length` is 0.
pub(crate) unsafe fn bytes_of<'b>(bytes: *const c_char, length: usize) -> &'b [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { std::slice::from_raw_parts(bytes.cast(), length) }
}

/// Copies bytes to memory of the host; null where there is none, or nothing to copy.
pub(crate) fn copied(bytes: &[u8]) -> *mut c_void {
    if bytes.is_empty() {
        return ptr::null_mut();
    }
    // SAFETY: `malloc` gives so many bytes or null, and they overlap nothing.
    unsafe {
        let memory = malloc(bytes.len());
        if !memory.is_null() {
            ptr::copy_nonoverlapping(bytes.as_ptr(), memory.cast(), bytes.len());
        }
        memory
    }
}

/// # Safety
///
/// `out` and `out_length` may be written to.
unsafe fn give(answer: Answer, out: *mut *mut c_char, out_length: *mut usize) -> c_int {
    let (code, bytes) = match answer {
        Answer::Clean => (CLEAN, Vec::new()),
        Answer::Changed(bytes) => (CHANGED, bytes),
        Answer::Failed => (FAILED, Vec::new()),
    };
    let memory = copied(&bytes);
    let is_lost = memory.is_null() && !bytes.is_empty();
    // SAFETY: as the caller promises.
    unsafe {
        *out = memory.cast();
        *out_length = if is_lost { 0 } else { bytes.len() };
    }
    if is_lost { FAILED } else { code }
}
