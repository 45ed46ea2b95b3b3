#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use memdil_theory::*;
use memdil_theory::memorization_dilation::*;
use std::time::Instant;
fn main() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/theory.json")).unwrap();
    let g: serde_json::Value = serde_json::from_str(&text).unwrap();
    for case in g["md"].as_array().unwrap() {
        let f = |k: &str| case[k].as_f64().unwrap();
        let loss = MarginLoss::new(serde_json::from_value(case["loss"].clone()).unwrap(), f("alpha")).unwrap();
        let s = MdSetting { lambda_w: f("lambda_w"), lambda_h: f("lambda_h"), eta: f("eta"), c_md: f("c_md"),
            measure: serde_json::from_value(case["measure"].clone()).unwrap(), dim: f("dim") as usize, nonnegative: case["nonnegative"].as_bool().unwrap() };
        let _ = solve(&s, &loss).unwrap();
        let t = Instant::now();
        let o = solve(&s, &loss).unwrap();
        let el = t.elapsed();
        let r = o.solution().unwrap();
        println!("{:?} {:e} {} rho {:.6} risk err {:.1e} rho err {:.1e} rad {:.1e} sep {:.1e} ln {:.1e} stat {:.1e} it {} {:?}", loss.kind(), s.lambda_w, s.eta, r.rho, r.risk/f("risk")-1.0, r.rho/f("rho")-1.0, r.radius/f("radius")-1.0, r.separation/f("separation")-1.0, r.logit_noisy/f("logit_noisy")-1.0, r.stationarity, r.iterations, el);
    }

    for case in g["md_n"].as_array().unwrap() {
        let f = |k: &str| case[k].as_f64().unwrap();
        let loss = MarginLoss::new(if f("alpha") > 0.0 { LossKind::Ls } else { LossKind::Ce }, f("alpha")).unwrap();
        let s = MdSetting { lambda_w: f("lambda_w"), lambda_h: f("lambda_h"), eta: f("eta"), c_md: f("c_md"),
            measure: serde_json::from_value(case["measure"].clone()).unwrap(), dim: f("dim") as usize, nonnegative: case["nonnegative"].as_bool().unwrap() };
        let t = Instant::now();
        let classes::ClassesOutcome::Solved(r) = classes::solve(&s, &loss, f("classes") as usize).unwrap() else { panic!() };
        let el = t.elapsed();
        println!("risk {:.1e} rad {:.1e} sep {:.1e} rho {:.1e} mem {:.1e} fsn {:.1e} stat {:.1e} it {} {el:?}", r.risk/f("risk")-1.0, r.radius/f("radius")-1.0, r.separation/f("separation")-1.0, r.rho/f("rho")-1.0, r.memorization/f("memorization")-1.0, r.feature_sq_norm/f("feature_sq_norm")-1.0, r.stationarity, r.iterations);
    }
    for (n, p, nonnegative, kind, lambda) in [(2,2,true,LossKind::Ce,1e-3),(2,2,true,LossKind::Ls,1e-3),(2,2,true,LossKind::Lr,1e-3),(2,6,false,LossKind::Ce,1e-4),(2,6,true,LossKind::Ls,1e-4),(2,6,true,LossKind::Ce,1e-5),(3,3,true,LossKind::Ls,1e-8),(4,4,true,LossKind::Ls,1e-8),(10,10,true,LossKind::Ls,1e-8),(10,10,true,LossKind::Ce,1e-4),(3,8,false,LossKind::Ls,1e-8),(10,10,true,LossKind::Lr,1e-3)] {
        let s = MdSetting { lambda_w: lambda, lambda_h: lambda, eta: 0.2, c_md: 0.5, measure: Measure::Sphere, dim: p, nonnegative };
        let loss = MarginLoss::new(kind, if kind == LossKind::Ce {0.0} else {0.1}).unwrap();
        let t = Instant::now();
        match classes::solve(&s, &loss, n) { Ok(classes::ClassesOutcome::Solved(r)) => {
        let el = t.elapsed();
        let exact = solve(&s, &loss).unwrap(); let e = exact.solution().unwrap();
        println!("{n} {p} {kind:?} rho {} exact {} risk {} exact {} law {:?} stat {:e} it {} {el:?}", r.rho, e.rho, r.risk, e.risk, limits::label_smoothing_classes(&s, 0.1, n).unwrap(), r.stationarity, r.iterations);
        } other => println!("{other:?}") }
    }
}
