//! The claims of experiment files, for plans and reports.

use std::path::{Path, PathBuf};

use memdil_claims::{Declaration, Family};
use memdil_records::RunSpec;
use memdil_report::{Page, ReportedExperiment};
use memdil_runner::Experiment;

use crate::arguments::Settings;
use crate::failure::{BadInput, Failure};

/// The claims of an experiment file and the runs that it plans.
pub(crate) fn of_file(
    path: &Path,
    preset: Option<&str>,
    set: &[String],
    data_dirs: &[PathBuf],
) -> Result<ReportedExperiment, Failure> {
    let experiment = Experiment::load(path, preset, set)?;
    let planned: Vec<RunSpec> = match experiment.command() {
        None => {
            let lines = experiment.runs(data_dirs)?;
            lines.into_iter().map(|line| line.spec).collect()
        }
        Some("search") => searched(&experiment, data_dirs)?,
        Some(_) => Vec::new(),
    };
    let declarations = read(path, &experiment)?;
    if preset.is_none()
        && let Some(claim) = declarations.iter().find(|claim| !claim.presets.is_empty())
    {
        let (file, presets) = (path.display(), claim.presets.join(", "));
        let message = format!(
            "{file}: claim '{}' is for presets {presets}; name the preset of the runs with --preset",
            claim.id
        );
        return Err(BadInput(message).into());
    }
    let page = page(path, &experiment)?;
    let claims = ReportedExperiment {
        name: experiment.name(),
        page,
        declarations,
        preset: preset.map(str::to_owned),
        planned,
    };
    check(path, &claims)?;
    Ok(claims)
}

/// The specifications from which the searches of an experiment start.
fn searched(experiment: &Experiment, data_dirs: &[PathBuf]) -> Result<Vec<RunSpec>, Failure> {
    let plan = experiment.searches(data_dirs)?;
    Ok(plan
        .searches
        .into_iter()
        .map(|search| search.spec)
        .collect())
}

fn page(path: &Path, experiment: &Experiment) -> Result<Page, BadInput> {
    Page::read(experiment.report())
        .map_err(|error| BadInput(format!("{}: {error}", path.display())))
}

fn read(path: &Path, experiment: &Experiment) -> Result<Vec<Declaration>, Failure> {
    let bad = |reason: String| BadInput(format!("{}: {reason}", path.display()));
    let declarations = Declaration::read(experiment.claims()).map_err(|e| bad(e.to_string()))?;
    for claim in &declarations {
        let unknown = |preset: &&String| !experiment.presets().contains(preset);
        if let Some(preset) = claim.presets.iter().find(unknown) {
            let known = experiment.presets().join(", ");
            let reason = format!(
                "claim '{}': there is no preset '{preset}'; the file has: {known}",
                claim.id
            );
            return Err(bad(reason).into());
        }
    }
    Ok(declarations)
}

/// Refuses claims that the planned runs cannot test.
fn check(path: &Path, claims: &ReportedExperiment) -> Result<(), Failure> {
    Family::of(
        &claims.declarations,
        claims.preset.as_deref(),
        &claims.planned,
    )
    .map(|_| ())
    .map_err(|error| BadInput(format!("{}: {error}", path.display())).into())
}

/// The tests that the planned runs allow, one line each with its number of seeds and the smallest
/// effect that it detects.
///
/// Settings overridden on the command line may remove runs that claims need. The returned lines
/// then report this, and it is not an error.
pub(crate) fn planned(
    settings: &Settings,
    experiment: &Experiment,
    planned: &[RunSpec],
) -> Result<Vec<String>, Failure> {
    let path = settings.config();
    page(path, experiment)?;
    let declarations = read(path, experiment)?;
    let families = match Family::of(&declarations, settings.preset(), planned) {
        Ok(families) => families,
        Err(error) if settings.is_changed() => {
            return Ok(vec![format!(
                "with these settings the claims cannot be tested: {error}"
            )]);
        }
        Err(error) => return Err(BadInput(format!("{}: {error}", path.display())).into()),
    };
    let mut lines = Vec::new();
    for family in &families {
        let of_family = family.lines();
        if of_family.is_empty() {
            continue;
        }
        let tests = memdil_claims::count(family.size(), "test", "tests");
        lines.push(format!(
            "claims of {} on {}: {tests}, corrected together; smallest effects detected with {:.0}% power, in standard \
             deviations between seeds:",
            family.experiment(),
            family.source(),
            100.0 * memdil_claims::POWER
        ));
        lines.extend(of_family);
    }
    Ok(lines)
}
