//! stub

use super::Hit;
use crate::{rules::RuleSet, span::Finding};

pub(crate) struct Email {}

impl Email {
    pub(super) fn new(_rules: &RuleSet) -> Email {
        Email {}
    }

    pub(super) fn confirm(&self, _hit: &Hit<'_>, _done: &mut usize, _findings: &mut Vec<Finding>) {}
}
