//! A hash table for sets that are built once and asked often: rule ids, parameter names,
//! fingerprints.
//!
//! Open addressing with linear probing. The table has four slots for each entry, so most keys that
//! are not in it meet a free slot at the first probe, which is the case that decides the speed of a
//! clean log. `std`'s map is not used because its keyed hash costs more than the comparison.
//! Entries lie in the table itself: a probe is one memory access.

/// An entry of an [`OpenTable`]. The default one marks a free slot.
pub(crate) trait Entry: Clone + Default {
    fn is_free(&self) -> bool;
}

/// See the module.
pub(crate) struct OpenTable<E> {
    /// A power of two of them; at least three in four are free.
    slots: Box<[E]>,
}

impl<E: Entry> OpenTable<E> {
    /// An empty table for at most `n_entries`.
    pub(crate) fn with_capacity(n_entries: usize) -> OpenTable<E> {
        let n_slots = (n_entries * 4).next_power_of_two().max(16);
        OpenTable { slots: vec![E::default(); n_slots].into() }
    }

    /// Adds an entry. Its key must not be in the table yet.
    pub(crate) fn insert(&mut self, hash: usize, entry: E) {
        let mut at = hash & (self.slots.len() - 1);
        while !self.slots[at].is_free() {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = entry;
    }

    /// The entry with that hash for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: usize, is_it: impl Fn(&E) -> bool) -> Option<&E> {
        let mut at = hash & (self.slots.len() - 1);
        loop {
            let entry = &self.slots[at];
            if entry.is_free() {
                return None;
            }
            if is_it(entry) {
                return Some(entry);
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }
}

/// A hash of a short name (FNV-1a, mixed once). Only the first 64 bytes count: no id or name is
/// longer, and a value that is looked up may be.
#[inline]
pub(crate) fn hash(name: &[u8]) -> usize {
    let mixed = name
        .iter()
        .take(64)
        .fold(0_u32, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    (mixed ^ mixed >> 15) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Number(Option<usize>);

    impl Entry for Number {
        fn is_free(&self) -> bool {
            self.0.is_none()
        }
    }

    #[test]
    fn entries_are_found_by_hash_and_equality() {
        let mut table = OpenTable::with_capacity(100);
        // Every third number, and only eight hashes, so that entries collide.
        (0..100).for_each(|n| table.insert(n % 8, Number(Some(3 * n))));
        for n in 0..300 {
            let found = table.find(n / 3 % 8, |entry| entry.0 == Some(n));
            assert_eq!(found.is_some(), n % 3 == 0, "{n}");
        }
    }

    #[test]
    fn a_name_is_hashed_by_its_beginning() {
        assert_eq!(hash(&[b'a'; 64]), hash(&[b'a'; 65]));
        assert_ne!(hash(b"github-token"), hash(b"gitlab-token"));
    }
}
