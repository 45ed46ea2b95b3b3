#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use memdil_theory::*;
use memdil_theory::layer_peeled::{*,numeric::*};
use memdil_losses::Loss;
use memdil_theory::memorization_dilation::*;
use std::time::Instant;
fn main() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/theory.json")).unwrap();
    let g: serde_json::Value = serde_json::from_str(&text).unwrap();
    for case in g["lpm"].as_array().unwrap() {
        let f = |k: &str| case[k].as_f64().unwrap();
        let s = LpmSetting { classes: f("classes") as usize, alpha: f("alpha"), lambda_w: f("lambda_w"), lambda_h: f("lambda_h"), nonnegative: case["nonnegative"].as_bool().unwrap() };
        let c = closed_form(&s).unwrap();
        println!("{:e} {:e} {:e} {:e}", c.logit_gap-f("logit_gap"), c.objective-f("objective"), c.feature_sq_norm-f("feature_sq_norm"), c.weight_row_sq_norm-f("weight_row_sq_norm"));
        let p = LpmProblem { classes: s.classes, samples: 3, dim: s.classes+1, lambda_w: s.lambda_w, lambda_h: s.lambda_h, nonnegative: s.nonnegative };
        for seed in 0..4 {
        let t = Instant::now();
        match minimize(&p, &Loss::LabelSmoothing{alpha: s.alpha}, Search{starts:1, seed, ..Search::default()}) {
            Ok(m) => println!("   {:e} {:e} {:e} {:e} res {:e} it {} {:?}", m.logit_gap-c.logit_gap, m.objective-c.objective, m.feature_sq_norm-c.feature_sq_norm, m.weight_row_sq_norm-c.weight_row_sq_norm, m.residual, m.iterations, t.elapsed()),
            Err(e) => println!("   {e} {:?}", t.elapsed()),
        } }
    }
    for (alpha, lambda) in [(0.1,1e-3),(0.1,1e-5),(0.1,1e-7),(0.1,1e-9),(0.1,1e-12),(0.25,1e-3),(0.25,1e-7)] {
        let s = MdSetting { lambda_w: lambda, lambda_h: lambda, eta: 0.1, c_md: 0.5, measure: Measure::Sphere, dim: 2, nonnegative: true };
        let get = |k, a| { let o = solve(&s, &MarginLoss::new(k, a).unwrap()).unwrap(); let r = *o.solution().unwrap(); (r.rho, r.stationarity) };
        println!("{alpha} {lambda:e} lr {:?} limit {:?} ls {:?} law {} ce {:?}", get(LossKind::Lr, alpha), limits::label_relaxation(&s, alpha).unwrap().rho, get(LossKind::Ls, alpha), limits::label_smoothing(&s, alpha).unwrap(), get(LossKind::Ce, 0.0));
    }
}
