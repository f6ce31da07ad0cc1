//! The filter as Fluent Bit's loader expects it: a structure with the name
//! `filter_logscrub_plugin`, which the loader copies.
//!
//! The layout is that of Fluent Bit 3.2 to 5.1 (`include/fluent-bit/flb_filter.h`). Before 3.2 the
//! last callback is missing, and the loader overwrites that field. No headers are needed.

use std::{
    ffi::{c_char, c_int},
    io::Write as _,
    ptr,
};

use crate::{
    abi::{bytes_of, copied},
    instance::{Host, Ignored},
    properties,
    shared::{Answer, Shared},
};

/// `FLB_FILTER_LOGS`.
const LOGS: c_int = 1;
/// `FLB_FILTER_MODIFIED`: the output replaces the chunk; an empty output removes it.
const MODIFIED: c_int = 1;
/// `FLB_FILTER_NOTOUCH`.
const NOTOUCH: c_int = 2;

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

/// The symbol that the loader looks up.
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

/// Makes the scrubber. An error in the properties keeps Fluent Bit from starting.
unsafe extern "C" fn init(instance: Ignored, config: Ignored, _data: Ignored) -> c_int {
    let Some(host) = Host::find() else {
        say("the host is not Fluent Bit");
        return -1;
    };
    let name = filter_logscrub_plugin.name;
    // SAFETY: the instance and the configuration are what the loader gave.
    let properties = unsafe { host.properties(instance, name) };
    match properties.and_then(|given| properties::flags(&given)).and_then(Shared::new) {
        Ok(shared) => {
            // SAFETY: as above; the context comes back to `filter` and `exit`.
            unsafe {
                host.multiline_inputs(instance, name, config)
                    .iter()
                    .for_each(|input| warn_about(input));
                host.set_context(instance, Box::into_raw(Box::new(shared)).cast());
            }
            0
        }
        Err(error) => {
            say(&error);
            -1
        }
    }
}

fn warn_about(input: &str) {
    say(&format!(
        "warning: input {input} has a multiline parser. Lines that it still buffers when Fluent Bit stops bypass filters: \
         with storage.type filesystem they are sent unscrubbed after the restart. Configure logscrub as a processor \
         of the input or the output instead"
    ));
}

/// Scrubs a chunk. A chunk that cannot be examined becomes empty, so that nothing of it passes.
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
    if context.is_null() {
        // Fluent Bit also calls a processor with `active: false`, without having initialized it.
        return NOTOUCH;
    }
    // SAFETY: the pointers are Fluent Bit's and hold for this call; the context is what `init` has
    // set.
    let (shared, chunk, tag) = unsafe {
        let tag = bytes_of(tag, usize::try_from(tag_length).unwrap_or(0));
        (&*context.cast::<Shared>(), bytes_of(chunk, length), tag)
    };
    let n_before = shared.n_withheld();
    let clean = match shared.scrub_events(tag, chunk) {
        Answer::Clean => return NOTOUCH,
        Answer::Changed(clean) => clean,
        Answer::Failed(why) => {
            say(&format!("a chunk was withheld: {why}"));
            Vec::new()
        }
    };
    let n_withheld = shared.n_withheld() - n_before;
    if n_withheld > 0 && !clean.is_empty() {
        say(&format!("{n_withheld} records could not be examined and were withheld"));
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

/// Writes beside Fluent Bit's own log, which also goes to standard error.
fn say(text: &str) {
    // If this cannot be written, nobody can be told.
    let _ = writeln!(std::io::stderr(), "[filter:logscrub] {text}");
}
