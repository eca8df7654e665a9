//! The models: one file each, compiled once against loom and once against shuttle.

use super::seawall_core;

mod event;
mod turn;

models! { event, turn }
