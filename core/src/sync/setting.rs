//! A value that is set now and then and read by many. No protocol goes by when a change is seen, so
//! it is the same in every compilation, and no checker sees it: it adds no interleaving.
#![allow(clippy::disallowed_types, reason = "no protocol goes by when a change is seen")]

use std::sync::{PoisonError, RwLock};

/// A value of a settings kind: whole, and a moment old perhaps.
#[derive(Debug, Default)]
pub struct Setting<T>(RwLock<T>);

impl<T: Copy> Setting<T> {
    /// A first value.
    pub fn new(value: T) -> Self {
        Self(RwLock::new(value))
    }

    /// The value.
    pub fn get(&self) -> T {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another value, from now on; returns the last one.
    pub fn replace(&self, value: T) -> T {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, value)
    }
}
