//! From runs to C_MD, and from C_MD to predictions.

use std::collections::BTreeMap;

use memdil_theory::fit::{Bootstrap, Fit, FitRow, fit};
use memdil_theory::{MarginLoss, MdSetting, TheoryError};

use super::model::{evenly, in_parallel, loss, rho, setting};
use crate::ReportError;
use crate::runs::{Level, Panel, Quantity, Run, distinct};
use crate::text::{count, interval, number};
use memdil_claims::stats::mean;

/// With more classes the model of N classes is no longer accurate.
const MOST_CLASSES: usize = 10;
/// Experiments that the model is not about: latent classes, settings that differ between losses,
/// deep networks on all classes; and those that are a picture of runs that another one makes over
/// many seeds.
const NOT_MODELLED: [&str; 4] = [
    "features-2d",
    "generalization",
    "large-scale",
    "latent-classes",
];
/// Points of a predicted curve.
const POINTS: usize = 24;

/// The runs of one panel and one weight decay, with what the model makes of them.
#[derive(Clone, Debug)]
pub(crate) struct Practice<'a> {
    pub(crate) panel: &'a Panel,
    /// Where a panel has several.
    decay_in_label: bool,
    decay: f64,
    /// Completed runs of losses that the model knows.
    pub(crate) runs: Vec<&'a Run>,
    /// The fit, or why there is none.
    pub(crate) fit: Result<Fit, String>,
    /// (loss, points (eta, rho)); rho of the model plus the rho without noise that was fitted.
    pub(crate) predicted: Vec<(String, Vec<(f64, f64)>)>,
    /// The same at the mean realised noise of each level.
    pub(super) at_levels: BTreeMap<Level, Vec<(String, f64)>>,
    /// Why nothing was predicted.
    pub(crate) unpredicted: Option<String>,
}

/// What there is to predict of one panel.
struct Question {
    base: MdSetting,
    classes: usize,
    losses: Vec<(String, MarginLoss)>,
}

/// A loss, and rho at every noise level asked for.
type Answer = (String, Vec<Option<f64>>);

/// One entry a panel and weight decay, in the order of the tables.
pub(super) fn practice(runs: &[Run]) -> Result<Vec<Practice<'_>>, ReportError> {
    let modelled = |run: &Run| !NOT_MODELLED.contains(&run.record.spec.experiment.as_str());
    let usable =
        |run: &&Run| modelled(run) && Practice::row(run).is_some() && margin_loss(run).is_some();
    let usable: Vec<&Run> = runs.iter().filter(usable).collect();
    let keys = distinct(usable.iter().copied(), |run| {
        (run.panel(), Level(decay(run)))
    });
    let mut practice = Vec::new();
    for (panel, Level(decay_here)) in &keys {
        let same = |run: &&&Run| run.panel() == *panel && Level(decay(run)) == Level(*decay_here);
        let runs: Vec<&Run> = usable.iter().filter(same).copied().collect();
        // Nothing was memorised.
        if runs.iter().all(|run| run.eta() <= 0.0) {
            continue;
        }
        let decay_in_label = keys.iter().filter(|(other, _)| other == panel).count() > 1;
        practice.push(Practice::new(panel, decay_in_label, *decay_here, runs)?);
    }
    Ok(practice)
}

fn decay(run: &Run) -> f64 {
    // A decoupled decay is no penalty on the loss, as the model's is: to the model there is none.
    run.record
        .spec
        .optimizer
        .coupled_weight_decay()
        .unwrap_or(0.0)
}

fn margin_loss(run: &Run) -> Option<MarginLoss> {
    loss(run.loss(), run.alpha().unwrap_or(0.0)).ok().flatten()
}

impl<'a> Practice<'a> {
    fn new(
        panel: &'a Panel,
        decay_in_label: bool,
        decay: f64,
        runs: Vec<&'a Run>,
    ) -> Result<Self, ReportError> {
        let rows: Vec<FitRow> = runs.iter().filter_map(|run| Self::row(run)).collect();
        // A fit that fails says something about the runs; it is no fault of the report.
        let fit = match distinct(runs.iter().copied(), Level::of).len() {
            // What realised noise varies by at one level asked for is chance.
            1 => Err("all runs have one noise level".to_owned()),
            _ => fit(&rows, Bootstrap::default()).map_err(|error| error.to_string()),
        };
        let mut practice = Self {
            panel,
            decay_in_label,
            decay,
            runs,
            fit,
            predicted: Vec::new(),
            at_levels: BTreeMap::new(),
            unpredicted: None,
        };
        practice.predict()?;
        Ok(practice)
    }

