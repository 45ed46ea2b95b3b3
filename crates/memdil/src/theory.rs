//! `memdil theory lpm | md | limits | phase | fit`

use std::path::PathBuf;
use std::process::ExitCode;

use memdil_losses::Loss;
use memdil_theory::layer_peeled::numeric::{DescentOptions, LpmMinimum, LpmProblem, minimize};
use memdil_theory::layer_peeled::{LpmSetting, closed_form};
use memdil_theory::limits::{label_smoothing_classes, limits};
use memdil_theory::memorization_dilation::{classes, solve};
use memdil_theory::phase::{geometric, phase_map};
use memdil_theory::{FeatureMeasure, LossKind, MarginLoss, MdRecord, MdSetting, TheoryError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Solve the layer-peeled model, in closed form or by numeric minimisation
    #[command(after_help = "Example:\n  \
        memdil theory lpm --classes 10 --alpha 0.1 --lambda-w 1e-4 --lambda-h 1e-4 --nonnegative --json")]
    Lpm(Lpm),
    /// Solve the memorization-dilation model at one setting
    #[command(after_help = "Example:\n  \
        memdil theory md --loss ls --alpha 0.1 --lambda-w 1e-5 --lambda-h 1e-5 --eta 0.1 --c-md 0.5 \
        --measure sphere --dim 2 --nonnegative")]
    Md(Md),
    /// Compute the limits of the memorization-dilation model as weight decay vanishes
    #[command(after_help = "Example:\n  \
        memdil theory limits --alpha 0.1 --lambda-w 1e-8 --lambda-h 1e-8 --eta 0.1 --c-md 0.5 \
        --measure sphere --dim 2 --nonnegative")]
    Limits(LimitsOf),
    /// Map the ratio of a loss's rho to that of cross-entropy over noise and weight decay
    #[command(after_help = "Example:\n  \
        memdil theory phase --loss ls --alpha 0.1 --c-md 0.1 --measure sphere --dim 2 --nonnegative --json")]
    Phase(Phase),
    /// Fit C_MD to finished runs and print the predictions of the model
    #[command(after_help = "Example:\n  memdil theory fit --runs reproduction/quick/runs --json")]
    Fit(Fit),
}

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Lpm {
    /// Number of classes, at least 2
    #[arg(long, value_name = "N")]
    classes: usize,
    /// Degree of label smoothing in [0, 1); 0 is cross-entropy
    #[arg(long, value_name = "A", default_value_t = 0.0)]
    alpha: f64,
    /// Weight decay of the classifier
    #[arg(long, value_name = "L")]
    lambda_w: f64,
    /// Weight decay of the features
    #[arg(long, value_name = "L")]
    lambda_h: f64,
    /// Constrain the features to be nonnegative, as after a ReLU
    #[arg(long)]
    nonnegative: bool,
    /// Minimise numerically (with 6 more dimensions than classes, 2 samples per class) instead of
    /// using the closed form, and print how far the objective ends above it
    #[arg(long)]
    numeric: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Dimensions beyond the number of classes in numeric minimisation.
const SPARE: usize = 6;

/// The setting of the memorization-dilation model.
#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
struct Setting {
    /// Weight decay of the classifier
    #[arg(long, value_name = "L")]
    lambda_w: f64,
    /// Weight decay of the features
    #[arg(long, value_name = "L")]
    lambda_h: f64,
    /// Ratio of noisy to clean samples, in (0, 1)
    #[arg(long, value_name = "E")]
    eta: f64,
    #[command(flatten)]
    space: Space,
}

#[derive(clap::Args)]
struct Space {
    /// The memorization-dilation constant
    #[arg(long, value_name = "C")]
    c_md: f64,
    /// Distribution of unseen features: sphere, ball, two-point, gaussian or jumps
    #[arg(long, value_parser = parse::<FeatureMeasure>)]
    measure: FeatureMeasure,
    /// Dimension of the features
    #[arg(long, value_name = "P")]
    dim: usize,
    /// Constrain the features to be nonnegative, as after a ReLU
    #[arg(long)]
    nonnegative: bool,
}

#[derive(clap::Args)]
pub(crate) struct Md {
    /// Loss: ce, ls or lr
    #[arg(long, value_parser = parse::<LossKind>)]
    loss: LossKind,
    /// Degree of smoothing or relaxation in [0, 1); 0 for ce
    #[arg(long, value_name = "A", default_value_t = 0.0)]
    alpha: f64,
    #[command(flatten)]
    setting: Setting,
    /// Number of classes; more than 2 need --measure sphere
    #[arg(long, value_name = "N", default_value_t = 2)]
    classes: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct LimitsOf {
    /// Degree of smoothing and relaxation, in (0, 1)
    #[arg(long, value_name = "A")]
    alpha: f64,
    #[command(flatten)]
    setting: Setting,
    /// Number of classes; for more than 2, on the sphere, only the limit of label smoothing is
    /// printed
    #[arg(long, value_name = "N", default_value_t = 2)]
    classes: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Phase {
    /// Loss to compare with cross-entropy: ls or lr
    #[arg(long, value_parser = parse::<LossKind>, default_value = "ls")]
    loss: LossKind,
    /// Degree of smoothing or relaxation of the loss
    #[arg(long, value_name = "A", default_value_t = 0.1)]
    alpha: f64,
    #[command(flatten)]
    space: Space,
    /// Smallest and largest ratio of noisy to clean samples; the values between are evenly spaced
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], default_values_t = [0.01, 0.45])]
    etas: Vec<f64>,
    /// Smallest and largest weight decay, of both classifier and features; the values between are
    /// geometrically spaced
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], default_values_t = [1e-7, 1e-2])]
    lambdas: Vec<f64>,
    /// Number of cells along each axis
    #[arg(long, value_name = "CELLS", default_value_t = 60)]
    cells: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct Fit {
    /// Folder of the runs, one subfolder per run
    #[arg(long, value_name = "DIR")]
    runs: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    let (value, json) = match command {
        Command::Lpm(arguments) => (lpm(arguments)?, arguments.json),
        Command::Md(arguments) => (md(arguments)?, arguments.json),
        Command::Limits(arguments) => (limits_of(arguments)?, arguments.json),
        Command::Phase(arguments) => (phase(arguments)?, arguments.json),
        Command::Fit(arguments) => return fit(arguments),
    };
    if json {
        println!("{}", Value::Object(value));
    } else {
        for (key, value) in value.iter().filter(|(_, value)| !value.is_array()) {
            println!(
                "{key:<20} {}",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Parses a unit variant from its name in JSON.
fn parse<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(Value::String(name.to_owned())).map_err(|e| e.to_string())
}

fn object(value: impl Serialize) -> Result<Map<String, Value>, Failure> {
    match serde_json::to_value(value)? {
        Value::Object(map) => Ok(map),
        other => Err(Failure::inside(format!("not an object: {other}"))),
    }
}

fn lpm(arguments: &Lpm) -> Result<Map<String, Value>, Failure> {
    let &Lpm {
        classes,
        alpha,
        lambda_w,
        lambda_h,
        nonnegative,
        ..
    } = arguments;
    let setting = LpmSetting::new(classes, lambda_w, lambda_h)
        .alpha(alpha)
        .nonnegative(nonnegative);
    let exact = closed_form(&setting)?;
    let mut map = object(exact)?;
    if arguments.numeric {
        // With no more dimensions than classes, the descent may get stuck at a saddle point where
        // a class is zero.
        let problem = LpmProblem::new(&setting, 2, classes + SPARE);
        let found = minimize(
            &problem,
            &Loss::LabelSmoothing { alpha },
            DescentOptions::default(),
        )?;
        let LpmMinimum {
            objective,
            logit_gap,
            feature_sq_norm,
            weight_row_sq_norm,
            residual,
            iterations,
            ..
        } = found;
        map.extend(object(json!({
            "objective": objective,
            "above_closed_form": objective / exact.objective - 1.0,
            "logit_gap": logit_gap,
            "feature_sq_norm": feature_sq_norm,
            "weight_row_sq_norm": weight_row_sq_norm,
            "residual": residual,
            "iterations": iterations,
        }))?);
        // The condition number is that of the closed form; the descent does not compute one.
        map.remove("hessian_condition");
    }
    Ok(map)
}

impl Setting {
    /// Checks the setting. Unlike the library, this rejects `eta = 0` (no noise): the option is
    /// required, so 0 is probably a mistake.
    fn resolve(&self) -> Result<MdSetting, TheoryError> {
        if !(self.eta > 0.0 && self.eta < 1.0) {
            return Err(TheoryError::Parameter {
                name: "eta",
                value: self.eta,
                range: "in (0, 1)",
            });
        }
        let setting = self
            .space
            .at(self.eta)
            .weight_decay(self.lambda_w, self.lambda_h);
        setting.validate()?;
        Ok(setting)
    }
}

impl Space {
    /// The setting at a noise level, with a placeholder weight decay that the caller replaces.
    fn at(&self, eta: f64) -> MdSetting {
        let &Self {
            c_md,
            measure,
            dim,
            nonnegative,
        } = self;
        MdSetting::new(1.0, 1.0)
            .noise(eta, c_md)
            .measure(measure)
            .dim(dim)
            .nonnegative(nonnegative)
    }
}

fn md(arguments: &Md) -> Result<Map<String, Value>, Failure> {
    let setting = arguments.setting.resolve()?;
    let loss = MarginLoss::new(arguments.loss, arguments.alpha)?;
    if arguments.classes == 2 {
        let outcome = solve(&setting, &loss)?;
        return object(MdRecord::new(loss, setting, outcome));
    }
    let outcome = classes::solve(&setting, &loss, arguments.classes)?;
    object(MdRecord::of_classes(
        loss,
        setting,
        arguments.classes,
        outcome,
    ))
}

fn limits_of(arguments: &LimitsOf) -> Result<Map<String, Value>, Failure> {
    let setting = arguments.setting.resolve()?;
    if arguments.classes == 2 {
        return object(limits(&setting, arguments.alpha)?);
    }
    let rho_ls = label_smoothing_classes(&setting, arguments.alpha, arguments.classes)?;
    object(json!({ "classes": arguments.classes, "rho_ls": rho_ls }))
}

fn phase(arguments: &Phase) -> Result<Map<String, Value>, Failure> {
    let loss = MarginLoss::new(arguments.loss, arguments.alpha)?;
    let (low, high, cells) = (arguments.etas[0], arguments.etas[1], arguments.cells);
    let lambdas = geometric(arguments.lambdas[0], arguments.lambdas[1], cells)?;
    let etas: Vec<f64> = (0..cells)
        .map(|i| low + (high - low) * i as f64 / (cells - 1) as f64)
        .collect();
    if let Some(&value) = etas.iter().find(|eta| !(**eta > 0.0 && **eta < 1.0)) {
        return Err(TheoryError::Parameter {
            name: "etas",
            value,
            range: "in (0, 1)",
        }
        .into());
    }
    let map = phase_map(&arguments.space.at(low), &loss, &etas, &lambdas)?;
    let ratios = || map.ratio.iter().flatten().flatten().copied();
    let summary = json!({
        "cells": cells * cells,
        "collapsed_cells": cells * cells - ratios().count(),
        "cells_below_ce": ratios().filter(|ratio| *ratio < 1.0).count(),
        "smallest_ratio": ratios().reduce(f64::min),
        "largest_ratio": ratios().reduce(f64::max),
    });
    let mut all = object(loss)?;
    all.extend(object(summary)?);
    all.extend(object(&map)?);
    Ok(all)
}

fn fit(arguments: &Fit) -> Result<ExitCode, Failure> {
    let panels = memdil_report::fit_runs(&arguments.runs)?;
    if arguments.json {
        println!("{}", json!({ "fits": panels }));
        return Ok(ExitCode::SUCCESS);
    }
    for panel in panels {
        let end = |bound: Option<f64>| {
            bound.map_or_else(|| "?".to_owned(), |value| format!("{value:.3}"))
        };
        match panel.fit {
            Some(fit) => println!(
                "{}: C_MD {:.3} [{}, {}], rho_0 {:.3}, R^2 {:.3}, {} runs",
                panel.panel,
                fit.c_md,
                end(fit.c_md_low),
                end(fit.c_md_high),
                fit.rho_0,
                fit.r_squared,
                fit.rows
            ),
            None => println!(
                "{}: no fit: {}",
                panel.panel,
                panel.reason.unwrap_or_default()
            ),
        }
        for predicted in panel.predicted {
            println!(
                "  {:<8} eta {:<5} rho {:.4}",
                predicted.loss, predicted.eta, predicted.rho
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}
