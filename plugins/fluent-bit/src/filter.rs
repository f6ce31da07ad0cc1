//! The filter as Fluent Bit's loader expects it: a structure under the name `filter_logscrub_plugin`, which it copies.
//!
//! The layout is that of Fluent Bit 3.2 to 5.1 (`include/fluent-bit/flb_filter.h`); before 3.2 the last callback is missing, which the loader then
//! overwrites. Nothing of its headers is needed.

use std::{
    ffi::{CString, c_char, c_int, c_void},
    io::Write as _,
    ptr,
};

use crate::{
    abi::{bytes_of, copied, text_of},
    shared::{Answer, Shared},
};

/// `FLB_FILTER_LOGS`.
const LOGS: c_int = 1;
/// `FLB_FILTER_MODIFIED`: what is given back stands in place of the chunk; nothing, when it is empty.
const MODIFIED: c_int = 1;
/// `FLB_FILTER_NOTOUCH`.
const NOTOUCH: c_int = 2;

type Ignored = *mut c_void;
type Callback = Option<unsafe extern "C" fn(Ignored, Ignored, Ignored) -> c_int>;

/// `struct flb_filter_plugin`.
#[repr(C)]
pub struct FilterPlugin {
    event_type: c_int,
    flags: c_int,
    name: *const c_char,
    description: *const c_char,
    config_map: Ignored,
    pre_run: Callback,
    init: Callback,
    filter: Option<
        unsafe extern "C" fn(
            *const c_char,
            usize,
            *const c_char,
            c_int,
            *mut Ignored,
            *mut usize,
            Ignored,
            Ignored,
            Ignored,
            Ignored,
        ) -> c_int,
    >,
    exit: Option<unsafe extern "C" fn(Ignored, Ignored) -> c_int>,
    notification: Callback,
    list: [Ignored; 2],
}

// SAFETY: nobody writes to it; the loader copies it.
unsafe impl Sync for FilterPlugin {}

/// What the loader looks up.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, reason = "the name that the loader makes of the file's")]
pub static filter_logscrub_plugin: FilterPlugin = FilterPlugin {
    event_type: LOGS,
    flags: 0,
    name: c"logscrub".as_ptr(),
    description: c"Scrub email addresses, credentials and credential-bearing URLs".as_ptr(),
    config_map: ptr::null_mut(),
    pre_run: None,
    init: Some(init),
    filter: Some(filter),
    exit: Some(exit),
    notification: None,
    list: [ptr::null_mut(); 2],
};

/// Properties, and the flags of the program that they stand for. Each may have several values, separated by commas.
const PROPERTIES: [(&str, &str); 8] = [
    ("config", "--config"),
    ("rules", "--rules"),
    ("only", "--only"),
    ("except", "--except"),
    ("also", "--also"),
    ("own_domain", "--own-domain"),
    ("style", "--style"),
    ("on_error", "--on-error"),
];

unsafe extern "C" {
    fn dlsym(library: Ignored, name: *const c_char) -> Ignored;
}

type GetProperty = unsafe extern "C" fn(*const c_char, Ignored) -> *const c_char;
type SetContext = unsafe extern "C" fn(Ignored, Ignored);

/// What the plugin asks Fluent Bit for. It is looked up when it is needed, so that the library can be loaded by others too.
struct Host {
    get_property: GetProperty,
    set_context: SetContext,
}

impl Host {
    fn find() -> Option<Host> {
        // SAFETY: a null library asks in all that are loaded; the functions have had these types since Fluent Bit 1.0.
        unsafe {
            let get_property = dlsym(ptr::null_mut(), c"flb_filter_get_property".as_ptr());
            let set_context = dlsym(ptr::null_mut(), c"flb_filter_set_context".as_ptr());
            if get_property.is_null() || set_context.is_null() {
                return None;
            }
            Some(Host {
                get_property: std::mem::transmute::<Ignored, GetProperty>(get_property),
                set_context: std::mem::transmute::<Ignored, SetContext>(set_context),
            })
        }
    }

    /// The flags that the properties of a filter stand for; `None` when one is no UTF-8.
    ///
    /// # Safety
    ///
    /// `instance` is the filter's, as the loader gave it.
    unsafe fn flags(&self, instance: Ignored) -> Option<Vec<String>> {
        let mut flags = Vec::new();
        for (property, flag) in PROPERTIES {
            let name = CString::new(property).expect("a name without NUL");
            // SAFETY: as the caller promises.
            let value = unsafe { (self.get_property)(name.as_ptr(), instance) };
            if value.is_null() {
                continue;
            }
            // SAFETY: properties are strings.
            let value = unsafe { text_of(value) }?;
            for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                // As one argument, so that a value is never taken for a flag.
                flags.push(format!("{flag}={part}"));
            }
        }
        Some(flags)
    }
}

/// Makes the scrubber; what is wrong with the properties keeps Fluent Bit from starting.
unsafe extern "C" fn init(instance: Ignored, _config: Ignored, _data: Ignored) -> c_int {
    let Some(host) = Host::find() else {
        say("this is no Fluent Bit");
        return -1;
    };
    // SAFETY: the instance is what the loader gave.
    let flags = unsafe { host.flags(instance) };
    match flags.ok_or_else(|| "a property that is no UTF-8".to_owned()).and_then(Shared::new) {
        Ok(shared) => {
            // SAFETY: the context comes back to `filter` and `exit`.
            unsafe { (host.set_context)(instance, Box::into_raw(Box::new(shared)).cast()) };
            0
        }
        Err(error) => {
            say(&error);
            -1
        }
    }
}

/// Scrubs a chunk. What cannot be examined becomes an empty chunk: nothing of it passes.
unsafe extern "C" fn filter(
    chunk: *const c_char,
    length: usize,
    tag: *const c_char,
    tag_length: c_int,
    out: *mut Ignored,
    out_length: *mut usize,
    _instance: Ignored,
    _input: Ignored,
    context: Ignored,
    _config: Ignored,
) -> c_int {
    // SAFETY: the pointers are Fluent Bit's and hold for this call; the context is what `init` has set.
    let (shared, chunk, tag) = unsafe {
        let tag = bytes_of(tag, usize::try_from(tag_length).unwrap_or(0));
        (&*context.cast::<Shared>(), bytes_of(chunk, length), tag)
    };
    let n_before = shared.n_withheld();
    let clean = match shared.scrub_events(tag, chunk) {
        Answer::Clean => return NOTOUCH,
        Answer::Changed(clean) => clean,
        Answer::Failed => Vec::new(),
    };
    let n_withheld = shared.n_withheld() - n_before;
    if n_withheld > 0 {
        say(&format!("{n_withheld} records or chunks could not be examined and were withheld"));
    }
    let memory = copied(&clean);
    // SAFETY: the places are Fluent Bit's. Without memory the chunk becomes empty.
    unsafe {
        *out = memory;
        *out_length = if memory.is_null() { 0 } else { clean.len() };
    }
    MODIFIED
}

unsafe extern "C" fn exit(context: Ignored, _config: Ignored) -> c_int {
    if !context.is_null() {
        // SAFETY: it came out of a `Box` in `init`, and Fluent Bit ends a filter once.
        drop(unsafe { Box::from_raw(context.cast::<Shared>()) });
    }
    0
}

/// Beside Fluent Bit's own log, which goes to standard error too.
fn say(text: &str) {
    // Where that cannot be written there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "[filter:logscrub] {text}");
}