    /// What the fit takes of a run; `None` where something was not measured.
    pub(crate) fn row(run: &Run) -> Option<FitRow> {
        let (last, test) = (run.last()?, run.test()?);
        let memorization = match run.value(Quantity::Memorization) {
            Some(mean) => mean,
            // Without corrupted samples there is nothing to memorise.
            None => last
                .memorization_sum
                .filter(|sum| *sum <= 0.0)
                .map(|_| 0.0)?,
        };
        let share = run.record.realised_noise;
        let row = FitRow {
            eta: share / (1.0 - share),
            memorization,
            separation: test.separation.filter(|s| *s > 0.0)?,
            radius: test.radius?,
            group: Some(run.seed()),
        };
        [row.eta, row.memorization, row.separation, row.radius]
            .iter()
            .all(|v| v.is_finite() && *v >= 0.0)
            .then_some(row)
    }

    fn predict(&mut self) -> Result<(), TheoryError> {
        let Ok(fit) = &self.fit else { return Ok(()) };
        let classes = self.panel.classes.len();
        let losses = distinct(self.runs.iter().copied(), |run| {
            (run.loss_rank(), run.loss_label())
        });
        let known = |label: &str| {
            self.runs
                .iter()
                .find(|run| run.loss_label() == label)
                .and_then(|run| margin_loss(run))
        };
        let losses: Vec<(String, MarginLoss)> = losses
            .into_iter()
            .filter_map(|(_, label)| Some((label.clone(), known(&label)?)))
            .collect();
        if self.decay <= 0.0 {
            self.unpredicted = Some("the model needs a weight decay above zero".to_owned());
        } else if !(2..=MOST_CLASSES).contains(&classes) {
            self.unpredicted = Some(format!(
                "the model is solved for 2 to {MOST_CLASSES} classes, not {classes}"
            ));
        }
        if self.unpredicted.is_some() {
            return Ok(());
        }
        let question = Question {
            base: setting(0.0, fit.c_md, self.lambda(), classes),
            classes,
            losses,
        };
        let levels: Vec<(Level, f64)> = self
            .noisy_levels()
            .into_iter()
            .filter_map(|level| Some((level, self.eta_hat(level)?)))
            .collect();
        let etas: Vec<f64> = levels
            .iter()
            .map(|(_, eta)| *eta)
            .filter(|eta| *eta < 1.0)
            .collect();
        let Some(highest) = etas.iter().copied().max_by(f64::total_cmp) else {
            return Ok(());
        };
        let rho_0 = fit.rho_0;
        for (label, rhos) in question.answer(&etas)? {
            for ((level, _), rho) in levels.iter().filter(|(_, eta)| *eta < 1.0).zip(&rhos) {
                if let Some(rho) = rho {
                    self.at_levels
                        .entry(*level)
                        .or_default()
                        .push((label.clone(), rho_0 + rho));
                }
            }
        }
        // A smooth course is cheap for two classes only.
        let drawn = if classes == 2 {
            evenly(highest / POINTS as f64, highest, POINTS)
        } else {
            etas
        };
        for (label, rhos) in question.answer(&drawn)? {
            let points = drawn
                .iter()
                .zip(rhos)
                .filter_map(|(eta, rho)| Some((*eta, rho_0 + rho?)));
            self.predicted.push((label, points.collect()));
        }
        Ok(())
    }

    /// Weight decay of the optimiser as a decay of the model: the optimiser adds decay/2 times
    /// squared weights to a mean over samples, the model λ times squared weights to a sum over
    /// classes.
    pub(crate) fn lambda(&self) -> f64 {
        0.5 * self.panel.classes.len() as f64 * self.decay
    }

    pub(crate) fn levels(&self) -> Vec<Level> {
        distinct(self.runs.iter().copied(), Level::of)
    }

