//! The formats that records are written in: one file each.

pub(crate) mod cri;
pub(crate) mod csv;
pub(crate) mod docker;
pub(crate) mod journal;
pub(crate) mod k8s_secret;
