//! Fluent Bit's data about a filter: its exported functions, and the list of the filter's
//! properties.
//!
//! The functions return only the first value of a property that is asked for by name. Other values,
//! and unknown properties, are only in `struct flb_filter_instance`. The fields that are read here
//! (`context`, `data`, `p`, `properties`) have been the same since Fluent Bit 2.2, but not their
//! offset. So [`Host::properties`] finds `context` by letting Fluent Bit set it, trusts the rest
//! only if `p` is this plugin, and compares the list with the answers of the functions. No headers
//! are needed.

use std::{
    ffi::{CString, c_char, c_int, c_void},
    mem::offset_of,
    ptr,
};

use crate::{abi::text_of, properties::PROPERTIES};

pub(crate) type Ignored = *mut c_void;

unsafe extern "C" {
    fn dlsym(library: Ignored, name: *const c_char) -> Ignored;
}

type GetProperty = unsafe extern "C" fn(*const c_char, Ignored) -> *const c_char;
type SetContext = unsafe extern "C" fn(Ignored, Ignored);
type GetInput = unsafe extern "C" fn(Ignored, c_int) -> Ignored;
type GetName = unsafe extern "C" fn(Ignored) -> *const c_char;

/// The functions of Fluent Bit that the plugin calls. They are looked up when they are needed, so
/// that other programs can load the library, too.
pub(crate) struct Host {
    get_property: GetProperty,
    set_context: SetContext,
    inputs: Option<Inputs>,
}

struct Inputs {
    get: GetInput,
    get_property: GetProperty,
    name: GetName,
}

/// `struct mk_list`.
#[repr(C)]
struct List {
    previous: *mut List,
    next: *mut List,
}

/// `struct flb_kv`.
#[repr(C)]
struct Pair {
    key: *const c_char,
    value: *const c_char,
    list: List,
}

/// The beginning of `struct flb_filter_plugin`.
#[repr(C)]
struct PluginHead {
    event_type: c_int,
    flags: c_int,
    name: *const c_char,
}

/// The fields of `struct flb_filter_instance` that are read.
#[repr(C)]
struct Part {
    /// Null for a filter of the pipeline.
    parent_processor: Ignored,
    context: Ignored,
    data: Ignored,
    plugin: *const PluginHead,
    properties: List,
}

/// `Part` ends within this many words of the instance, and the instance is longer than that.
const N_WORDS: usize = 15;
/// More properties or inputs than anybody writes. A longer list is not a list.
const MAX_ENTRIES: usize = 1024;

impl Host {
    pub(crate) fn find() -> Option<Host> {
        // SAFETY: the functions have had these types since Fluent Bit 1.0.
        unsafe {
            Some(Host {
                get_property: std::mem::transmute::<Ignored, GetProperty>(symbol(
                    c"flb_filter_get_property",
                )?),
                set_context: std::mem::transmute::<Ignored, SetContext>(symbol(
                    c"flb_filter_set_context",
                )?),
                inputs: Inputs::find(),
            })
        }
    }

    /// # Safety
    ///
    /// `instance` is the filter's, as the loader gave it.
    pub(crate) unsafe fn set_context(&self, instance: Ignored, context: Ignored) {
        // SAFETY: as the caller promises.
        unsafe { (self.set_context)(instance, context) };
    }

    /// All properties of a filter in their order, including repeated ones.
    ///
    /// # Errors
    ///
    /// The layout is unknown, or a property is not UTF-8.
    ///
    /// # Safety
    ///
    /// `instance` is the filter's, as the loader gave it, while it is initialized; `name` is that
    /// of the plugin.
    pub(crate) unsafe fn properties(
        &self,
        instance: Ignored,
        name: *const c_char,
    ) -> Result<Vec<(String, String)>, String> {
        // SAFETY: as the caller promises; what is read is checked.
        unsafe {
            let part = self.part(instance, name).ok_or(UNKNOWN_LAYOUT)?;
            let pairs = pairs(&raw const (*part).properties).ok_or(UNKNOWN_LAYOUT)?;
            let text = |text| text_of(text).ok_or_else(|| "a property is not UTF-8".to_owned());
            let found = pairs
                .iter()
                .map(|pair| Ok((text((**pair).key)?, text((**pair).value)?)))
                .collect::<Result<Vec<_>, String>>()?;
            let names = PROPERTIES
                .map(|(name, _)| name)
                .into_iter()
                .chain(found.iter().map(|(name, _)| &name[..]));
            for name in names {
                let first = found.iter().position(|(found, _)| found.eq_ignore_ascii_case(name));
                let expected = first.map_or(ptr::null(), |first| (*pairs[first]).value);
                let asked = CString::new(name).map_err(|_| UNKNOWN_LAYOUT)?;
                if !name.is_empty() && (self.get_property)(asked.as_ptr(), instance) != expected {
                    return Err(UNKNOWN_LAYOUT.to_owned());
                }
            }
            Ok(found)
        }
    }

