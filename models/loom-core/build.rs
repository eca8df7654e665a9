//! Turns the sources of `core` into the `loom` compilation of them.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=seawall_loom");
}
