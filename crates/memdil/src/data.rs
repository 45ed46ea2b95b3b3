//! `memdil data list | fetch | verify | subset`

use std::path::PathBuf;
use std::process::ExitCode;

use indicatif::DecimalBytes;
use memdil_data::catalogue::{Published, PublishedFile};
use memdil_data::fetch::{FetchEvent, FetchOptions, fetch};
use memdil_data::places::{find, folders, other_form, searched};
use memdil_data::subset::{Subset, write_subset};
use memdil_data::verify::{FileReport, verify};
use memdil_data::{DataError, DataSpec, Source, load};
use serde_json::json;

use crate::arguments::{DataDirs, check_npz, output_folder};
use crate::failure::Failure;
use crate::progress::{self, FileBar};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List the published data sets and their files, and show which of them are present
    #[command(after_help = "Example:\n  memdil data list --data-dir data")]
    List(List),
    /// Download a data set; an interrupted download resumes
    #[command(after_help = "Examples:\n  memdil data fetch mnist\n  \
        memdil data fetch cifar-10 --data-dir data --url https://mirror.example.org/datasets")]
    Fetch(Fetch),
    /// Compare the files of a data set with the published checksums
    #[command(after_help = "Example:\n  memdil data verify fashion-mnist --json")]
    Verify(Verify),
    /// Write a class-balanced subset of a data set to an .npz file, for training with `data.npz`
    #[command(
        after_help = "Example:\n  memdil data subset fashion-mnist --classes 0,1 --per-class 600 --out small.npz"
    )]
    Subset(SubsetArguments),
}

#[derive(clap::Args)]
pub(crate) struct SubsetArguments {
    /// mnist, fashion-mnist, fashion-mnist-embedded, cifar-10, cifar-100, cifar-100-coarse or svhn
    #[arg(value_parser = source)]
    name: Source,
    /// Training images per class
    #[arg(long, value_name = "N")]
    per_class: usize,
    /// Test images per class (default: a sixth of --per-class, at least 1)
    #[arg(long, value_name = "N")]
    test_per_class: Option<usize>,
    /// Classes to keep, by number, relabelled 0, 1, ... in this order (default: all)
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    classes: Vec<u32>,
    /// Draw the images at random with this seed (default: take the first images of each class)
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    #[command(flatten)]
    data: DataDirs,
    /// File to write
    #[arg(long, value_name = "F.npz")]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    data: DataDirs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Fetch {
    /// mnist, fashion-mnist, cifar-10, cifar-100 or svhn
    #[arg(value_parser = Published::from_name)]
    name: Published,
    /// Folder of data sets, the first if repeated (default: $MEMDIL_DATA_DIR, or ./data if that is
    /// not set); the files are written to its subfolder NAME
    #[arg(long = "data-dir", value_name = "DIR", value_parser = output_folder())]
    data_dirs: Vec<PathBuf>,
    /// Address of a folder with the files, used instead of the published sources
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Download the images from the Hugging Face hub (mnist and fashion-mnist only) and convert
    /// them to the published files
    #[cfg(feature = "hub")]
    #[arg(long, conflicts_with = "url")]
    hub: bool,
}

#[derive(clap::Args)]
pub(crate) struct Verify {
    /// mnist, fashion-mnist, cifar-10, cifar-100 or svhn
    #[arg(value_parser = Published::from_name)]
    name: Published,
    #[command(flatten)]
    data: DataDirs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(arguments) => {
            list(arguments);
            Ok(ExitCode::SUCCESS)
        }
        Command::Fetch(arguments) => fetch_set(arguments),
        Command::Verify(arguments) => verify_set(arguments),
        Command::Subset(arguments) => subset(arguments),
    }
}

pub(crate) fn source(name: &str) -> Result<Source, String> {
    Source::PUBLISHED
        .into_iter()
        .find(|source| source.name() == name)
        .ok_or_else(|| {
            let names: Vec<String> = Source::PUBLISHED
                .iter()
                .map(|source| source.name().to_owned())
                .collect();
            format!(
                "not a published data set; choose one of {}",
                names.join(", ")
            )
        })
}

fn subset(arguments: &SubsetArguments) -> Result<ExitCode, Failure> {
    check_npz("--out", &arguments.out)?;
    let mut spec = DataSpec::new(arguments.name.clone());
    spec.classes.clone_from(&arguments.classes);
    let data = load(&spec, &arguments.data.data_dirs)?;
    let train_per_class = arguments.per_class;
    let test_per_class = arguments
        .test_per_class
        .unwrap_or((train_per_class / 6).max(1));
    write_subset(
        &data,
        Subset {
            train_per_class,
            test_per_class,
            seed: arguments.seed,
        },
        &arguments.out,
    )?;
    let (name, classes, out) = (
        arguments.name.name(),
        data.classes(),
        arguments.out.display(),
    );
    println!(
        "{name}: {classes} classes of {train_per_class} training and {test_per_class} test images in {out}"
    );
    Ok(ExitCode::SUCCESS)
}

