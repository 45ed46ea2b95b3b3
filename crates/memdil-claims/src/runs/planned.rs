//! The planned runs of one data set, and the relations between them.

use std::collections::{BTreeMap, BTreeSet};

use memdil_records::RunSpec;
use serde_json::Value;

use crate::declaration::conditions::Conditions;
use crate::declaration::settings::{Settings, shown};

/// The planned runs of one data set.
pub(crate) struct PlannedRuns<'a> {
    pub(crate) specs: Vec<&'a RunSpec>,
    pub(crate) settings: Vec<Settings>,
    /// The settings that differ between some of the runs; they suffice to compare two runs.
    differing: Vec<Settings>,
}

/// Settings by name: the identity of a panel or cell.
pub(crate) type Key = BTreeMap<String, String>;

impl<'a> PlannedRuns<'a> {
    pub(crate) fn new(specs: Vec<&'a RunSpec>) -> Self {
        let settings: Vec<Settings> = specs.iter().map(|spec| Settings::of(spec)).collect();
        let mut planned = Self {
            specs,
            settings,
            differing: Vec::new(),
        };
        let names = planned.varying(&planned.all(), |_| true);
        for all in &planned.settings {
            let kept = names
                .iter()
                .map(|name| (name.clone(), all.get(name).clone()));
            planned.differing.push(Settings(kept.collect()));
        }
        planned
    }

    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.specs.len()).collect()
    }

    pub(crate) fn setting(&self, run: usize, key: &str) -> &Value {
        self.settings[run].get(key)
    }

    /// The runs for which the conditions hold.
    pub(crate) fn holding(&self, runs: &[usize], conditions: &Conditions) -> Vec<usize> {
        let holds = |run: &usize| conditions.hold(&self.settings[*run]);
        runs.iter().copied().filter(holds).collect()
    }

    /// The runs that differ from this run only in the seed.
    pub(crate) fn other_seeds(&self, run: usize, among: &[usize]) -> Vec<usize> {
        let is_other = |&other: &usize| {
            self.specs[other].seed != self.specs[run].seed
                && self.differing[other] == self.differing[run]
        };
        among.iter().copied().filter(is_other).collect()
    }

    /// True for runs of one seed that are equal in all settings except the free ones.
    pub(crate) fn matches(&self, a: usize, b: usize, free: impl Fn(&str) -> bool) -> bool {
        self.specs[a].seed == self.specs[b].seed && self.agree(a, b, free)
    }

    /// True for runs that are equal in all settings except the free ones and the seed.
    pub(crate) fn agree(&self, a: usize, b: usize, free: impl Fn(&str) -> bool) -> bool {
        let (a, b) = (&self.differing[a], &self.differing[b]);
        let mut keys = a.0.keys().chain(b.0.keys()).filter(|key| !free(key));
        keys.all(|key| a.get(key) == b.get(key))
    }

    /// The run of the same seed that satisfies the conditions and otherwise has equal settings.
    pub(crate) fn reference(&self, run: usize, conditions: &Conditions) -> Option<usize> {
        (0..self.specs.len()).find(|&other| {
            other != run
                && self.matches(run, other, |key| conditions.decides(key))
                && conditions.hold(&self.settings[other])
        })
    }

    /// The settings that differ between some of the runs.
    pub(crate) fn varying(&self, runs: &[usize], wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let names: BTreeSet<&String> = runs
            .iter()
            .flat_map(|&run| self.settings[run].0.keys())
            .collect();
        let varies = |name: &&String| {
            let first = self.setting(runs[0], name);
            wanted(name) && runs.iter().any(|&run| self.setting(run, name) != first)
        };
        names.into_iter().filter(varies).cloned().collect()
    }

    /// The names without redundant ones: those whose values follow from the others, as the number
    /// of features follows from the classes.
    pub(crate) fn distinguishing(&self, runs: &[usize], names: Vec<String>) -> Vec<String> {
        let distinct = |names: &[String]| {
            let keys: BTreeSet<Key> = runs.iter().map(|&run| self.key(run, names)).collect();
            keys.len()
        };
        let all = distinct(&names);
        // Classes and network are the most informative; they are removed last.
        let rank = |name: &String| match name.as_str() {
            "data.classes" => 0,
            name if name.starts_with("model.") && name != "model.features" => 1,
            _ => 2,
        };
        let mut kept = names;
        kept.sort_by_key(rank);
        for index in (0..kept.len()).rev() {
            let mut fewer = kept.clone();
            fewer.remove(index);
            if distinct(&fewer) == all {
                kept = fewer;
            }
        }
        kept
    }

    pub(crate) fn key(&self, run: usize, names: &[String]) -> Key {
        names
            .iter()
            .map(|name| (name.clone(), shown(self.setting(run, name))))
            .collect()
    }
}
