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

/// Why a call failed.
struct Failure {
    /// The scrubber that it was made with; none where it was to make one.
    of: Option<u64>,
    text: CString,
}

thread_local! {
    /// Set by each call of this thread that can fail: to nothing, where it did not. So no other
    /// thread changes or frees it.
    static FAILURE: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Notes how a call ended; answers what it made.
fn noted<T>(of: Option<u64>, result: Result<T, String>) -> Option<T> {
    let (made, why) = match result {
        Ok(made) => (Some(made), None),
        Err(why) => (None, Some(why)),
    };
    let text = why.map(|why| CString::new(why.replace('\0', "\u{fffd}")).unwrap_or_default());
    FAILURE.set(text.map(|text| Failure { of, text }));
    made
}

/// The error of this thread's last call, if that failed and was made with `of`.
fn failure(of: Option<u64>) -> *const c_char {
    FAILURE.with_borrow(|failure| {
        failure
            .as_ref()
            .filter(|failure| failure.of == of)
            .map_or(ptr::null(), |failure| failure.text.as_ptr())
    })
}

fn handle(made: Option<Shared>) -> *mut Shared {
    made.map_or(ptr::null_mut(), |shared| Box::into_raw(Box::new(shared)))
}

// The host's allocator: Fluent Bit frees what a filter gives it by its own `free`, to which these
// names are bound when it is loaded.
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
    let flags =
        (0..n_flags).map(|index| unsafe { text_of(*flags.add(index)) }).collect::<Option<Vec<_>>>();
    handle(noted(
        None,
        flags.ok_or_else(|| "a flag that is no UTF-8".to_owned()).and_then(Shared::new),
    ))
}

/// Makes a scrubber with the rules of another one; null on an error.
///
/// # Safety
///
/// `this` came from this library and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_fork(this: *mut Shared) -> *mut Shared {
    // SAFETY: as the caller promises.
    handle(noted(None, unsafe { (*this).fork() }))
}

/// Why the last [`logscrub_new`] or [`logscrub_fork`] of this thread failed.
#[unsafe(no_mangle)]
pub extern "C" fn logscrub_new_error() -> *const c_char {
    failure(None)
}

/// Forgets what is open, as at the beginning of a stream.
///
/// # Safety
///
/// `this` came from this library and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_reset(this: *mut Shared) -> c_int {
    // SAFETY: as the caller promises.
    let this = unsafe { &*this };
    noted(Some(this.id()), this.reset()).map_or(FAILED, |()| CLEAN)
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
        give((*this).id(), answer, out, out_length)
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
        give((*this).id(), answer, out, out_length)
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

/// Why this thread's last call failed, if it was made with this scrubber.
///
/// # Safety
///
/// `this` came from [`logscrub_new`] and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn logscrub_error(this: *mut Shared) -> *const c_char {
    // SAFETY: as the caller promises.
    failure(Some(unsafe { (*this).id() }))
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
/// `bytes` points to `length` bytes that nobody writes to for as long as they are used, or `length`
/// is 0.
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

/// Gives an answer back, and notes whether it is an error.
///
/// # Safety
///
/// `out` and `out_length` may be written to.
unsafe fn give(id: u64, answer: Answer, out: *mut *mut c_char, out_length: *mut usize) -> c_int {
    let result = match answer {
        Answer::Clean => Ok((CLEAN, ptr::null_mut(), 0)),
        Answer::Changed(bytes) => {
            let memory = copied(&bytes);
            let is_lost = memory.is_null() && !bytes.is_empty();
            if is_lost {
                Err("out of memory".to_owned())
            } else {
                Ok((CHANGED, memory, bytes.len()))
            }
        }
        Answer::Failed(why) => Err(why),
    };
    let (code, memory, length) = noted(Some(id), result).unwrap_or((FAILED, ptr::null_mut(), 0));
    // SAFETY: as the caller promises.
    unsafe {
        *out = memory.cast();
        *out_length = length;
    }
    code
}
