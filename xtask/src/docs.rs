//! `cargo xtask docs`: checks the documentation. The book must build without warnings, every link
//! must resolve, and every command must run or agree with the help of the program.

mod book;
mod commands;
mod links;
mod markdown;
mod page;
mod scratch;

use crate::arguments;
use crate::failure::Failure;
use crate::program;
use crate::workspace::{root, target_directory};
use page::pages;

pub(crate) fn run(given: &[String]) -> Result<(), Failure> {
    arguments::check("docs", given, &[], &[])?;
    let root = root();
    let pages = pages(&root)?;
    let mut faults = Vec::new();
    book::formulas(&pages, &mut faults);
    let mut links = links::markdown(&root, &pages, &mut faults)?;
    if let Some(book) = book::build(&root, &target_directory()?, &mut faults)? {
        links += links::html(&book, &mut faults)?;
    }
    let program = program::build("cpu")?;
    let counts = scratch::with(&root, &program, |scratch| {
        commands::check(&pages, scratch, &mut faults)
    })?;
    faults.dedup();
    for fault in &faults {
        eprintln!("docs: {fault}");
    }
    println!(
        "docs: {} pages, {links} links, {} commands run, {} usage lines checked, {} skipped",
        pages.len(),
        counts.run,
        counts.usage,
        counts.skipped
    );
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::internal(format!("{} faults", faults.len())))
    }
}