    pub(crate) fn noisy_levels(&self) -> Vec<Level> {
        self.levels()
            .into_iter()
            .filter(|level| level.0 > 0.0)
            .collect()
    }

    /// Mean realised ratio of noisy to clean samples.
    fn eta_hat(&self, level: Level) -> Option<f64> {
        let here = self.runs.iter().filter(|run| Level::of(run) == level);
        mean(
            &here
                .filter_map(|run| Self::row(run))
                .map(|row| row.eta)
                .collect::<Vec<_>>(),
        )
        .filter(|eta| *eta > 0.0)
    }

    /// (loss, rho) that the model expects.
    pub(crate) fn predicted_at(&self, level: Level) -> Vec<(String, f64)> {
        self.at_levels.get(&level).cloned().unwrap_or_default()
    }

    /// (loss, mean rho) of the runs.
    pub(crate) fn measured_at(&self, level: Level) -> Vec<(String, f64)> {
        let mut rhos: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| Level::of(run) == level) {
            if let Some(row) = Self::row(run) {
                rhos.entry(run.loss_label())
                    .or_default()
                    .push(row.radius / row.separation);
            }
        }
        rhos.into_iter()
            .filter_map(|(loss, values)| Some((loss, mean(&values)?)))
            .collect()
    }

    /// Whether mean rho orders the losses as predicted, at every level; `None` without two losses
    /// to order.
    pub(crate) fn same_order(&self) -> Option<bool> {
        let order = |mut values: Vec<(String, f64)>| {
            values.sort_by(|a, b| a.1.total_cmp(&b.1));
            values.into_iter().map(|(loss, _)| loss).collect::<Vec<_>>()
        };
        let mut same = None;
        for level in self.noisy_levels() {
            let measured = self.measured_at(level);
            let here = |loss: &String| measured.iter().any(|(other, _)| other == loss);
            let predicted: Vec<_> = self
                .predicted_at(level)
                .into_iter()
                .filter(|(loss, _)| here(loss))
                .collect();
            if predicted.len() > 1 && predicted.len() == measured.len() {
                same = Some(same.unwrap_or(true) && order(predicted) == order(measured));
            }
        }
        same
    }

    pub(crate) fn label(&self) -> String {
        if self.decay_in_label {
            format!("{}, decay {}", self.panel, self.decay)
        } else {
            self.panel.to_string()
        }
    }

    /// `C_MD = 1.21 [1.08, 1.37], rho without noise 0.131, R² = 0.93`.
    pub(crate) fn constants(fit: &Fit) -> String {
        let range = match (fit.c_md_low, fit.c_md_high) {
            (Some(low), Some(high)) => format!(" {}", interval([low, high])),
            (Some(low), None) => format!(" (at least {})", number(low)),
            _ => String::new(),
        };
        format!(
            "C_MD = {}{range}, rho without noise {}, R² = {}",
            number(fit.c_md),
            number(fit.rho_0),
            number(fit.r_squared)
        )
    }

    /// The fit in a sentence.
    pub(crate) fn fitted(&self) -> String {
        match &self.fit {
            Ok(fit) => format!(
                "Fitted over {} of {}: {}. {}",
                count(fit.rows, "run", "runs"),
                count(fit.units, "seed", "seeds"),
                Self::constants(fit),
                if fit.c_md_low.is_some() {
                    "The interval is a 95% bootstrap over seeds."
                } else {
                    "These seeds give no interval."
                }
            ),
            Err(reason) => format!("No fit: {reason}."),
        }
    }
}

impl Question {
    /// Rho of every loss at every noise level.
    fn answer(&self, etas: &[f64]) -> Result<Vec<Answer>, TheoryError> {
        let all: Vec<(&MarginLoss, f64)> = self
            .losses
            .iter()
            .flat_map(|(_, loss)| etas.iter().map(move |eta| (loss, *eta)))
            .collect();
        let solved = in_parallel(&all, |(loss, eta)| {
            rho(
                &MdSetting {
                    eta: *eta,
                    ..self.base
                },
                loss,
                self.classes,
            )
        })?;
        let rows = solved.chunks(etas.len().max(1)).map(<[_]>::to_vec);
        Ok(self
            .losses
            .iter()
            .map(|(label, _)| label.clone())
            .zip(rows)
            .collect())
    }
}