    /// The known fields of an instance; `None` if they are not found.
    ///
    /// # Safety
    ///
    /// As [`Host::properties`].
    unsafe fn part(&self, instance: Ignored, name: *const c_char) -> Option<*const Part> {
        let mut marker = 0_u8;
        let marker = (&raw mut marker).cast::<c_void>();
        let words = instance.cast::<Ignored>().cast_const();
        // SAFETY: the instance has so many words. Nothing but `context` holds the address of a
        // local variable.
        unsafe {
            (self.set_context)(instance, marker);
            let found = (1..N_WORDS).find(|at| *words.add(*at) == marker);
            (self.set_context)(instance, ptr::null_mut());
            let start = found? - offset_of!(Part, context) / size_of::<Ignored>();
            if start + size_of::<Part>() / size_of::<Ignored>() > N_WORDS {
                return None;
            }
            let part = words.add(start).cast::<Part>();
            let plugin = (*part).plugin;
            let is_pointer = !plugin.is_null() && plugin.is_aligned();
            (is_pointer && (*plugin).name == name).then_some(part)
        }
    }

    /// The names of the inputs that have a multiline parser, if the filter is part of the pipeline.
    ///
    /// # Safety
    ///
    /// As [`Host::properties`], which has not failed; `config` is Fluent Bit's, as the loader gave
    /// it.
    pub(crate) unsafe fn multiline_inputs(
        &self,
        instance: Ignored,
        name: *const c_char,
        config: Ignored,
    ) -> Vec<String> {
        let Some(inputs) = &self.inputs else { return Vec::new() };
        // SAFETY: as the caller promises; an input that is not null is one.
        unsafe {
            let is_in_pipeline =
                self.part(instance, name).is_some_and(|part| (*part).parent_processor.is_null());
            if !is_in_pipeline {
                return Vec::new();
            }
            let all = (0..MAX_ENTRIES as c_int)
                .map(|id| (inputs.get)(config, id))
                .filter(|input| !input.is_null());
            all.filter(|input| {
                !(inputs.get_property)(c"multiline.parser".as_ptr(), *input).is_null()
            })
            .filter_map(|input| text_of((inputs.name)(input)))
            .collect()
        }
    }
}

impl Inputs {
    fn find() -> Option<Inputs> {
        // SAFETY: the functions have had these types since Fluent Bit 1.8.
        unsafe {
            Some(Inputs {
                get: std::mem::transmute::<Ignored, GetInput>(symbol(c"flb_input_get_instance")?),
                get_property: std::mem::transmute::<Ignored, GetProperty>(symbol(
                    c"flb_input_get_property",
                )?),
                name: std::mem::transmute::<Ignored, GetName>(symbol(c"flb_input_name")?),
            })
        }
    }
}

const UNKNOWN_LAYOUT: &str = "cannot read the properties: the host is not Fluent Bit 3.2 to 5.1";

fn symbol(name: &std::ffi::CStr) -> Option<Ignored> {
    // SAFETY: a null library asks in all that are loaded.
    let symbol = unsafe { dlsym(ptr::null_mut(), name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}

/// The pairs of a list; `None` if it does not lead back to its head.
///
/// # Safety
///
/// `head` is the head of a list of properties.
unsafe fn pairs(head: *const List) -> Option<Vec<*const Pair>> {
    let mut pairs = Vec::new();
    let mut before = head;
    // SAFETY: as the caller promises; each step is checked by the way back.
    unsafe {
        let mut node = (*head).next.cast_const();
        while node != head {
            if node.is_null() || !node.is_aligned() || (*node).previous.cast_const() != before {
                return None;
            }
            if pairs.len() == MAX_ENTRIES {
                return None;
            }
            pairs.push(node.byte_sub(offset_of!(Pair, list)).cast::<Pair>());
            before = node;
            node = (*node).next;
        }
        ((*head).previous.cast_const() == before).then_some(pairs)
    }
}