fn list(arguments: &List) {
    let mut sets = Vec::new();
    for published in Published::ALL {
        let (name, files) = (published.name(), published.files());
        let folders = folders(published, &arguments.data.data_dirs);
        let folder = find(files, &folders);
        let is_here = |file: &PublishedFile<'_>| folder.is_some_and(|folder| file.is_in(folder));
        let here = files.iter().filter(|file| is_here(file)).count();
        let bytes: u64 = files.iter().map(|file| file.bytes).sum();
        // CIFAR can also be read in its Python version, although the binary version is downloaded.
        let other = other_form(published, &arguments.data.data_dirs).unwrap_or_default();
        if arguments.json {
            let files: Vec<_> = files
                .iter()
                .map(|file| json!({ "name": file.name, "bytes": file.bytes, "sha256": file.sha256, "found": is_here(file) }))
                .collect();
            sets.push(json!({ "name": name, "bytes": bytes, "folder": folder, "complete": here == files.len(), "other_form": other, "files": files }));
            continue;
        }
        let location = match folder {
            _ if let [file, ..] = &other[..] => format!("in another form: {}", file.display()),
            Some(folder) if here == files.len() => format!("in {}", folder.display()),
            Some(folder) => format!("{here} of {} files in {}", files.len(), folder.display()),
            None => "not found".to_owned(),
        };
        println!(
            "{name:<14} {:>9}  {location}",
            DecimalBytes(bytes).to_string()
        );
        for file in files {
            let found = if is_here(file) { "found" } else { "-" };
            println!("  {:<28} {:>11} bytes  {found}", file.name, file.bytes);
        }
    }
    if arguments.json {
        println!("{}", json!({ "sets": sets }));
    }
}

fn fetch_set(arguments: &Fetch) -> Result<ExitCode, Failure> {
    let mut bar = progress::files(true);
    let folder = download(arguments, &mut |event| show_event(&mut bar, event));
    bar.clear();
    println!(
        "{}: complete in {}",
        arguments.name.name(),
        folder?.display()
    );
    Ok(ExitCode::SUCCESS)
}

fn download(
    arguments: &Fetch,
    on_event: &mut dyn FnMut(FetchEvent<'_>),
) -> Result<PathBuf, DataError> {
    let (name, data_dirs) = (arguments.name, &arguments.data_dirs);
    #[cfg(feature = "hub")]
    if arguments.hub {
        return memdil_data::hub::fetch(name, data_dirs, on_event);
    }
    let mut options = FetchOptions::default();
    options.mirror.clone_from(&arguments.url);
    fetch(name, data_dirs, &options, on_event)
}

fn show_event(bar: &mut FileBar, event: FetchEvent<'_>) {
    match event {
        FetchEvent::Progress {
            file,
            done,
            total,
            resumed,
        } => bar.show(file, done, total, resumed),
        FetchEvent::AlreadyThere { file } => {
            bar.print_line(&format!("{file}: already present, checksum correct"));
        }
        FetchEvent::SetAside { file, path } => {
            bar.print_line(&format!(
                "{file}: the existing file is not the published one; renamed it to {}",
                path.display()
            ));
        }
        FetchEvent::Waiting { folder } => {
            bar.print_line(&format!(
                "waiting for another process that is downloading into {}",
                folder.display()
            ));
        }
        // The last failure is reported by the error itself.
        FetchEvent::Failed {
            file,
            host,
            cause,
            again_in: Some(pause),
        } => {
            bar.print_line(&format!(
                "{file}: {host}: {cause}; trying again in {pause:?}"
            ));
        }
        FetchEvent::Done { file } => {
            bar.print_line(&format!("{file}: complete, checksum correct"));
        }
        _ => {}
    }
}

fn verify_set(arguments: &Verify) -> Result<ExitCode, Failure> {
    let (published, data_dirs) = (arguments.name, &arguments.data.data_dirs);
    let name = published.name();
    let mut bar = progress::files(false);
    let reports = verify(published, data_dirs, &mut |file, done, total| {
        bar.show(file, done, total, 0)
    });
    bar.clear();
    let reports = reports?;
    let ok = reports.iter().all(|report| report.state.is_ok());
    if arguments.json {
        println!("{}", json!({ "name": name, "ok": ok, "files": reports }));
    } else {
        for report in reports.iter().filter(|report| report.state.is_ok()) {
            println!("{}: {}", path_or_name(report), report.state);
        }
    }
    if ok {
        return Ok(ExitCode::SUCCESS);
    }
    if reports.iter().all(|report| report.path.is_none()) {
        eprintln!(
            "error: {name} not found in {}; get it with `memdil data fetch {name}`, or name its folder with --data-dir",
            searched(published, data_dirs)
        );
        return Ok(ExitCode::from(2));
    }
    for report in reports.iter().filter(|report| !report.state.is_ok()) {
        eprintln!(
            "error: {}: {}; get it with `memdil data fetch {name}`",
            path_or_name(report),
            report.state
        );
    }
    Ok(ExitCode::from(2))
}

fn path_or_name(report: &FileReport) -> String {
    report
        .path
        .as_ref()
        .map_or_else(|| report.name.clone(), |path| path.display().to_string())
}
