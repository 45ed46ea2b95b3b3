//! What holds where, in five lines.

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
/// some, and inconclusive everywhere, each as heading and text. Empty lists are left out.
pub(crate) fn summary(all: &[JudgedClaim<'_>]) -> Vec<(String, String)> {
    let claims = over_sources(all);
    let everywhere = |verdict| names(&claims, |claim| claim.all(verdict).then(String::new));
    let somewhere = |verdict| names(&claims, |claim| claim.some(verdict));
    let several = claims.iter().any(|claim| claim.verdicts.len() > 1);
    let every = if several { " on every data set" } else { "" };
    let lists = [
        (format!("Supported{every}"), everywhere(Verdict::Supported)),
        (
            "Supported on some".to_owned(),
            somewhere(Verdict::Supported),
        ),
        (format!("Refuted{every}"), everywhere(Verdict::Refuted)),
        ("Refuted on some".to_owned(), somewhere(Verdict::Refuted)),
        (
            format!("Inconclusive{every}"),
            everywhere(Verdict::Inconclusive),
        ),
    ];
    let shown = lists.into_iter().filter(|(_, names)| !names.is_empty());
    shown
        .map(|(heading, names)| {
            (
                format!("{heading} ({}):", names.len()),
                names.join("; ") + ".",
            )
        })
        .collect()
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
    claims: &[OverSources<'_>],
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
        ];
        let everywhere = names(&claims, |claim| claim.all(Supported).then(String::new));
        assert_eq!(everywhere, ["grows (a)"]);
        let supported = names(&claims, |claim| claim.some(Supported));
        assert_eq!(supported, ["grows (b) on x"]);
        let refuted = names(&claims, |claim| claim.some(Refuted));
        assert_eq!(refuted, ["grows (b) on y", "falls on y"]);
    }
}
