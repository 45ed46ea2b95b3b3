//! Claims by verdict and data set, in a few lines.

use memdil_claims::Verdict;

use super::judged::JudgedClaim;

/// The verdicts on one claim over data sets.
struct OverSources<'a> {
    experiment: &'a str,
    name: &'a str,
    /// Data set and verdict; the data set is empty for a claim about the solved models.
    verdicts: Vec<(&'a str, Verdict)>,
}

/// The claims that are supported on every data set, supported on some, refuted on every, refuted on
/// some, and inconclusive everywhere, then those about solved models; each as heading and text.
/// Empty lists are left out.
pub(crate) fn summary(all: &[JudgedClaim<'_>]) -> Vec<(String, String)> {
    lines(&over_sources(all))
}

fn lines(all: &[OverSources<'_>]) -> Vec<(String, String)> {
    let solved =
        |claim: &&OverSources<'_>| claim.verdicts.iter().any(|(source, _)| source.is_empty());
    let (models, networks): (Vec<&OverSources<'_>>, Vec<&OverSources<'_>>) =
        all.iter().partition(solved);
    let several = networks.iter().any(|claim| claim.verdicts.len() > 1);
    let every = if several { " on every data set" } else { "" };
    let mut lists = Vec::new();
    for verdict in [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive] {
        let word = capitalised(verdict);
        let whole = names(&networks, |claim| claim.all(verdict).then(String::new));
        lists.push((format!("{word}{every}"), whole));
        if verdict != Verdict::Inconclusive {
            let partly = names(&networks, |claim| claim.some(verdict));
            lists.push((format!("{word} on some data sets"), partly));
        }
    }
    for verdict in [Verdict::Supported, Verdict::Refuted, Verdict::Inconclusive] {
        let whole = names(&models, |claim| claim.all(verdict).then(String::new));
        lists.push((
            format!("{}, about solved models", capitalised(verdict)),
            whole,
        ));
    }
    lists.retain(|(_, names)| !names.is_empty());
    let line = |(heading, names): (String, Vec<String>)| {
        let names_text = names.join("; ") + ".";
        (format!("{heading} ({}):", names.len()), names_text)
    };
    lists.into_iter().map(line).collect()
}

fn capitalised(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Supported => "Supported",
        Verdict::Refuted => "Refuted",
        Verdict::Inconclusive => "Inconclusive",
    }
}

fn over_sources<'a>(all: &'a [JudgedClaim<'a>]) -> Vec<OverSources<'a>> {
    let mut claims: Vec<OverSources<'a>> = Vec::new();
    for judged in all {
        let (experiment, name) = (judged.experiment(), judged.name());
        let source = judged
            .group()
            .split_once('/')
            .map_or("", |(_, source)| source);
        let verdict = (source, judged.lead().verdict);
        let same =
            |claim: &&mut OverSources<'a>| (claim.experiment, claim.name) == (experiment, name);
        match claims.iter_mut().find(same) {
            Some(claim) => claim.verdicts.push(verdict),
            None => claims.push(OverSources {
                experiment,
                name,
                verdicts: vec![verdict],
            }),
        }
    }
    claims
}

impl OverSources<'_> {
    fn all(&self, verdict: Verdict) -> bool {
        self.verdicts.iter().all(|(_, other)| *other == verdict)
    }

    /// The data sets with this verdict, in parentheses; `None` if there are none, or all have it.
    fn some(&self, verdict: Verdict) -> Option<String> {
        let with = self.verdicts.iter().filter(|(_, other)| *other == verdict);
        let sources: Vec<&str> = with.map(|(source, _)| *source).collect();
        let some = !sources.is_empty() && !self.all(verdict);
        some.then(|| format!(" on {}", sources.join(" and ")))
    }
}

/// The names of the claims for which `detail` has a value, with the experiment if the name occurs
/// in several.
fn names(
    claims: &[&OverSources<'_>],
    detail: impl Fn(&OverSources<'_>) -> Option<String>,
) -> Vec<String> {
    let mut names = Vec::new();
    for claim in claims {
        if let Some(detail) = detail(claim) {
            let same = claims
                .iter()
                .filter(|other| other.name == claim.name)
                .count();
            let experiment = if same > 1 {
                format!(" ({})", claim.experiment)
            } else {
                String::new()
            };
            names.push(format!("{}{experiment}{detail}", claim.name));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_claim_is_listed_where_its_verdicts_say() {
        use Verdict::{Inconclusive, Refuted, Supported};
        let claim = |experiment, name, verdicts: &[(&'static str, Verdict)]| OverSources {
            experiment,
            name,
            verdicts: verdicts.to_vec(),
        };
        let claims = [
            claim("a", "grows", &[("x", Supported), ("y", Supported)]),
            claim("b", "grows", &[("x", Supported), ("y", Refuted)]),
            claim("b", "falls", &[("x", Inconclusive), ("y", Refuted)]),
            claim("theory", "limit", &[("", Supported)]),
        ];
        let lines = lines(&claims);
        let expected = [
            ("Supported on every data set (1):", "grows (a)."),
            ("Supported on some data sets (1):", "grows (b) on x."),
            (
                "Refuted on some data sets (2):",
                "grows (b) on y; falls on y.",
            ),
            ("Supported, about solved models (1):", "limit."),
        ];
        assert_eq!(lines, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
