//! stub

use super::{Hit, placeholder::Placeholders};
use crate::{rules::RuleSet, span::Finding};

pub(crate) struct Url {}

impl Url {
    pub(super) fn new(_rules: &RuleSet) -> Url {
        Url {}
    }

    /// Everything before `done` has been examined by this recogniser; moves it on.
    pub(super) fn confirm(
        &self,
        _hit: &Hit<'_>,
        _placeholders: &Placeholders,
        _done: &mut usize,
        _findings: &mut Vec<Finding>,
    ) {
    }
}
