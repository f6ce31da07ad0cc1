//! Blocks (draft).
