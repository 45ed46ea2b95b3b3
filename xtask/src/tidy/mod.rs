//! `cargo xtask tidy`: checks conventions that the compiler does not enforce.

mod files;
mod graph;
mod modules;
mod order;
mod packages;
mod pages;
pub(crate) mod source;

use crate::arguments;
use crate::failure::Failure;
use crate::workspace::root;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("tidy", given, &[], &[])?;
    let root = root();
    let mut faults = Vec::new();
    packages::dependencies(&root, &mut faults)?;
    files::check(&root, &mut faults)?;
    order::check(&root, &mut faults)?;
    pages::docs(&root, &mut faults)?;
    packages::external_packages(&root, &mut faults)?;
    packages::features(&root, &mut faults)?;
    for fault in &faults {
        eprintln!("tidy: {fault}");
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::internal(format!("{} faults", faults.len())))
    }
}
